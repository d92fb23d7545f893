#include "demangle.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libstdc++.so.6"
#define LONGEST 1024 /* bytes of a name that is looked at */

typedef char *demangle_t(const char *name, char *buffer, size_t *size, int *status);

/* The C++ library's function, or NULL. */
static demangle_t *find(void)
{
	static demangle_t *found;
	static int is_known;

	if (!is_known) {
		void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);

		if (library)
			*(void **)&found = dlsym(library, "__cxa_demangle");
		is_known = 1;
	}
	return found;
}

/* Cuts the parameters off: what stands in the last parentheses, unless it is part of the name ("operator()"). */
static void cut_parameters(char *name)
{
	char *at = strrchr(name, ')');
	int depth = 0;

	for (; at && at > name; at--) {
		depth += (*at == ')') - (*at == '(');
		if (depth == 0)
			break;
	}
	if (at && at > name)
		*at = '\0';
}

char *stingy_demangle(char *name, size_t size)
{
	size_t len = strcspn(name, "#");
	char mangled[LONGEST], rest[LONGEST], *readable;
	int status = -1;

	if (strncmp(name, "_Z", 2) != 0 || strlen(name) >= LONGEST || !find())
		return name;
	snprintf(mangled, sizeof(mangled), "%.*s", (int)len, name);
	readable = find()(mangled, NULL, NULL, &status);
	if (readable && status == 0) {
		cut_parameters(readable);
		strcpy(rest, name + len);
		snprintf(name, size, "%s%s", readable, rest);
	}
	free(readable);
	return name;
}
