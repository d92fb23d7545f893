/*
 * Text that others wrote (paths and names in traces, what a process says of itself), for a terminal: control
 * characters, which it might obey, become '?'. Those are ASCII's, and U+0080 to U+009F in UTF-8. No memory, no state.
 */
#ifndef STINGY_CLEAN_H
#define STINGY_CLEAN_H

#include <stdbool.h>
#include <stdio.h>

/* What to print for the byte; before: the byte before it in the text, 0 for the first. */
static inline char stingy_clean_byte(char before, char byte)
{
	unsigned char value = (unsigned char)byte;
	bool is_c1 = (unsigned char)before == 0xc2 && value >= 0x80 && value < 0xa0;

	return value < ' ' || value == 0x7f || is_c1 ? '?' : byte;
}

/* Cleans the text in place. Returns it. */
static inline char *stingy_clean(char *text)
{
	char before = 0;

	for (char *at = text; *at; at++) {
		char byte = *at;

		*at = stingy_clean_byte(before, byte);
		before = byte;
	}
	return text;
}

/* Prints the text clean. */
static inline void stingy_clean_print(FILE *out, const char *text)
{
	char before = 0;

	for (; *text; before = *text++)
		putc(stingy_clean_byte(before, *text), out);
}

#endif
