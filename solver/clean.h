/*
 * Text that others wrote (paths and names in traces, what a process says of itself), for a terminal: bytes that it
 * might act on become '?'.
 */
#ifndef STINGY_CLEAN_H
#define STINGY_CLEAN_H

#include <stdio.h>

static inline char stingy_clean_byte(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7f ? '?' : byte;
}

/* Cleans the text in place. Returns it. */
static inline char *stingy_clean(char *text)
{
	for (char *at = text; *at; at++)
		*at = stingy_clean_byte(*at);
	return text;
}

/* Prints the text clean. */
static inline void stingy_clean_print(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(stingy_clean_byte(*text), out);
}

#endif
