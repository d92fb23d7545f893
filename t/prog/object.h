/*
 * An object whose contents are made from its mark, so that whoever meets it can tell whether a byte of it has changed;
 * and what goes with it in the programs that use memory at random. A failed check aborts.
 */
#ifndef STINGY_TEST_OBJECT_H
#define STINGY_TEST_OBJECT_H

#include "../xorshift.h"
#include "check.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIX UINT64_C(0x9e3779b97f4a7c15) /* odd, its bits as good as random */

struct object {
	uint32_t size; /* bytes in all */
	uint32_t mark; /* what the rest is made from */
	uint64_t body[];
};

static inline uint64_t word(uint32_t mark, size_t i)
{
	return (mark + i + 1) * MIX;
}

static inline size_t n_words(const struct object *object)
{
	return (object->size - sizeof(*object)) / sizeof(uint64_t);
}

static inline void seal(struct object *object, size_t size, uint32_t mark)
{
	check(malloc_usable_size(object) >= size, "an object is smaller than was asked for");
	*object = (struct object){.size = (uint32_t)size, .mark = mark};
	size_t n = n_words(object);
	for (size_t i = 0; i < n; i++)
		object->body[i] = word(mark, i);
	memset(&object->body[n], (int)(mark & 0xff), size % sizeof(uint64_t));
}

/* Whether the first so many bytes are as they were sealed with that mark. */
static inline void check_contents(const struct object *object, size_t size, uint32_t mark)
{
	const struct object as_if = {.size = (uint32_t)size};
	size_t n = n_words(&as_if);
	for (size_t i = 0; i < n; i++)
		check(object->body[i] == word(mark, i), "an object's contents changed");
	const unsigned char *rest = (const unsigned char *)&object->body[n];
	for (size_t i = 0; i < size % sizeof(uint64_t); i++)
		check(rest[i] == (mark & 0xff), "an object's last bytes changed");
}

static inline void end(struct object *object)
{
	if (!object)
		return;
	check_contents(object, object->size, object->mark);
	free(object);
}

#endif
