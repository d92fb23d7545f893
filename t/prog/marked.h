/*
 * Objects whose contents follow from their marks: made, changed and freed, so that a program notices when somebody else
 * has written to one. Include it once in a program. A failed check aborts.
 */
#ifndef STINGY_TEST_MARKED_H
#define STINGY_TEST_MARKED_H

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS 200

struct object {
	unsigned char *at;
	size_t size;
	unsigned char mark;
};

static struct object objects[OBJECTS];

static inline void mark(struct object *object, unsigned char byte)
{
	object->mark = byte;
	memset(object->at, byte, object->size);
}

static inline void check_object(const struct object *object)
{
	for (size_t i = 0; i < object->size; i++)
		check(object->at[i] == object->mark, "an object's contents changed");
}

static __attribute__((noinline)) void make(struct object *object, unsigned i, unsigned char byte)
{
	object->size = 16 + i * 40 % 900;
	object->at = i % 4 == 0 ? calloc(1, object->size) : malloc(object->size);
	check(object->at != NULL, "no memory");
	mark(object, byte);
}

static inline void make_all(unsigned char byte)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		make(&objects[i], i, (unsigned char)(byte + i));
}

static inline void check_all(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		check_object(&objects[i]);
}

static inline void free_all(void)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		check_object(&objects[i]);
		free(objects[i].at);
	}
}

/* Larger, smaller, anew: every object is another one after it. */
static inline void change_all(unsigned char byte)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct object *object = &objects[i];
		check_object(object);
		if (i % 3 == 0) {
			free(object->at);
			make(object, i, (unsigned char)(byte + i));
			continue;
		}
		size_t size = i % 3 == 1 ? object->size * 5 : object->size / 2;
		object->at = realloc(object->at, size);
		check(object->at != NULL, "no memory");
		object->size = size < object->size ? size : object->size;
		check_object(object);
		object->size = size;
		mark(object, (unsigned char)(byte + i));
	}
}

#endif
