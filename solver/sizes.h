/*
 * The distribution of the sizes of allocations: which size covers a given share of them?
 *
 * Exact to 1 KiB by steps of 16 bytes; above that, 16 steps to each doubling, and in each step the largest size seen
 * is remembered, so that a single fixed size is exact however large. Plain data of fixed size; zeros are empty.
 */
#ifndef STINGY_SIZES_H
#define STINGY_SIZES_H

#include <stdint.h>

#define STINGY_SIZES_STEPS 242u /* to 2 MiB and one for what is larger */

struct stingy_sizes {
	uint64_t count[STINGY_SIZES_STEPS];
	uint64_t largest[STINGY_SIZES_STEPS]; /* bytes */
};

void stingy_sizes_add(struct stingy_sizes *sizes, uint64_t size);

/* The least multiple of 16 that holds the given percentage of the allocations; 0: there are none. */
uint64_t stingy_sizes_cover(const struct stingy_sizes *sizes, unsigned percent);

/* The step that a size falls into: sizes of one step differ by less than 16 bytes, or by a sixteenth. */
unsigned stingy_sizes_step(uint64_t size);

#endif
