/*
 * Uses memory before main and after it: in what runs before all constructors, in constructors and destructors of all
 * priorities, when the process exits. Each begins objects and ends half of those that others have begun.
 *
 * With -DLIBRARY (and -shared -fPIC) it is a library to preload, whose constructor and destructor do so; the program
 * leaves objects to it, which it ends last of all.
 */
#define _GNU_SOURCE
#include "object.h"

#include <dlfcn.h>

#define EACH 20u /* objects that each stage begins */
#define MOST 200u

static struct object *objects[MOST];
static unsigned n_objects;

static __attribute__((noinline)) struct object *make(size_t size)
{
	struct object *object = malloc(size);
	check(object != NULL, "no memory");
	seal(object, size, (uint32_t)size);
	return object;
}

static void use_memory(void)
{
	for (unsigned i = 0; i < n_objects; i += 2) {
		end(objects[i]);
		objects[i] = NULL;
	}
	for (unsigned i = 1; i < n_objects; i += 4) {
		struct object *object = objects[i];
		if (!object)
			continue;
		objects[i] = realloc(object, 2 * (size_t)object->size);
		check(objects[i] != NULL, "no memory");
		check_contents(objects[i], objects[i]->size, objects[i]->mark);
	}
	for (unsigned i = 0; i < EACH; i++)
		objects[n_objects++] = make(50 + 2 * (size_t)i);
}

#ifdef LIBRARY

void early_keep(struct object *object);

void early_keep(struct object *object)
{
	objects[n_objects++] = object;
}

static __attribute__((constructor)) void begin(void)
{
	use_memory();
}

static __attribute__((destructor)) void finish(void)
{
	use_memory();
	for (unsigned i = 0; i < n_objects; i++)
		end(objects[i]);
}

#else

__attribute__((section(".preinit_array"), used)) static void (*before_all)(void) = use_memory;

static __attribute__((constructor(101))) void begin_early(void)
{
	use_memory();
}

static __attribute__((constructor)) void begin(void)
{
	use_memory();
}

static __attribute__((destructor)) void finish(void)
{
	use_memory();
}

static __attribute__((destructor(101))) void finish_late(void)
{
	use_memory();
	for (unsigned i = 0; i < n_objects; i++)
		end(objects[i]);
	printf("%u objects\n", n_objects);
}

int main(void)
{
	void (*keep)(struct object *);
	void *found = dlsym(RTLD_DEFAULT, "early_keep");
	memcpy(&keep, &found, sizeof(keep));
	atexit(use_memory);
	use_memory();
	for (unsigned i = 0; keep && i < EACH; i++)
		keep(make(100));
	return 0;
}

#endif
