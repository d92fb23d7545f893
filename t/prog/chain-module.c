/*
 * A module for chains.c to load and unload; built twice, the second time with -DSECOND, so that two modules with other
 * frames at other offsets can come to lie at the same addresses. Flags: -shared -fPIC.
 */
#include <stdlib.h>

/* Where an object of the size is to be allocated, by how many frames of this module. */
void *chain_module(size_t size, unsigned depth);

static __attribute__((noinline)) void *leaf(size_t size)
{
#ifdef SECOND
	volatile char room[200];
	room[size % 200] = 1;
	void *object = calloc(1, size + (size_t)room[size % 200]);
#else
	void *object = malloc(size);
#endif
	__asm__ volatile("" : "+r"(object));
	return object;
}

void *chain_module(size_t size, unsigned depth)
{
	void *object = depth == 0 ? leaf(size) : chain_module(size + 8, depth - 1);
	__asm__ volatile("" : "+r"(object));
	return object;
}
