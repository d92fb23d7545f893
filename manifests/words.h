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

#include <string.h>

/* What is left to read of a line, or of a field's value. */
struct stingy_words {
	const char *at;
	const char *end; /* what stands here may be read too if the line is whole, and is no digit */
	bool whole;      /* a line feed ended the line, and not the text */
};

/*
 * Finds the next line with something on it from *next on, and moves *next behind it, counting the lines passed.
 * Returns false if there is none.
 */
bool stingy_words_next_line(struct stingy_words *words, const char **next, const char *end, unsigned *count);

static inline bool stingy_words_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Moves on to the next word. Returns false if there is none: at the end of the line, and at a comment. */
static inline bool stingy_words_more(struct stingy_words *words)
{
	while (words->at < words->end && stingy_words_is_blank(*words->at))
		words->at++;
	return words->at < words->end && *words->at != '#';
}

/* Whether the last thing read ended its word. */
static inline bool stingy_words_is_apart(const struct stingy_words *words)
{
	return words->at == words->end || stingy_words_is_blank(*words->at);
}

/* Moves behind the string, a constant, if it comes next. Returns whether it did. */
static inline bool stingy_words_skip(struct stingy_words *words, const char *string)
{
	size_t len = strlen(string);

	if ((size_t)(words->end - words->at) < len || memcmp(words->at, string, len) != 0)
		return false;
	words->at += len;
	return true;
}

/* The same for a whole word, which need not be a constant. */
bool stingy_words_skip_word(struct stingy_words *words, const char *word);

/* Takes the rest of the word, which may be empty, off the line. */
struct stingy_text stingy_words_take(struct stingy_words *words);

/* What a digit stands for, plus one; zero for others. */
extern const uint8_t stingy_words_digits[];

/* The value of a digit, or what is above every base. */
static inline unsigned stingy_words_digit(char c)
{
	return stingy_words_digits[(unsigned char)c] - 1u;
}

/*
 * Reads what comes next on a whole line as a number, as far as its digits go. This is most of the reader's work: bases
 * and bounds are constants, so that there is no division, and the line's end is not looked for, as no digit is there.
 */
static inline __attribute__((always_inline)) const char *stingy_words_number(struct stingy_words *words, unsigned base,
									     uint64_t max, uint64_t *value)
{
	const char *at = words->at;
	uint64_t sum = 0;
	unsigned digit;

	for (; (digit = stingy_words_digit(*at)) < base; at++) {
		if (sum >= max / base && (sum > max / base || digit > max % base))
			return "number too large";
		sum = sum * base + digit;
	}
	if (at == words->at)
		return stingy_words_is_apart(words) ? "number missing" : "malformed number";
	words->at = at;
	*value = sum;
	return NULL;
}

/* The same for a decimal number of 32 bits. */
static inline const char *stingy_words_u32(struct stingy_words *words, uint32_t *value)
{
	uint64_t wide = 0;
	const char *error = stingy_words_number(words, 10, UINT32_MAX, &wide);

	*value = (uint32_t)wide;
	return error;
}

/* The same where it is all that is left of its word. */
static inline const char *stingy_words_last_u32(struct stingy_words *words, uint32_t *value)
{
	const char *error = stingy_words_u32(words, value);

	return error || stingy_words_is_apart(words) ? error : "malformed number";
}

/*
 * Reads the rest of the line as fields key=value, in any order: value[i] becomes that of key[i], its at NULL where
 * the field is not there. The first n_required fields must be there.
 */
const char *stingy_words_fields(struct stingy_words *words, const char *const *key, unsigned n, unsigned n_required,
				struct stingy_text *value);

/* A field's value, which is there, as something to read: it is from a whole line. */
static inline struct stingy_words stingy_text_read(struct stingy_text text)
{
	return (struct stingy_words){.at = text.at, .end = text.at + text.len, .whole = true};
}

/* All of a field's value as a decimal number; of 32 bits. */
const char *stingy_text_u64(struct stingy_text text, uint64_t *value);
const char *stingy_text_u32(struct stingy_text text, uint32_t *value);

/* The text as at most max bytes in hexadecimal. Returns how many they are; 0 if it is malformed or empty. */
uint32_t stingy_text_bytes(struct stingy_text text, uint8_t *bytes, uint32_t max);

/* Checks that the text is percent-encoded. */
const char *stingy_text_check(struct stingy_text text);

#endif
