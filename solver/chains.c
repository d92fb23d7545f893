#define _GNU_SOURCE /* qsort_r */
#include "chains.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct stingy_chain_index {
	uint32_t chain;
	UT_hash_handle hh; /* the key is the chain's array of places */
};

/* What an empty chain has for places: a key that can be hashed. */
static const uint32_t no_places[1];

void stingy_chains_init(struct stingy_chains *chains)
{
	memset(chains, 0, sizeof(*chains));
}

void stingy_chains_fini(struct stingy_chains *chains)
{
	struct stingy_chain_index *entry, *next;

	HASH_ITER(hh, chains->index, entry, next)
	{
		HASH_DEL(chains->index, entry);
		free(entry);
	}
	for (uint32_t i = 0; i < chains->n_chains; i++)
		free(chains->chain[i].place);
	free(chains->chain);
	memset(chains, 0, sizeof(*chains));
}

uint32_t stingy_chains_add(struct stingy_chains *chains, const uint32_t *place, uint32_t depth, bool complete)
{
	unsigned bytes = depth * (unsigned)sizeof(*place);
	struct stingy_chain_index *entry;
	struct stingy_chain *chain;

	HASH_FIND(hh, chains->index, depth ? place : no_places, bytes, entry);
	if (entry) {
		chains->chain[entry->chain].complete &= complete;
		return entry->chain;
	}
	STINGY_GROW(chains->chain, &chains->room, chains->n_chains + 1);
	chain = &chains->chain[chains->n_chains];
	*chain = (struct stingy_chain){.depth = depth, .complete = complete};
	chain->place = stingy_memory_copy(place, bytes);
	entry = stingy_memory_new(1, sizeof(*entry));
	entry->chain = chains->n_chains++;
	HASH_ADD_KEYPTR(hh, chains->index, chain->place, bytes, entry);
	return entry->chain;
}

int stingy_chains_compare(const struct stingy_chains *chains, const struct stingy_places *places, uint32_t a,
			  uint32_t b)
{
	const struct stingy_chain *x = &chains->chain[a], *y = &chains->chain[b];
	uint32_t common = x->depth < y->depth ? x->depth : y->depth;

	for (uint32_t i = 0; i < common; i++) {
		int result = stingy_places_compare(places, x->place[i], y->place[i]);

		if (result)
			return result;
	}
	return (x->depth > y->depth) - (x->depth < y->depth);
}

struct sorting {
	const struct stingy_chains *chains;
	const struct stingy_places *places;
};

static int compare(const void *a, const void *b, void *data)
{
	const struct sorting *sorting = data;

	return stingy_chains_compare(sorting->chains, sorting->places, *(const uint32_t *)a, *(const uint32_t *)b);
}

uint32_t *stingy_chains_sort(const struct stingy_chains *chains, const struct stingy_places *places)
{
	struct sorting sorting = {.chains = chains, .places = places};
	uint32_t *sorted = stingy_memory_new(chains->n_chains, sizeof(*sorted));

	for (uint32_t i = 0; i < chains->n_chains; i++)
		sorted[i] = i;
	qsort_r(sorted, chains->n_chains, sizeof(*sorted), compare, &sorting);
	return sorted;
}
