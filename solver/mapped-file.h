/*
 * A file's bytes, mapped to be read: manifests and ELF files as the commands look at them.
 *
 * Regular files only: a pipe could not be opened a second time by the program that is to be run. The mapping is
 * private and the caller's until fini; it says nothing, errno tells why it failed. A file that is cut short while it
 * is mapped raises SIGBUS in whoever reads it, as with any mapping; the commands live too shortly to mind.
 */
#ifndef STINGY_MAPPED_FILE_H
#define STINGY_MAPPED_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct stingy_mapped_file {
	char *data;  /* to be read; never NULL, not even for an empty file */
	size_t size; /* bytes */
	mode_t mode; /* this and the owner as stat(2) has them */
	uid_t owner;
};

/* Maps the file at path. Returns 0, or -1 with errno set; then there is nothing to undo. */
int stingy_mapped_file_init(struct stingy_mapped_file *file, const char *path);

/* The same, but the bytes may be written, too, and the file does not get that. The system may count them as memory. */
int stingy_mapped_file_init_copy(struct stingy_mapped_file *file, const char *path);

void stingy_mapped_file_fini(struct stingy_mapped_file *file);

#endif
