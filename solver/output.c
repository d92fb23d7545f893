#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A temporary file beside the one that is to be replaced. Returns its descriptor, or -1. */
static int open_beside(const char *path, char *name, size_t size)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if ((size_t)snprintf(name, size, "%s.XXXXXX", path) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkstemp(name);
	if (fd >= 0 && fchmod(fd, 0664 & ~mask) < 0) { /* what others may write, the library refuses */
		close(fd);
		unlink(name);
		return -1;
	}
	return fd;
}

static int replace(const char *path, const char *text, size_t size)
{
	char name[4096];
	int fd = open_beside(path, name, sizeof(name)), failed, error;

	if (fd < 0)
		return -1;
	failed = write_all(fd, text, size) < 0;
	failed |= close(fd) < 0;
	if (!failed && rename(name, path) == 0)
		return 0;
	error = errno;
	unlink(name);
	errno = error;
	return -1;
}

static int write_stream(FILE *out, const char *text, size_t size)
{
	return fwrite(text, 1, size, out) == size && fflush(out) == 0 ? 0 : -1;
}

static int write_through(const char *path, const char *text, size_t size)
{
	FILE *out = fopen(path, "we");
	int result, error;

	if (!out)
		return -1;
	result = write_stream(out, text, size);
	error = errno;
	if (fclose(out) < 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

static bool is_stdout(const struct stat *st)
{
	struct stat here;

	return fstat(STDOUT_FILENO, &here) == 0 && here.st_dev == st->st_dev && here.st_ino == st->st_ino;
}

/*
 * A file is replaced when all is well, so that there never is a broken one; where the path is a link to it, it is the
 * file that is replaced, not the link. A device or a pipe is written to. /dev/stdout is what stdout is, which may be
 * a file that others write to before and after.
 */
static int put(const char *path, const char *text, size_t size)
{
	char target[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? replace(path, text, size) : -1;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? write_through(path, text, size) : -1;
	if (is_stdout(&st))
		return write_stream(stdout, text, size);
	if (S_ISREG(st.st_mode) && realpath(path, target))
		return replace(target, text, size);
	return write_through(path, text, size);
}

int stingy_output_put(const char *path, const char *text, size_t size)
{
	int result = path ? put(path, text, size) : write_stream(stdout, text, size);

	if (result < 0 && !ferror(stdout))
		fprintf(stderr, "stingy: cannot write '%s': %s\n", path, strerror(errno));
	return result;
}
