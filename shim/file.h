/*
 * The manifest's file, read whole into a mapping, if it is one that can be trusted: whoever may write it decides where
 * objects lie. In the constructor.
 */
#ifndef STINGY_FILE_H
#define STINGY_FILE_H

#include <stddef.h>

struct stingy_file {
	char *text;
	size_t size; /* bytes */
};

/* Reads the file at path. Returns 0, or -1 with the reason in why, which has room for size bytes. */
int stingy_file_read(struct stingy_file *file, const char *path, char *why, size_t size);

/* Gives the memory back. */
void stingy_file_fini(struct stingy_file *file);

#endif
