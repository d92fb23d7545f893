#define _GNU_SOURCE
#include "lookup.h"

#include "modules.h"
#include "next.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static unsigned long n_closed = 1; /* calls of dlclose, and one */

void stingy_lookup_closed(void)
{
	__atomic_fetch_add(&n_closed, 1, __ATOMIC_RELEASE);
}

/* The path of the module at a place in the loader's list. */
struct place {
	unsigned before; /* modules yet to pass by */
	bool is_there;
	char path[PATH_MAX]; /* "": nothing to be found in it */
};

static int visit(const struct stingy_module *module, void *data)
{
	struct place *place = data;
	if (place->before-- != 0)
		return 0;
	place->is_there = true;
	size_t len = strlen(module->path);
	/* What the program has, or needs, is in the global scope. */
	if (!module->is_program && !stingy_module_contains(module, (uintptr_t)visit) && len < sizeof(place->path))
		memcpy(place->path, module->path, len + 1);
	return 1;
}

/* Asks one after the other, by their paths: dlopen must not be called while the loader goes through its list. */
static void *find_in_modules(const char *name)
{
	void *found = NULL;
	int (*close)(void *module); /* not ours, which would say that something may have gone */
	struct place place = {.is_there = stingy_next_find(&close, "dlclose") == 0};
	for (unsigned i = 0; place.is_there && !found; i++) {
		place.before = i;
		place.is_there = false;
		place.path[0] = '\0';
		stingy_modules_each(visit, &place);
		void *module = place.path[0] ? dlopen(place.path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
		if (!module)
			continue;
		found = dlsym(module, name);
		close(module);
	}
	return found;
}

static void *look_up(struct stingy_lookup *lookup, unsigned long closed)
{
	unsigned long long added = stingy_modules_version().adds;
	if (__atomic_load_n(&lookup->closed, __ATOMIC_ACQUIRE) == closed &&
	    __atomic_load_n(&lookup->added, __ATOMIC_RELAXED) == added)
		return NULL; /* as nothing has come since */
	void *found;
	if (stingy_next_find(&found, lookup->name) < 0)
		found = find_in_modules(lookup->name);
	__atomic_store_n(&lookup->found, found, __ATOMIC_RELAXED);
	__atomic_store_n(&lookup->added, added, __ATOMIC_RELAXED);
	__atomic_store_n(&lookup->closed, closed, __ATOMIC_RELEASE);
	return found;
}

void *stingy_lookup_get(struct stingy_lookup *lookup)
{
	unsigned long closed = __atomic_load_n(&n_closed, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&lookup->closed, __ATOMIC_ACQUIRE) == closed) {
		void *found = __atomic_load_n(&lookup->found, __ATOMIC_RELAXED);
		if (found)
			return found;
	}
	int saved = errno;
	void *found = look_up(lookup, closed);
	errno = saved;
	return found;
}
