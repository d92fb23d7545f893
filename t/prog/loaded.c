/*
 * A module for loader.c to load: makes, changes and ends objects for whoever asks. Built twice, the second time with
 * -DSECOND: another build, so other sites. Flags: -shared -fPIC.
 */
#include <stdlib.h>
#include <string.h>

void *loaded_make(size_t size);
void *loaded_resize(void *object, size_t size);
char *loaded_string(const char *text);
void loaded_end(void *object);
void *loaded_call(void *(*make)(size_t size), size_t size);

#ifdef SECOND
#define ROOM 500
#else
#define ROOM 100
#endif

void *loaded_make(size_t size)
{
	char room[ROOM];
	__asm__ volatile("" : : "r"(room) : "memory");
	void *object = malloc(size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

void *loaded_resize(void *object, size_t size)
{
	object = realloc(object, size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

/* The C library's own functions allocate for it. */
char *loaded_string(const char *text)
{
	char *copy = strdup(text);
	__asm__ volatile("" : "+r"(copy));
	return copy;
}

void loaded_end(void *object)
{
	free(object);
}

void *loaded_call(void *(*make)(size_t size), size_t size)
{
	void *object = make(size);
	__asm__ volatile("" : "+r"(object));
	return object;
}
