/*
 * Becoming a program that is preloaded with one of Stingy's libraries.
 *
 * The libraries are configured by the environment (stingy-environment(7)), which these functions change in this
 * process: the caller sets what its command stands for, then becomes the program. Every function that fails says why
 * in one line on stderr. Whether the loader obeys is the program's affair: set-user-ID and static programs do not.
 */
#ifndef STINGY_PRELOAD_H
#define STINGY_PRELOAD_H

/*
 * Finds the library (a file name): in $STINGY_LIBDIR if that is set; else in .libs beside this executable, where a
 * build leaves it; else where it was installed. Its path, absolute, goes into path[PATH_MAX]. Returns 0 or -1.
 */
int stingy_preload_find(const char *library, char *path);

/* Finds the library and puts it first in LD_PRELOAD, before what stands there. Returns 0 or -1. */
int stingy_preload_set(const char *library);

/*
 * Writes the path of what a build leaves beside this executable, its name beginning with a slash, into path[PATH_MAX];
 * "" if the executable's own path is not known.
 */
void stingy_preload_beside(const char *name, char *path);

/* Sets the environment variable, or removes it if value is NULL. Returns 0 or -1. */
int stingy_preload_setenv(const char *name, const char *value);

/* Writes path, made absolute but not resolved, into buf[PATH_MAX]. Returns 0 or -1. */
int stingy_preload_absolute(const char *path, char *buf);

/*
 * Becomes the program argv[0], searched in PATH; STINGY_MAIN tells the library in it that this is the process meant.
 * Returns only on failure, with the exit status that the shell has for it.
 */
int stingy_preload_exec(char **argv);

#endif
