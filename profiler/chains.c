#define _GNU_SOURCE
#include "chains.h"

#include "../shim/map.h"

#include <string.h>

#define HASH_SIZE (2 * STINGY_CHAINS_MAX) /* places, a power of two */
#define POOL_SIZE (1u << 24)              /* frames of all chains together */

static struct stingy_known_chain *chains;
static uint32_t n_chains;
static uint32_t *hash; /* index + 1; 0: empty */
static uint32_t *pool;
static uint32_t pool_used;

int stingy_chains_init(void)
{
	chains = stingy_map(STINGY_CHAINS_MAX * sizeof(*chains));
	hash = stingy_map(HASH_SIZE * sizeof(*hash));
	pool = stingy_map(POOL_SIZE * sizeof(*pool));
	return chains && hash && pool ? 0 : -1;
}

const uint32_t *stingy_chains_frames(const struct stingy_known_chain *known)
{
	return pool + known->at;
}

static uint64_t hash_of(const struct stingy_chain *chain)
{
	uint64_t h = chain->depth * 2 + chain->complete;
	for (uint32_t i = 0; i < chain->depth; i++)
		h = (h ^ chain->frame[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ (h >> 29);
	return h;
}

static bool is_same(const struct stingy_known_chain *known, const struct stingy_chain *chain, uint64_t h)
{
	return known->hash == h && known->depth == chain->depth && known->complete == chain->complete &&
	       memcmp(pool + known->at, chain->frame, chain->depth * sizeof(*chain->frame)) == 0;
}

/* The place of the chain in the hash: its own, or the empty one where it would go. */
static uint32_t find_place(const struct stingy_chain *chain, uint64_t h)
{
	uint32_t i = (uint32_t)(h ^ h >> 32) % HASH_SIZE;
	while (hash[i] != 0 && !is_same(&chains[hash[i] - 1], chain, h))
		i = (i + 1) % HASH_SIZE;
	return i;
}

/* The last 1/16 of the room is kept for chains of one frame, of which there are not as many. */
static bool has_room(const struct stingy_chain *chain)
{
	uint32_t kept = chain->depth == 1 ? 0 : STINGY_CHAINS_MAX / 16;
	return n_chains + kept < STINGY_CHAINS_MAX && pool_used + chain->depth + kept <= POOL_SIZE;
}

static struct stingy_known_chain *add(const struct stingy_chain *chain, uint64_t h, uint32_t place)
{
	struct stingy_known_chain *known = &chains[n_chains++];
	*known = (struct stingy_known_chain){
		.hash = h, .at = pool_used, .depth = (uint16_t)chain->depth, .complete = chain->complete};
	memcpy(pool + pool_used, chain->frame, chain->depth * sizeof(*chain->frame));
	pool_used += chain->depth;
	hash[place] = n_chains;
	return known;
}

struct stingy_known_chain *stingy_chains_get(const struct stingy_chain *chain)
{
	struct stingy_chain cut = {.depth = 1, .frame = {chain->frame[0]}};
	for (;; chain = &cut) {
		uint64_t h = hash_of(chain);
		uint32_t place = find_place(chain, h);
		if (hash[place] != 0)
			return &chains[hash[place] - 1];
		if (has_room(chain))
			return add(chain, h, place);
		if (chain == &cut)
			return NULL;
	}
}
