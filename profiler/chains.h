/*
 * The call chains seen so far: each distinct list of frames has one number.
 *
 * Memory: mappings of a fixed size, made at init, filled as needed; when they are full, new chains are cut to their
 * innermost frame, which is a chain like others. Not thread-safe: the recorder's lock is around it.
 */
#ifndef STINGY_CHAINS_H
#define STINGY_CHAINS_H

#include "frames.h"
#include "trace.h"

#define STINGY_CHAINS_MAX (1u << 19)

struct stingy_chain {
	bool complete; /* reaches the outermost frame */
	uint32_t depth;
	uint32_t frame[STINGY_CHAIN_MAX]; /* indexes of stingy_frames_get, from the call outwards */
};

struct stingy_known_chain {
	uint64_t hash;
	uint32_t at; /* of the first frame, in the pool */
	uint16_t depth;
	bool complete;
	struct stingy_declared declared;
};

/* Makes the tables. Returns 0, or -1 with errno. */
int stingy_chains_init(void);

/* The entry of a chain of at least one frame, made if it is new; NULL if there is no room at all. */
struct stingy_known_chain *stingy_chains_get(const struct stingy_chain *chain);

/* The frames of an entry. */
const uint32_t *stingy_chains_frames(const struct stingy_known_chain *known);

#endif
