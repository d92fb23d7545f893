/*
 * Words for others to read back as they were: a shell's, and systemd's in a unit file. Errors are the stream's.
 */
#ifndef STINGY_QUOTE_H
#define STINGY_QUOTE_H

#include <stdio.h>

/* Prints the word for a POSIX shell, in quotes if it needs them. */
void stingy_quote_shell(FILE *out, const char *word);

/* Prints an assignment NAME=VALUE as Environment= wants it (systemd.exec(5)): in quotes, specifiers undone. */
void stingy_quote_unit(FILE *out, const char *name, const char *value);

#endif
