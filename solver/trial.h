/*
 * Tries a plan out on the replay of traces: how many of the allocations would the arenas serve, how many threads would
 * have an arena, and what finds no place?
 *
 * As in production, a thread that allocates at a managed site gets an arena, the first ones that come, be it at set-up.
 * Needed are as many as it takes for all threads that serve to have one: those that only come later are not counted.
 * What other threads free goes back to the arena that it is from. Each trace is another process. Heap memory, from init
 * to fini; one thread.
 */
#ifndef STINGY_TRIAL_H
#define STINGY_TRIAL_H

#include "objects.h"
#include "sizes.h"

struct stingy_plan;

/* Of one kind: what should have been in an arena, and found no slot that is free and large enough. */
struct stingy_beside {
	uint64_t served;           /* allocations while serving that were in an arena, for comparison */
	uint64_t in_region;        /* of those: in the kind's region, not in the high slab's for the rest */
	uint64_t allocations;      /* while serving */
	struct stingy_sizes sizes; /* of those */
	uint32_t max_live;         /* of one arena, at most */
};

struct stingy_trial {
	uint64_t served;              /* allocations while serving that were in an arena */
	uint32_t n_arenas;            /* that a process needs, at most; 0: none */
	struct stingy_beside *beside; /* by the plan's kind */
	/* the rest is the module's own */
	const struct stingy_plan *plan;
	uint64_t largest;  /* bytes: what is larger is not counted as beside, since nothing will hold it */
	uint32_t *n_free;  /* by arena and region: slots */
	uint32_t *live;    /* by arena and kind: objects beside */
	uint8_t *arena_of; /* by thread: its arena's number + 1; 0: it has none */
	uint32_t n_taken;  /* arenas, now */
};

/* plan must stay as it is meanwhile; it tells how many arenas there are at most. largest: what a high slab could hold.
 */
void stingy_trial_init(struct stingy_trial *trial, const struct stingy_plan *plan, uint64_t largest);
void stingy_trial_fini(struct stingy_trial *trial);

/* An object of the unit, one of the plan's source's kinds, begins, and learns where it is; it ends. */
void stingy_trial_begin(struct stingy_trial *trial, struct stingy_object *object, uint64_t size);
void stingy_trial_end(struct stingy_trial *trial, const struct stingy_object *object);

/* The trace is over, and the next is another process's. */
void stingy_trial_next(struct stingy_trial *trial);

#endif
