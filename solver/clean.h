/*
 * Text that others wrote (paths and names in traces, what a process says of itself), for a terminal: control
 * characters, which it might obey, become '?'. Those are ASCII's, and U+0080 to U+009F in UTF-8, a '?' for
 * each of their bytes. No memory, no state.
 */
#ifndef STINGY_CLEAN_H
#define STINGY_CLEAN_H

#include <stdbool.h>
#include <stdio.h>

/* Whether the two bytes are one of U+0080 to U+009F. */
static inline bool stingy_clean_is_c1(char first, char second)
{
	return (unsigned char)first == 0xc2 && (unsigned char)second >= 0x80 && (unsigned char)second < 0xa0;
}

/* What to print for the byte at a place in a text; before: the byte before it, 0 for the first. */
static inline char stingy_clean_byte(char before, const char *at)
{
	bool is_control = (unsigned char)*at < ' ' || *at == 0x7f;

	return is_control || stingy_clean_is_c1(before, *at) || stingy_clean_is_c1(*at, at[1]) ? '?' : *at;
}

/* Cleans the text in place, byte by byte. Returns it. */
static inline char *stingy_clean(char *text)
{
	char before = 0;

	for (char *at = text; *at; at++) {
		char byte = *at;

		*at = stingy_clean_byte(before, at);
		before = byte;
	}
	return text;
}

/* Prints the text clean. */
static inline void stingy_clean_print(FILE *out, const char *text)
{
	char before = 0;

	for (; *text; before = *text++)
		putc(stingy_clean_byte(before, text), out);
}

#endif
