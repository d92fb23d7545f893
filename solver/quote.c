#include "quote.h"

#include <string.h>

/* Characters that no shell does anything with. */
static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

void stingy_quote_shell(FILE *out, const char *word)
{
	if (*word && word[strspn(word, harmless)] == '\0') {
		fputs(word, out);
		return;
	}
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
}

void stingy_quote_unit(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s=", name);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (strchr("\"\\", *value))
			putc('\\', out);
		else if (*value == '%')
			putc('%', out);
		putc(*value, out);
	}
	putc('"', out);
}
