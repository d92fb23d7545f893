/*
 * A manifest file that has been read to its end once, and so may be acted on: `stingy run` wants to know before it
 * starts a program, `stingy check` before it judges.
 *
 * The bytes stay mapped until fini; read the records with stingy_manifest_reader_init(&reader, file.data, file.size),
 * which then ends without an error. One line on stderr tells why a file is refused: "stingy: FILE:LINE: why".
 */
#ifndef STINGY_MANIFEST_FILE_H
#define STINGY_MANIFEST_FILE_H

#include "mapped-file.h"

/* Maps and reads the manifest at path. Returns 0, or -1 after the one line; then there is nothing to undo. */
int stingy_manifest_file_init(struct stingy_mapped_file *file, const char *path);

#endif
