/*
 * The whole call chains of all traces, each one once. A chain is the atom that object kinds are made of: all that is
 * known of allocations is gathered by whole chains first; the shortest keys that keep them apart are found afterwards.
 *
 * Numbers are given in the order of arrival. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_CHAINS_H
#define STINGY_CHAINS_H

#include "places.h"

struct stingy_chain {
	uint32_t depth;
	bool complete;   /* reaches the outermost frame, in every trace */
	bool is_pool;    /* what is allocated there is of a pool of the program's own */
	uint32_t *place; /* from the malloc call outwards */
};

struct stingy_chains {
	struct stingy_chain *chain;
	uint32_t n_chains;
	/* the rest is the module's own */
	size_t room;
	struct stingy_chain_index *index;
};

void stingy_chains_init(struct stingy_chains *chains);
void stingy_chains_fini(struct stingy_chains *chains);

/* The number of the chain of these places. */
uint32_t stingy_chains_add(struct stingy_chains *chains, const uint32_t *place, uint32_t depth, bool complete);

/* An order of chains, frame by frame from the malloc call outwards, that does not depend on who came first. */
int stingy_chains_compare(const struct stingy_chains *chains, const struct stingy_places *places, uint32_t a,
			  uint32_t b);

/* The numbers of all chains, in that order; the caller frees them. */
uint32_t *stingy_chains_sort(const struct stingy_chains *chains, const struct stingy_places *places);

#endif
