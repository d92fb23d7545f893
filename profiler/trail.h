/*
 * The way from a call outwards, as a thread walked it last, and the next walk, which goes on from there: most calls of
 * a thread have all but their innermost frames in common with the one before.
 *
 * A step of the last walk is taken over where the machine's state is what it was there (return address, stack pointer,
 * and frame pointer if the rule uses it) and what it loaded is still in memory. As that is all that a walk depends on,
 * a trail never differs from what the walk by rules (../shim/walk.h) finds anew; it only costs a load and a compare a
 * frame. Chains deeper than STINGY_CHAIN_MAX are cut, and walked anew each time.
 *
 * One a thread, zeros to begin with. Walking takes no lock, and may learn addresses (frames.h).
 */
#ifndef STINGY_TRAIL_H
#define STINGY_TRAIL_H

#include "chains.h"

#include "../shim/walk.h"

struct stingy_step {
	struct stingy_frame frame; /* the state just after the return */
	const uintptr_t *bp_at;    /* where its caller's frame pointer was loaded from; NULL: that is unchanged */
	bool uses_bp;              /* its caller was found by the frame pointer */
	bool is_gated;             /* between it and its caller is a frame that is not in the trail (gate.h) */
	uint32_t index;            /* of stingy_frames_get */
	uint32_t chain;            /* from here outwards; STINGY_CHAIN_NONE: not known yet */
};

struct stingy_trail {
	uint32_t depth;
	uint32_t gone; /* of stingy_frames_gone, when it was walked: later on its indexes may be others' */
	bool complete; /* it reaches the outermost frame */
	bool is_cut;   /* there was more */
	struct stingy_step step[STINGY_CHAIN_MAX]; /* the outermost first */
};

/* Walks from there. Returns whether there is even one frame. */
bool stingy_trail_walk(struct stingy_trail *trail, const struct stingy_frame *at, const struct stingy_stack *stack);

/* The chain of the walk just made; STINGY_CHAIN_NONE: there is no room for it. The recorder's lock is held. */
uint32_t stingy_trail_chain(struct stingy_trail *trail);

#endif
