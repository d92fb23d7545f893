/*
 * Sets of numbers from 0 to n - 1, as arrays of stingy_bits_words(n) words that the caller owns; zeros are empty. No
 * number is checked against n.
 */
#ifndef STINGY_BITS_H
#define STINGY_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words that hold n bits. */
static inline size_t stingy_bits_words(size_t n)
{
	return (n + 63) / 64;
}

static inline bool stingy_bits_has(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void stingy_bits_set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void stingy_bits_clear(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

#endif
