/*
 * Modules with allocation sites, loaded in unusual ways.
 *
 *	loader reopen A.so B.so   loads A, unloads it, loads B in its place, and A somewhere else; objects outlive both
 *	loader deep A.so          loads A so that malloc and free are the C library's for it, whoever is preloaded; what
 *	                          it makes, the program ends
 *	loader apart A.so         loads A into a namespace of its own, with a C library of its own: each ends what it
 *	                          has made
 *	loader plug A.so B.so     loads A, then B, which make objects by a function of the program only
 *
 * The output does not depend on the libraries preloaded.
 */
#define _GNU_SOURCE
#include "object.h"

#include <dlfcn.h>

#define ROUNDS  10u
#define OBJECTS 50u
#define SIZE    200u

struct module {
	void *handle;
	void *(*make)(size_t size);
	void *(*resize)(void *object, size_t size);
	char *(*string)(const char *text);
	void (*end)(void *object);
};

static unsigned n_objects;

static void find(const struct module *module, void *function, const char *name)
{
	void *found = dlsym(module->handle, name);
	check(found != NULL, "the module lacks a function");
	memcpy(function, &found, sizeof(found));
}

static struct module take_in(void *handle)
{
	struct module module = {.handle = handle};
	if (!handle)
		fprintf(stderr, "loader: %s\n", dlerror());
	check(handle != NULL, "cannot load a module");
	find(&module, &module.make, "loaded_make");
	find(&module, &module.resize, "loaded_resize");
	find(&module, &module.string, "loaded_string");
	find(&module, &module.end, "loaded_end");
	return module;
}

static struct object *make_in(const struct module *module, size_t size)
{
	struct object *object = module->make(size);
	check(object != NULL, "no memory");
	seal(object, size, ++n_objects);
	return object;
}

static void make_all(const struct module *module, struct object **objects)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		objects[i] = make_in(module, SIZE + i);
}

static void end_all(struct object **objects)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		end(objects[i]);
}

static int reopen(const char *first, const char *second)
{
	unsigned n_moved = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct object *objects[3][OBJECTS];
		struct module a = take_in(dlopen(first, RTLD_NOW));
		uintptr_t was = (uintptr_t)a.make;
		make_all(&a, objects[0]);
		dlclose(a.handle);
		struct module b = take_in(dlopen(second, RTLD_NOW));
		make_all(&b, objects[1]);
		a = take_in(dlopen(first, RTLD_NOW));
		n_moved += (uintptr_t)a.make != was;
		make_all(&a, objects[2]);
		dlclose(b.handle);
		for (unsigned set = 0; set < 3; set++)
			end_all(objects[set]);
		dlclose(a.handle);
	}
	printf("%u objects, the module was elsewhere %u times of %u\n", n_objects, n_moved, ROUNDS);
	return 0;
}

/* The program's own, so that its sites are those of both libraries. */
static __attribute__((noinline)) struct object *make_here(size_t size)
{
	struct object *object = malloc(size);
	check(object != NULL, "no memory");
	seal(object, size, ++n_objects);
	return object;
}

/* Begins there, changes here, ends here. */
static void cross(const struct module *module)
{
	struct object *object = make_in(module, SIZE);
	object = realloc(object, 2 * (size_t)SIZE);
	check(object != NULL, "no memory");
	check_contents(object, SIZE, object->mark);
	seal(object, 2 * (size_t)SIZE, n_objects);
	end(object);
	char *text = module->string("some text");
	check(strcmp(text, "some text") == 0, "a string changed");
	free(text);
}

static int exchange_with(void *handle, int is_crossing)
{
	struct module module = take_in(handle);
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct object *theirs = make_in(&module, SIZE), *ours = make_here(SIZE + i);
		if (is_crossing)
			cross(&module);
		theirs = module.resize(theirs, 10 * (size_t)SIZE);
		check_contents(theirs, SIZE, theirs->mark);
		module.end(theirs);
		end(ours);
	}
	dlclose(handle);
	printf("%u objects\n", n_objects);
	return 0;
}

/* Whoever asks. */
static __attribute__((noinline)) void *make_for(size_t size)
{
	void *object = malloc(size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

static void plug(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW);
	struct module module = take_in(handle);
	void *(*call)(void *(*make)(size_t size), size_t size);
	find(&module, &call, "loaded_call");
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct object *object = call(make_for, SIZE);
		check(object != NULL, "no memory");
		seal(object, SIZE, ++n_objects);
		end(object);
	}
}

static int plug_both(const char *first, const char *second)
{
	plug(first);
	plug(second);
	printf("%u objects\n", n_objects);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	if (strcmp(mode, "reopen") == 0 && argc == 4)
		return reopen(argv[2], argv[3]);
	if (strcmp(mode, "plug") == 0 && argc == 4)
		return plug_both(argv[2], argv[3]);
	if (strcmp(mode, "deep") == 0)
		return exchange_with(dlopen(argv[2], RTLD_NOW | RTLD_DEEPBIND), 1);
	if (strcmp(mode, "apart") == 0)
		return exchange_with(dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW), 0);
	check(0, "no such mode");
	return 1;
}
