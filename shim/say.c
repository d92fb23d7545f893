#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static bool is_silent; /* set in the constructor, if at all */

/* glibc's vsnprintf does not allocate for %s, %d, %u, %lu, %p: the conversions used in these libraries. */
static void say(const char *format, va_list args)
{
	int saved = errno;
	char line[LINE_MAX_BYTES] = "stingy: ";
	size_t used = strlen(line);
	size_t room = sizeof(line) - used - 1;
	int len = vsnprintf(line + used, room, format, args);
	if (len > 0)
		used += (size_t)len < room ? (size_t)len : room - 1;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		errno = 0; /* there is nobody to tell */
	errno = saved;
}

void stingy_say_no_more(void)
{
	is_silent = true;
}

void stingy_say(const char *format, ...)
{
	if (is_silent)
		return;
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void stingy_die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
	abort();
}
