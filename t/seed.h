/*
 * The seed of a test that uses random numbers: SEED if it is set, so that a failure can be repeated. It is
 * printed as a TAP comment.
 */
#ifndef STINGY_SEED_H
#define STINGY_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void seed_random(unsigned otherwise)
{
	const char *text = getenv("SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : otherwise;

	printf("# seed %u\n", seed);
	srandom(seed);
}

/* A random number from 0 to n - 1. */
static inline unsigned below(unsigned n)
{
	return (unsigned)random() % n;
}

/* All of its 32 bits are random. */
static inline uint32_t random_word(void)
{
	return (uint32_t)random() ^ (uint32_t)random() << 16;
}

#endif
