#include "escape.h"

#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

int stingy_escape_sequence(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	int len = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf8 ? 4 : 0;
	uint32_t code;

	if (len < 2)
		return len;
	code = *s & (0x7fu >> len);
	for (int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code < least[len] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff ? 0 : len;
}

/* What stands for the character in HTML; NULL: itself. */
static const char *html(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return c < ' ' || c == 0x7f ? REPLACEMENT : NULL;
	}
}

static const char *label(unsigned char c)
{
	return c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : NULL;
}

static void print(FILE *out, const char *text, const char *(*instead)(unsigned char c))
{
	while (*text) {
		int len = stingy_escape_sequence(text);
		const char *other = len == 0 ? REPLACEMENT : instead((unsigned char)*text);

		if (other)
			fputs(other, out);
		else
			fwrite(text, 1, (size_t)len, out);
		text += len ? len : 1;
	}
}

void stingy_escape_html(FILE *out, const char *text)
{
	print(out, text, html);
}

void stingy_escape_label(FILE *out, const char *text)
{
	print(out, text, label);
}
