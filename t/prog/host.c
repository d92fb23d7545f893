/*
 * A program of C that loads a module, for itself alone (RTLD_LOCAL), and calls a function of it as if it were main.
 *
 *	host MODULE FUNCTION [ARGUMENT]...
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	int (*function)(int argc, char **argv);
	const char *error = dlerror(); /* what a library preloaded tried in vain is not this program's */
	if (error) {
		fprintf(stderr, "host: nothing was asked of the loader, and it says: %s\n", error);
		return 2;
	}
	void *module = argc < 3 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	void *found = module ? dlsym(module, argv[2]) : NULL;
	if (!found) {
		fprintf(stderr, "host: %s\n", module ? argv[2] : dlerror());
		return 2;
	}
	memcpy(&function, &found, sizeof(function));
	return function(argc - 2, argv + 2);
}
