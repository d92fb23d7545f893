/*
 * A program with 1,000 allocation sites: bench-memory.sh looks at what the library needs for them.
 *
 *	bench-memory [none]
 *
 * Allocates an object at each, or none; prints the addresses of the lowest and the highest; and ends with its input.
 */
#include "bench-through.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *object[1000];
static size_t n_objects;
static uintptr_t lowest = UINTPTR_MAX, highest;

/* Sizes from 16 to 1,008 bytes. */
static size_t next_size(void)
{
	return 16 * (1 + n_objects % 63);
}

static void keep(void *fresh)
{
	uintptr_t at = (uintptr_t)fresh;
	lowest = at < lowest ? at : lowest;
	highest = at > highest ? at : highest;
	object[n_objects++] = fresh;
}

#define TEN(statement)                                                                                                 \
	statement statement statement statement statement statement statement statement statement statement

static void allocate(void)
{
	TEN(TEN(TEN(keep(through_2(next_size()));)))
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "none") != 0)
		allocate();
	printf("%zu objects 0x%" PRIxPTR " 0x%" PRIxPTR "\n", n_objects, lowest, highest);
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
