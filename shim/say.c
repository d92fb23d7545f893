#define _GNU_SOURCE
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define KEPT_LEAST     200 /* descriptors below it are the program's habit */

static bool is_silent;
static int descriptor = STDERR_FILENO;
static dev_t stderr_device; /* what descriptor 2 was */
static ino_t stderr_inode;  /* 0: closed */

void stingy_say_init(bool silent)
{
	struct stat st;
	is_silent = silent;
	if (fstat(STDERR_FILENO, &st) == 0) {
		stderr_device = st.st_dev;
		stderr_inode = st.st_ino;
	}
}

void stingy_say_keep(void)
{
	int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, KEPT_LEAST);
	if (kept >= 0)
		descriptor = kept;
}

static bool is_stderr_ours(void)
{
	struct stat st;
	return stderr_inode != 0 && fstat(descriptor, &st) == 0 && st.st_dev == stderr_device &&
	       st.st_ino == stderr_inode;
}

/* A write that raises no signal: what it may raise is held back, and taken before it is let through again. */
static void write_quietly(const char *line, size_t len)
{
	const struct timespec at_once = {0, 0};
	sigset_t ours, before, pending;
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigpending(&pending);
	if (pthread_sigmask(SIG_BLOCK, &ours, &before) != 0)
		return;
	ssize_t written = write(descriptor, line, len);
	if (written < 0 && !sigismember(&pending, SIGPIPE) && !sigismember(&pending, SIGXFSZ))
		sigtimedwait(&ours, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

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
	if (is_stderr_ours())
		write_quietly(line, used);
	errno = saved;
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
