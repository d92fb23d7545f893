/*
 * Rounding up to a multiple of an alignment, which is a power of two.
 */
#ifndef STINGY_ROUND_H
#define STINGY_ROUND_H

#include <stdint.h>

static inline uint64_t stingy_round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

#endif
