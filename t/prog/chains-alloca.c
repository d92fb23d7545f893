/*
 * Chains through frames of varying size: alloca and arrays of variable length between one return address and the next.
 *
 *	chains-alloca
 *
 * Flags: -O2 -Wno-vla.
 */
#include "../xorshift.h"

#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED    777u
#define CHAINS  3000
#define DEEPEST 30

static unsigned long n_objects;

static unsigned long go_on(unsigned depth, uint32_t *random);

static __attribute__((noinline)) unsigned long by_alloca(unsigned depth, uint32_t *random)
{
	size_t size = 1 + next_random(random) % 500;
	unsigned char *room = alloca(size);
	memset(room, 1, size);
	__asm__ volatile("" : : "r"(room) : "memory");
	return go_on(depth, random) + room[size - 1];
}

static __attribute__((noinline)) unsigned long by_array(unsigned depth, uint32_t *random)
{
	size_t size = 1 + next_random(random) % 100;
	unsigned long room[size];
	memset(room, 0, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");
	return go_on(depth, random) + room[size - 1] + 1;
}

static __attribute__((noinline)) unsigned long by_fixed(unsigned depth, uint32_t *random)
{
	return go_on(depth, random) + 1;
}

static unsigned long go_on(unsigned depth, uint32_t *random)
{
	if (depth == 0) {
		void *object = malloc(32);
		__asm__ volatile("" : "+r"(object));
		free(object);
		n_objects++;
		return 1;
	}
	switch (next_random(random) % 3) {
	case 0:
		return by_alloca(depth - 1, random);
	case 1:
		return by_array(depth - 1, random);
	default:
		return by_fixed(depth - 1, random);
	}
}

int main(void)
{
	uint32_t random = SEED;
	unsigned long sum = 0;
	for (unsigned i = 0; i < CHAINS; i++)
		sum += go_on(next_random(&random) % DEEPEST, &random);
	printf("seed %u: %lu objects, sum %lu\n", SEED, n_objects, sum);
	return 0;
}
