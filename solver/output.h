/*
 * A file that a command writes: whole or not at all.
 *
 * The text is in memory first. A regular file is replaced by a new one when that is complete, so that there never is a
 * broken one under its name; a device or a pipe is written to. One line on stderr says what went wrong, except with
 * stdout: main looks after that for all commands (stingy.c).
 */
#ifndef STINGY_OUTPUT_H
#define STINGY_OUTPUT_H

#include <stddef.h>

/* Writes size bytes of text to the file at path; NULL: stdout. Returns 0, or -1. */
int stingy_output_put(const char *path, const char *text, size_t size);

#endif
