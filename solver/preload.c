#include "preload.h"

#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What ends a path in LD_PRELOAD, and what the loader would expand; there is no way to quote them. */
#define LOADER_SPECIAL " :$"

/* Writes "DIR/NAME" into path[PATH_MAX]; whether it fits, and a file that can be read is there. */
static bool is_there(const char *dir, const char *name, char *path)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX && access(path, R_OK) == 0;
}

void stingy_preload_beside(const char *name, char *path)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - strlen(name) - 1);
	char *slash;

	path[len < 0 ? 0 : len] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		memcpy(slash, name, strlen(name) + 1);
}

int stingy_preload_find(const char *library, char *path)
{
	const char *chosen = getenv("STINGY_LIBDIR");
	bool is_chosen = chosen && *chosen;
	const char *dir = is_chosen ? chosen : STINGY_LIBDIR;
	char relative[PATH_MAX], build[PATH_MAX];

	if (!is_chosen) {
		stingy_preload_beside("/.libs", build);
		if (build[0] && is_there(build, library, path))
			return 0;
	}
	if (is_there(dir, library, relative))
		return stingy_preload_absolute(relative, path);
	fprintf(stderr, "stingy: cannot find '%s' in '%s'\n", library, dir);
	return -1;
}

/* Puts path before what LD_PRELOAD holds already. */
static int prepend(const char *path, const char *others)
{
	size_t room = strlen(path) + strlen(others) + 2;
	char *value = malloc(room);
	int result;

	if (!value) {
		fprintf(stderr, "stingy: cannot set 'LD_PRELOAD': %s\n", strerror(errno));
		return -1;
	}
	snprintf(value, room, "%s:%s", path, others);
	result = stingy_preload_setenv("LD_PRELOAD", value);
	free(value);
	return result;
}

int stingy_preload_set(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char path[PATH_MAX];

	if (stingy_preload_find(library, path) < 0)
		return -1;
	if (strpbrk(path, LOADER_SPECIAL)) {
		fprintf(stderr, "stingy: cannot preload '%s': a space, colon or dollar in its path\n", path);
		return -1;
	}
	return others && *others ? prepend(path, others) : stingy_preload_setenv("LD_PRELOAD", path);
}

int stingy_preload_setenv(const char *name, const char *value)
{
	if ((value ? setenv(name, value, 1) : unsetenv(name)) == 0)
		return 0;
	fprintf(stderr, "stingy: cannot set '%s': %s\n", name, strerror(errno));
	return -1;
}

int stingy_preload_absolute(const char *path, char *buf)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd))) {
		fprintf(stderr, "stingy: cannot tell the current directory: %s\n", strerror(errno));
		return -1;
	}
	if (snprintf(buf, PATH_MAX, "%s%s%s", cwd, path[0] == '/' ? "" : "/", path) < PATH_MAX)
		return 0;
	fprintf(stderr, "stingy: path too long: '%s'\n", path);
	return -1;
}

int stingy_preload_exec(char **argv)
{
	char pid[24];
	int error;

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (stingy_preload_setenv("STINGY_MAIN", pid) < 0)
		return STINGY_EXIT_CANNOT_RUN;
	execvp(argv[0], argv);
	error = errno;
	fprintf(stderr, "stingy: cannot run '%s': %s\n", argv[0], strerror(error));
	return error == ENOENT ? STINGY_EXIT_NOT_FOUND : STINGY_EXIT_CANNOT_RUN;
}
