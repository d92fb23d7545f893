#include "demangle.h"

#include "memory.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MANGLED_MAX 1024u /* bytes */
#define READABLE    1024u

struct readable {
	char text[READABLE + 1];
	size_t len;
	jmp_buf too_long;
};

/* Called piece by piece. There is no other way to stop it, and it holds no heap memory. */
static void take_piece(const char *piece, size_t len, void *data)
{
	struct readable *readable = data;

	if (len > READABLE - readable->len)
		longjmp(readable->too_long, 1);
	memcpy(readable->text + readable->len, piece, len);
	readable->len += len;
}

static bool read_name(const char *mangled, struct readable *readable)
{
	readable->len = 0;
	if (setjmp(readable->too_long))
		return false;
	return cplus_demangle_v3_callback(mangled, DMGL_NO_OPTS, take_piece, readable) && readable->len;
}

char *stingy_demangle(const char *name, size_t len)
{
	char *mangled = stingy_memory_text(name, len);
	struct readable readable;

	if (len > MANGLED_MAX || strncmp(mangled, "_Z", 2) != 0 || !read_name(mangled, &readable))
		return mangled;
	free(mangled);
	return stingy_memory_text(readable.text, readable.len);
}
