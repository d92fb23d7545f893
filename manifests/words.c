/* Lines, words, fields and numbers of the manifest's text: see words.h. */
#include "words.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the part of a line that counts ends: before a '#' that begins a word, a CR before the LF, white space. */
static const char *content_end(const char *at, const char *end)
{
	const char *hash = at;

	if (end > at && end[-1] == '\r')
		end--;
	while ((hash = memchr(hash, '#', (size_t)(end - hash)))) {
		if (hash == at || is_blank(hash[-1])) {
			end = hash;
			break;
		}
		hash++;
	}
	while (end > at && is_blank(end[-1]))
		end--;
	return end;
}

bool stingy_words_next_line(struct stingy_words *words, const char **next, const char *end, unsigned *count)
{
	while (*next < end) {
		const char *at = *next;
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		words->end = content_end(at, feed ? feed : end);
		words->whole = feed != NULL;
		*next = feed ? feed + 1 : end;
		++*count;
		while (at < words->end && is_blank(*at))
			at++;
		words->at = at;
		if (at < words->end)
			return true;
	}
	return false;
}

struct stingy_text stingy_words_take(struct stingy_words *words)
{
	struct stingy_text word;

	while (words->at < words->end && is_blank(*words->at))
		words->at++;
	word.at = words->at;
	while (words->at < words->end && !is_blank(*words->at))
		words->at++;
	word.len = (size_t)(words->at - word.at);
	return word;
}

const char *stingy_words_fields(struct stingy_words *words, const char *const *key, unsigned n, unsigned n_required,
				struct stingy_text *value)
{
	struct stingy_text word, name;
	unsigned i;

	memset(value, 0, n * sizeof(*value));
	for (word = stingy_words_take(words); word.len; word = stingy_words_take(words)) {
		if (!stingy_text_cut(&word, '=', &name))
			return "a word that is no field";
		for (i = 0; i < n && !stingy_text_equals(name, key[i]); i++)
			;
		if (i == n)
			return "unknown field";
		if (value[i].at)
			return "field given twice";
		value[i] = word;
	}
	for (i = 0; i < n_required; i++)
		if (!value[i].at)
			return "field missing";
	return NULL;
}

bool stingy_text_equals(struct stingy_text text, const char *string)
{
	return text.len == strlen(string) && memcmp(text.at, string, text.len) == 0;
}

bool stingy_text_cut(struct stingy_text *text, char c, struct stingy_text *head)
{
	const char *at = text->len ? memchr(text->at, c, text->len) : NULL;
	size_t taken;

	*head = *text;
	if (at)
		head->len = (size_t)(at - text->at);
	taken = head->len + (at != NULL);
	text->at += taken;
	text->len -= taken;
	return at != NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that two hexadecimal digits stand for, or -1. */
static int hex_byte(const char *digits)
{
	int high = hex_digit(digits[0]), low = hex_digit(digits[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

const char *stingy_text_number(struct stingy_text text, unsigned base, uint64_t *value)
{
	*value = 0;
	if (!text.len)
		return "number missing";
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return "malformed number";
		if (*value > (UINT64_MAX - (unsigned)digit) / base)
			return "number too large";
		*value = *value * base + (unsigned)digit;
	}
	return NULL;
}

const char *stingy_text_u32(struct stingy_text text, uint32_t *value)
{
	uint64_t wide;
	const char *error = stingy_text_number(text, 10, &wide);

	*value = (uint32_t)wide;
	return !error && wide > UINT32_MAX ? "number too large" : error;
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
