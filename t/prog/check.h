/* What must hold in a test program: else it says what did not, and aborts. */
#ifndef STINGY_TEST_CHECK_H
#define STINGY_TEST_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char *program_invocation_short_name; /* glibc's; its header wants _GNU_SOURCE */

static inline void check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s[%d]: %s (errno %d)\n", program_invocation_short_name, getpid(), what, errno);
	abort();
}

#endif
