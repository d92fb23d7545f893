/*
 * From a solution to the regions of per-task state: their slots, and how many of them.
 *
 * Each takes a multiple of STINGY_REGION_ALIGN bytes; where it lies is plan.h's. What the solution leaves of tau is
 * given away: first up to the kinds' bounds, all in proportion; when these are all reached, beyond them. The traces'
 * own concurrency is what was seen, not what will be, and slots that are not used cost nothing: the most recently freed
 * one is used first. The cache and order constraints hold all the while. Heap memory, from init to fini.
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

/* n: a feasible solution of the problem. */
void stingy_layout_init(struct stingy_layout *layout, const struct stingy_problem *problem, const uint32_t *n);
void stingy_layout_fini(struct stingy_layout *layout);

#endif
