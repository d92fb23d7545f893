/* Lines, words, fields and numbers of the manifest's text: see words.h. */
#include "words.h"

#include <limits.h>

bool stingy_words_next_line(struct stingy_words *words, const char **next, const char *end, unsigned *count)
{
	while (*next < end) {
		const char *at = *next, *feed = memchr(at, '\n', (size_t)(end - at));

		words->at = at;
		words->end = feed ? feed : end;
		words->whole = feed != NULL;
		*next = feed ? feed + 1 : end;
		++*count;
		if (words->end > at && words->end[-1] == '\r')
			words->end--;
		if (stingy_words_more(words))
			return true;
	}
	return false;
}

struct stingy_text stingy_words_take(struct stingy_words *words)
{
	const char *at = words->at;
	struct stingy_text word = {.at = at};

	while (at < words->end && !stingy_words_is_blank(*at))
		at++;
	word.len = (size_t)(at - word.at);
	words->at = at;
	return word;
}

const uint8_t stingy_words_digits[UCHAR_MAX + 1] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* Moves behind the string if it comes next: byte by byte, as most differ in the first. */
static bool skip_string(struct stingy_words *words, const char *string)
{
	const char *at = words->at;

	for (; *string; string++, at++)
		if (at == words->end || *at != *string)
			return false;
	words->at = at;
	return true;
}

bool stingy_words_skip_word(struct stingy_words *words, const char *word)
{
	const char *start = words->at;

	if (skip_string(words, word) && stingy_words_is_apart(words))
		return true;
	words->at = start;
	return false;
}

/* Moves behind the key and its '='. */
static bool skip_key(struct stingy_words *words, const char *key)
{
	const char *start = words->at;

	if (skip_string(words, key) && stingy_words_skip(words, "="))
		return true;
	words->at = start;
	return false;
}

const char *stingy_words_fields(struct stingy_words *words, const char *const *key, unsigned n, unsigned n_required,
				struct stingy_text *value)
{
	unsigned i;

	for (i = 0; i < n; i++)
		value[i] = (struct stingy_text){NULL, 0};
	while (stingy_words_more(words)) {
		for (i = 0; i < n && !skip_key(words, key[i]); i++)
			;
		if (i == n)
			return "word that is no field of such a line";
		if (value[i].at)
			return "field given twice";
		value[i] = stingy_words_take(words);
	}
	for (i = 0; i < n_required; i++)
		if (!value[i].at)
			return "field missing";
	return NULL;
}

/* The byte that two hexadecimal digits stand for, or -1. */
static int hex_byte(const char *text)
{
	unsigned high = stingy_words_digit(text[0]), low = stingy_words_digit(text[1]);

	return high > 15 || low > 15 ? -1 : (int)(high << 4 | low);
}

const char *stingy_text_u64(struct stingy_text text, uint64_t *value)
{
	struct stingy_words words = stingy_text_read(text);
	const char *error = stingy_words_number(&words, 10, UINT64_MAX, value);

	return error || stingy_words_is_apart(&words) ? error : "malformed number";
}

const char *stingy_text_u32(struct stingy_text text, uint32_t *value)
{
	struct stingy_words words = stingy_text_read(text);

	return stingy_words_last_u32(&words, value);
}

uint32_t stingy_text_bytes(struct stingy_text text, uint8_t *bytes, uint32_t max)
{
	if (text.len % 2 != 0 || text.len / 2 > max)
		return 0;
	for (size_t i = 0; i < text.len; i += 2) {
		int byte = hex_byte(text.at + i);

		if (byte < 0)
			return 0;
		bytes[i / 2] = (uint8_t)byte;
	}
	return (uint32_t)(text.len / 2);
}

const char *stingy_text_check(struct stingy_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return "text with a byte that must be percent-encoded";
		if (text.at[i] != '%')
			continue;
		if (text.len - i < 3 || hex_byte(text.at + i + 1) < 0)
			return "text with a '%' that two hexadecimal digits do not follow";
		i += 2;
	}
	return NULL;
}

/* Also for text that was not checked: a '%' that encodes nothing stands for itself. */
char *stingy_text_decode(struct stingy_text text, char *buf, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return buf;
	for (size_t i = 0; i < text.len && n < size - 1; i++) {
		int byte = text.at[i] == '%' && text.len - i > 2 ? hex_byte(text.at + i + 1) : -1;

		if (byte < 0) {
			buf[n++] = text.at[i];
		} else {
			buf[n++] = (char)byte;
			i += 2;
		}
	}
	buf[n] = '\0';
	return buf;
}
