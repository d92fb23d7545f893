#define _GNU_SOURCE
#include "chains.h"

#include "../shim/map.h"

#define HASH_SIZE  (2 * STINGY_CHAINS_MAX) /* places, a power of two */
#define HASH_SHIFT (64 - 22)
#define KEPT       (STINGY_CHAINS_MAX / 16) /* for chains of one frame, of which there are not as many */

_Static_assert((UINT64_C(1) << (64 - HASH_SHIFT)) == HASH_SIZE, "the shift makes an index");

struct stingy_known_chain *stingy_chains;
static uint32_t n_chains;
static uint32_t *hash; /* index + 1; 0: empty */

int stingy_chains_init(void)
{
	stingy_chains = stingy_map(STINGY_CHAINS_MAX * sizeof(*stingy_chains));
	hash = stingy_map(HASH_SIZE * sizeof(*hash));
	return stingy_chains && hash ? 0 : -1;
}

static bool is_same(const struct stingy_known_chain *known, uint32_t caller, uint32_t frame, bool complete)
{
	return known->frame == frame && known->caller == caller && known->complete == complete;
}

static uint32_t add(uint32_t caller, uint32_t frame, bool complete, uint32_t place)
{
	uint32_t kept = caller == STINGY_CHAIN_NONE ? 0 : KEPT;
	if (n_chains + kept >= STINGY_CHAINS_MAX)
		return STINGY_CHAIN_NONE;
	uint16_t depth = caller == STINGY_CHAIN_NONE ? 1 : (uint16_t)(stingy_chains[caller].depth + 1);
	stingy_chains[n_chains] =
		(struct stingy_known_chain){.frame = frame, .caller = caller, .depth = depth, .complete = complete};
	hash[place] = ++n_chains;
	return n_chains - 1;
}

uint32_t stingy_chains_extend(uint32_t caller, uint32_t frame, bool complete)
{
	uint64_t key = (uint64_t)caller << 32 | frame;
	uint32_t place = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> HASH_SHIFT);
	if (caller != STINGY_CHAIN_NONE)
		complete = stingy_chains[caller].complete;
	for (; hash[place] != 0; place = (place + 1) % HASH_SIZE)
		if (is_same(&stingy_chains[hash[place] - 1], caller, frame, complete))
			return hash[place] - 1;
	return add(caller, frame, complete, place);
}
