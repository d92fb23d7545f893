/*
 * A module for chains.c to load and unload; built twice, the second time with -DSECOND: the same code at the same
 * offsets, but for the size of a frame. Where one has come to lie in the other's place, what was learnt of the first's
 * return addresses is wrong for the second. Flags: -shared -fPIC.
 */
#include <stdlib.h>

#ifdef SECOND
#define ROOM 1000
#else
#define ROOM 2000
#endif

/* Makes an object of the size and more, by so many more frames of this module. */
void *chain_module(size_t size, unsigned depth);

static __attribute__((noinline)) void *leaf(size_t size)
{
	char room[ROOM];
	__asm__ volatile("" : : "r"(room) : "memory");
	void *object = malloc(size);
	__asm__ volatile("" : "+r"(object) : "r"(room));
	return object;
}

void *chain_module(size_t size, unsigned depth)
{
	void *object = depth == 0 ? leaf(size) : chain_module(size + 8, depth - 1);
	__asm__ volatile("" : "+r"(object));
	return object;
}
