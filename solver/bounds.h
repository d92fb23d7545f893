/*
 * How many objects of a kind one task holds, and whether anything bounds that number.
 *
 * A kind that is allocated in a stage on a cycle of the stage call graph (a task may come back to it) could be
 * allocated without end by one task. The traces bound it if they have enough tasks: it is the least k such that, with
 * the confidence asked for, STINGY_COVER_TASKS percent of all tasks hold at most k. That is the exact one-sided bound
 * of a quantile: if more than a share of 1 - cover of all tasks held more than k, then as few of them as were seen
 * would have been seen with a probability of at most 1 - confidence. No shape of the distribution is assumed. At 95%
 * confidence it takes 29 tasks, none of which held more, to bound a number; fewer never do. Objects that never live
 * from one run of a stage to the next, and those of no known task, are counted by run instead. The user may also give
 * the number. For kinds in no cycle it is what the traces show.
 *
 * Heap memory, from init to fini.
 */
#ifndef STINGY_BOUNDS_H
#define STINGY_BOUNDS_H

#include "census.h"
#include "choices.h"
#include "kinds.h"

enum stingy_bound_by {
	STINGY_BOUND_BY_GRAPH = 0, /* in no cycle: a task passes each of its stages once */
	STINGY_BOUND_BY_TRACE,     /* in a cycle, and bounded with the confidence that was asked for */
	STINGY_BOUND_BY_USER,
	STINGY_BOUND_BY_NOTHING, /* in a cycle, and too few tasks were seen, or they held too many */
};

struct stingy_bound {
	enum stingy_bound_by by;
	uint32_t per_task; /* objects that one task holds at once; at least 1 */
	uint64_t tasks;    /* seen to have any */
	uint64_t seen;     /* what the bound is derived from: those, or the runs that made any */
};

struct stingy_bounds {
	struct stingy_bound *kind; /* by kind */
	bool *stage;               /* by stage: whether it lies on a cycle */
	bool *used;                /* by the user's count: whether a kind has that name */
};

/* census: by kinds, with relations. choices: settled. */
void stingy_bounds_init(struct stingy_bounds *bounds, const struct stingy_census *census,
			const struct stingy_kinds *kinds, const struct stingy_choices *choices);
void stingy_bounds_fini(struct stingy_bounds *bounds);

/*
 * The least k such that, with the confidence, cover percent of all tasks hold at most k, where histogram[i] of those
 * seen held i, and the last of its n counts all that held that many or more; 0: there are too few to say.
 */
uint32_t stingy_bounds_quantile(const uint64_t *histogram, uint32_t n, unsigned cover, unsigned confidence);

#endif
