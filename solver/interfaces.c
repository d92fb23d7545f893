#include "interfaces.h"

#include "mapped-file.h"
#include "preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".interface"

/* Writes the path of the file into path[PATH_MAX]. What lies there by that name comes first, then the build's own. */
static int find(const char *name, char *path)
{
	char beside[PATH_MAX];

	if (strchr(name, '/') || access(name, F_OK) == 0)
		return stingy_preload_absolute(name, path);
	stingy_preload_beside("/profiler/interfaces", beside);
	if (*beside && snprintf(path, PATH_MAX, "%s/%s" SUFFIX, beside, name) < PATH_MAX && access(path, R_OK) == 0)
		return 0;
	if (snprintf(path, PATH_MAX, "%s/%s" SUFFIX, STINGY_INTERFACES, name) < PATH_MAX && access(path, R_OK) == 0)
		return 0;
	fprintf(stderr, "stingy: no interface file '%s', nor one of that name in '%s'\n", name, STINGY_INTERFACES);
	return -1;
}

/* To its end; what it declares is added to the declarations, if they are wanted. */
static int read_whole(const char *path, struct stingy_declarations *declarations)
{
	struct stingy_interface_reader reader;
	struct stingy_declaration declaration;
	struct stingy_mapped_file file;
	unsigned n_watched = 0;

	if (stingy_mapped_file_init(&file, path) < 0) {
		fprintf(stderr, "stingy: cannot read '%s': %s\n", path, strerror(errno));
		return -1;
	}
	stingy_interface_reader_init(&reader, file.data, file.size);
	while (stingy_interface_next(&reader, &declaration) > 0) {
		n_watched += stingy_declaration_is_watched(&declaration);
		if (declarations)
			stingy_declarations_add(declarations, declaration.text);
	}
	if (reader.error)
		fprintf(stderr, "stingy: %s:%u: %s\n", path, reader.line, reader.error);
	else if (declarations && n_watched)
		fprintf(stderr,
			"stingy: %s: passed over %u declaration%s (queue, assign, malloc, free): only a profile sees "
			"calls\n",
			path, n_watched, n_watched == 1 ? "" : "s");
	stingy_mapped_file_fini(&file);
	return reader.error ? -1 : 0;
}

int stingy_interfaces_add(char *list, const char *name)
{
	char path[PATH_MAX];
	size_t used = strlen(list), len;

	if (find(name, path) < 0 || read_whole(path, NULL) < 0)
		return -1;
	len = strlen(path);
	if (strchr(path, ':') || used + len + 2 > STINGY_INTERFACES_SIZE) {
		fprintf(stderr, "stingy: cannot pass on the path '%s': %s\n", path,
			strchr(path, ':') ? "it has a colon" : "too many of them");
		return -1;
	}
	if (used)
		list[used++] = ':';
	memcpy(list + used, path, len + 1);
	return 0;
}

int stingy_interfaces_read(struct stingy_declarations *declarations, const char *name)
{
	char path[PATH_MAX];

	return find(name, path) < 0 ? -1 : read_whole(path, declarations);
}
