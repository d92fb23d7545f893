/*
 * Final global state (paper, section on globals): which kinds of it have a place in the cache slab for good.
 *
 * Each has a region of its own, of as many slots as there ever were objects in one thread, with head room. What they
 * take is lost to the tasks, whose state is what the slab is for: together they take at most an eighth of it, or what
 * the tasks leave when all their kinds are at their bounds, if that is more. The kinds with the most allocations a byte
 * go first; those that find no room stay outside. They are in no stage's constraints, and no part of the objective.
 * Heap memory, from init to fini.
 */
#ifndef STINGY_GLOBALS_H
#define STINGY_GLOBALS_H

#include "census.h"
#include "choices.h"
#include "kinds.h"

#define STINGY_GLOBALS_PART 8u   /* of the slab less the stack's part: what is theirs in any case */
#define STINGY_GLOBALS_MAX  256u /* regions */

struct stingy_global {
	uint32_t kind;  /* number among the kinds */
	uint64_t size;  /* bytes of a slot */
	uint32_t count; /* slots */
};

struct stingy_globals {
	struct stingy_global *global; /* in the order of the kinds */
	uint32_t n_globals;
	uint64_t bytes; /* of all their regions */
};

/* census: by kinds, with relations. room: bytes that all regions may take. */
void stingy_globals_init(struct stingy_globals *globals, const struct stingy_census *census,
			 const struct stingy_kinds *kinds, const struct stingy_choices *choices, uint64_t room);
void stingy_globals_fini(struct stingy_globals *globals);

/* Whether the kind has a place. */
bool stingy_globals_has(const struct stingy_globals *globals, uint32_t kind);

#endif
