/*
 * The manifest's text below its records: lines without their comments, words, fields, numbers, percent-encoding.
 *
 * For the manifest's reader alone, and under its rules: everything works on the caller's bytes in place, nothing is
 * allocated, nothing beyond the bytes given is read, and of the C library only memory functions are used. No state;
 * any thread. What can fail returns NULL, or a static string that says why.
 */
#ifndef STINGY_WORDS_H
#define STINGY_WORDS_H

#include "manifest.h"

/* What is left to read of a line, without the comment and the white space at its end. */
struct stingy_words {
	const char *at;
	const char *end;
	bool whole; /* a line feed ended the line, and not the text */
};

/*
 * Finds the next line with something on it from *next on, and moves *next behind it, counting the lines passed.
 * Returns false if there is none.
 */
bool stingy_words_next_line(struct stingy_words *words, const char **next, const char *end, unsigned *count);

/* Takes the next word off the line; its length is 0 when there is none. */
struct stingy_text stingy_words_take(struct stingy_words *words);

/*
 * Reads the rest of the line as fields key=value, in any order: value[i] becomes that of key[i], its at NULL where
 * the field is not there. The first n_required fields must be there.
 */
const char *stingy_words_fields(struct stingy_words *words, const char *const *key, unsigned n, unsigned n_required,
				struct stingy_text *value);

bool stingy_text_equals(struct stingy_text text, const char *string);

/* Takes the part before the first c off the text, and the c. Returns false, and takes all of it, if there is no c. */
bool stingy_text_cut(struct stingy_text *text, char c, struct stingy_text *head);

/* The text as a number in the base, 10 or 16; as a decimal number of 32 bits. */
const char *stingy_text_number(struct stingy_text text, unsigned base, uint64_t *value);
const char *stingy_text_u32(struct stingy_text text, uint32_t *value);

/* The text as at most max bytes in hexadecimal. Returns how many they are; 0 if it is malformed or empty. */
uint32_t stingy_text_bytes(struct stingy_text text, uint8_t *bytes, uint32_t max);

/* Checks that the text is percent-encoded. */
const char *stingy_text_check(struct stingy_text text);

#endif
