/*
 * From a solution to the regions of per-task state: their slots, and how many of them.
 *
 * Each takes a multiple of STINGY_REGION_ALIGN bytes; where it lies is plan.h's. What the solution leaves of tau is
 * given away: first up to the kinds' bounds, all in proportion; when these are all reached, to slots that lie in no
 * more lines of the cache than their objects need, the most allocated first; then beyond the bounds. The traces' own
 * concurrency is what was seen, not what will be, and slots that are not used cost nothing: the most recently freed one
 * is used first. The cache and order constraints hold all the while.
 *
 * Regions begin at multiples of lines, so that only a slot of a size such as 48 can straddle a line that it need not:
 * of three lines' four slots, two do. Rounded up to 64 none does, for a third more bytes: where bytes are scarce, more
 * slots are worth more than straight ones, since all of a region's lines are then in use anyway. Two regions never
 * have a line in common, so that no hot object shares one with a cold one of another region. Heap memory, from init to
 * fini.
 */
#ifndef STINGY_LAYOUT_H
#define STINGY_LAYOUT_H

#include "problem.h"

struct stingy_layout_region {
	uint32_t slot; /* bytes */
	uint32_t count;
};

struct stingy_layout {
	struct stingy_layout_region *region; /* by colour */
	uint32_t n_regions;
	uint32_t *n; /* by kind: its instances, at least the solution's */
};

/* n: a feasible solution of the problem. line: bytes of a line of the cache. */
void stingy_layout_init(struct stingy_layout *layout, const struct stingy_problem *problem, const uint32_t *n,
			uint32_t line);
void stingy_layout_fini(struct stingy_layout *layout);

#endif
