/*
 * Object kinds, by the shortest keys that keep apart what must be kept apart.
 *
 * Chains that begin alike are one site as long as they agree: of one class if they are managed, of one size, live in
 * the same stages. Where they do not, the key grows by one frame; it can grow only past return addresses whose frame
 * rule is known, and to STINGY_DEPTH_MAX. What cannot be told apart goes with the majority of its allocations, but is
 * never managed where some objects end unseen: who ends them would not know ours. Rare chains go with their neighbours,
 * except those that would keep slots for good, or whose objects end unseen. Sites that agree in all of that are one
 * kind, as long as what one task holds of it stays bounded: more slots for each other, a smaller program to solve.
 *
 * The result does not depend on the order of the chains. Heap memory, from init to fini.
 */
#ifndef STINGY_KINDS_H
#define STINGY_KINDS_H

#include "census.h"
#include "chains.h"
#include "classes.h"

struct stingy_site {
	uint32_t chain; /* one whose first frames are the key */
	uint32_t depth; /* frames of the key */
	uint32_t kind;
	uint64_t serving; /* allocations in the traces, while serving */
};

struct stingy_kind {
	uint32_t site; /* the busiest of its sites */
	uint32_t n_sites;
	enum stingy_class class; /* a managed one */
	char *name;              /* names.h; NULL: not named yet */
	uint32_t place;          /* that it is named after; as the name */
	uint32_t estimate;       /* objects in one task, by the user's word; 0: none */
};

struct stingy_kinds {
	struct stingy_kind *kind;
	uint32_t n_kinds;
	struct stingy_site *site; /* in the order of their keys */
	uint32_t n_sites;
	uint32_t *kind_of; /* by chain; STINGY_NO_UNIT: not managed */
};

/*
 * census: by whole chains. cover: percent of the allocations that a size must hold. task_bytes: the most that one
 * kind's objects of one task may take, to be grouped.
 */
void stingy_kinds_init(struct stingy_kinds *kinds, const struct stingy_census *census,
		       const struct stingy_chains *chains, const struct stingy_places *places, unsigned cover,
		       uint64_t task_bytes);
void stingy_kinds_fini(struct stingy_kinds *kinds);

#endif
