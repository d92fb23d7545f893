#include "sizes.h"

#include "../manifests/manifest.h"
#include "round.h"

#define EXACT_STEPS 65u                 /* 0, then 1 to 16, and so on to 1,024 bytes */
#define EXACT_LOG   10u                 /* log2 of the largest size that has a step of its own */
#define FINE_LOG    4u                  /* log2 of the steps in each doubling above that */
#define LARGEST     (UINT64_C(1) << 40) /* bytes: larger ones count as that, so that sums cannot overflow */

unsigned stingy_sizes_step(uint64_t size)
{
	unsigned log, step;

	if (size <= 1u << EXACT_LOG)
		return (unsigned)((size + STINGY_SLOT_ALIGN - 1) / STINGY_SLOT_ALIGN);
	size--; /* so that a power of two is the last of its steps, not the first of the next */
	log = 63u - (unsigned)__builtin_clzll(size);
	step = EXACT_STEPS + ((log - EXACT_LOG) << FINE_LOG) +
	       (unsigned)(size >> (log - FINE_LOG) & ((1u << FINE_LOG) - 1));
	return step < STINGY_SIZES_STEPS ? step : STINGY_SIZES_STEPS - 1;
}

void stingy_sizes_add(struct stingy_sizes *sizes, uint64_t size)
{
	unsigned step = stingy_sizes_step(size);

	if (size > LARGEST)
		size = LARGEST;
	sizes->count[step]++;
	if (size > sizes->largest[step])
		sizes->largest[step] = size;
}

uint64_t stingy_sizes_cover(const struct stingy_sizes *sizes, unsigned percent)
{
	uint64_t total = 0, covered = 0, cover = 0;

	for (unsigned i = 0; i < STINGY_SIZES_STEPS; i++)
		total += sizes->count[i];
	for (unsigned i = 0; i < STINGY_SIZES_STEPS && covered * 100 < total * percent; i++) {
		covered += sizes->count[i];
		/* malloc(0) must give an address of its own: it takes the smallest slot. */
		if (sizes->count[i])
			cover = stingy_round_up(sizes->largest[i] ? sizes->largest[i] : 1, STINGY_SLOT_ALIGN);
	}
	return cover;
}
