/*
 * Interface files as the profiling library reads them: all declarations of a run, each with where it stands.
 *
 * A file that cannot be read, or is malformed, is told in one line and counts for nothing; the others go on. Mappings,
 * never given back. In the constructor only.
 */
#ifndef STINGY_INTERFACE_FILE_H
#define STINGY_INTERFACE_FILE_H

#include "interface.h"

#define STINGY_INTERFACE_FILES_MAX 16u
#define STINGY_FUNCTION_MAX        128u /* bytes of a function's name, with its end */

struct stingy_declared_file {
	char path[256]; /* for messages; cut to fit */
};

struct stingy_declared_line {
	struct stingy_declaration declaration;
	const struct stingy_declared_file *file;
	unsigned number;
	char function[STINGY_FUNCTION_MAX]; /* as it is written, for messages */
	char name[STINGY_FUNCTION_MAX];     /* its name alone, decoded; "" if it is given by offset */
	/* for declared.c */
	bool is_met;   /* there is such a function */
	bool by_slots; /* it is looked for among what modules call */
};

struct stingy_interface_files {
	struct stingy_declared_file file[STINGY_INTERFACE_FILES_MAX];
	struct stingy_declared_line *line;
	unsigned n_files, n_lines;
};

/* Reads the files at paths, which have colons between them. */
void stingy_interface_files_read(struct stingy_interface_files *files, const char *paths);

#endif
