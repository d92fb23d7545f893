#include "json.h"

#include "escape.h"

void stingy_json_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putc('"', out);
	while (*s) {
		int len = stingy_escape_sequence((const char *)s);

		if (len == 0)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, (size_t)len, out);
		s += len ? len : 1;
	}
	putc('"', out);
}
