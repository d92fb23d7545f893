#include "json.h"

#include "escape.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

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

json_t *stingy_json_text(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	size_t room = strlen(text) * (sizeof(replacement) - 1), n = 0;
	char *valid = stingy_memory_new(room + 1, 1);
	json_t *value;

	while (*text) {
		int len = stingy_escape_sequence(text);
		size_t bytes = len ? (size_t)len : sizeof(replacement) - 1;

		memcpy(valid + n, len ? text : replacement, bytes);
		n += bytes;
		text += len ? len : 1;
	}
	value = json_stringn(valid, n);
	free(valid);
	return value;
}
