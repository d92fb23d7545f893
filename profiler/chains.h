/*
 * The call chains seen so far, as a tree: a chain is a frame and the chain of its caller, so that chains with the same
 * outer frames share these, and one that differs from another in its innermost frames is found by those alone.
 *
 * Memory: mappings of a fixed size, made at init, filled as needed; when they are full, new chains are cut to their
 * innermost frame, for which some room is kept. Entries are never removed. Not thread-safe: the recorder's lock is
 * around it.
 */
#ifndef STINGY_CHAINS_H
#define STINGY_CHAINS_H

#include "frames.h"
#include "trace.h"

#define STINGY_CHAINS_MAX (1u << 21)
#define STINGY_CHAIN_NONE UINT32_MAX

struct stingy_known_chain {
	uint32_t frame;  /* the innermost: index of stingy_frames_get */
	uint32_t caller; /* chain; STINGY_CHAIN_NONE: the frame is the outermost that was seen */
	uint16_t depth;  /* frames */
	bool complete;   /* reaches the outermost frame there is */
	struct stingy_declared declared;
};

/* Makes the tables. Returns 0, or -1 with errno. */
int stingy_chains_init(void);

/*
 * The number of the chain of a frame and its caller's chain, made if it is new; STINGY_CHAIN_NONE: there is no room.
 * complete counts where there is no caller, and is the caller's elsewhere.
 */
uint32_t stingy_chains_extend(uint32_t caller, uint32_t frame, bool complete);

extern struct stingy_known_chain *stingy_chains __attribute__((visibility("hidden")));

static inline struct stingy_known_chain *stingy_chains_at(uint32_t chain)
{
	return &stingy_chains[chain];
}

#endif
