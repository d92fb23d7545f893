/* Random numbers that a thread or a test program has for itself: from the same state, the same ones. */
#ifndef STINGY_TEST_XORSHIFT_H
#define STINGY_TEST_XORSHIFT_H

#include <stdint.h>

/* The state must not be 0. */
static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
