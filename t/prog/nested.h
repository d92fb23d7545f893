/*
 * Objects made in nested functions, by two ways, so that a site's key takes more than one address; and whether they are
 * still what they were. Include it once in a program. A failed check aborts.
 */
#ifndef STINGY_TEST_NESTED_H
#define STINGY_TEST_NESTED_H

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 300

/* Keeps the compiler from making the last call a jump: then its frame would not be there. */
#define STAY(value) __asm__ volatile("" : "+r"(value) : : "memory")

static unsigned char *objects[OBJECTS];

static inline size_t size_of(unsigned i)
{
	return 32 + i % 7 * 100;
}

static __attribute__((noinline)) unsigned char *give(unsigned i)
{
	unsigned char *object = malloc(size_of(i));
	check(object != NULL, "no memory");
	memset(object, (int)i, size_of(i));
	STAY(object);
	return object;
}

/* Two callers, so that a key takes more than one address to tell them apart. */
static __attribute__((noinline)) unsigned char *give_even(unsigned i)
{
	unsigned char *object = give(i);
	STAY(object);
	return object;
}

static __attribute__((noinline)) unsigned char *give_odd(unsigned i)
{
	unsigned char *object = give(i);
	STAY(object);
	return object;
}

static __attribute__((noinline)) void make(unsigned i)
{
	objects[i] = i % 2 ? give_odd(i) : give_even(i);
}

static inline void make_all(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		make(i);
}

static inline void check_all(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		for (size_t at = 0; at < size_of(i); at++)
			check(objects[i][at] == (unsigned char)i, "an object's contents changed");
}

static inline void renew_all(void)
{
	check_all();
	for (unsigned i = 0; i < OBJECTS; i++) {
		free(objects[i]);
		make(i);
	}
}

#endif
