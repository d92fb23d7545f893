#define _GNU_SOURCE
#include "trail.h"

#include "gate.h"

#include <string.h>

/* A walk under way: the steps that are new, from the call outwards. */
struct walk {
	struct stingy_step step[STINGY_CHAIN_MAX];
	uint32_t n;
	bool complete;
};

/*
 * Whether the trail from its step n-1 outwards is as it was, when the frame pointer there is bp: each caller's return
 * address and frame pointer are where they were found.
 */
static bool still_leads(const struct stingy_trail *trail, uint32_t n, uintptr_t bp)
{
	for (uint32_t i = n - 1;; i--) {
		const struct stingy_step *step = &trail->step[i];
		if (step->uses_bp && step->frame.bp != bp)
			return false;
		if (i == 0)
			return true;
		if (step->is_gated)
			return false;
		if (step->bp_at)
			bp = *step->bp_at;
		const struct stingy_frame *caller = &trail->step[i - 1].frame;
		if (((const uintptr_t *)caller->sp)[-1] != caller->ra)
			return false;
	}
}

/* The number of the trail's steps that are further out than what is inside of sp. */
static inline uint32_t drop_inner(const struct stingy_trail *trail, uint32_t n, uintptr_t sp)
{
	while (n > 0 && trail->step[n - 1].frame.sp < sp)
		n--;
	return n;
}

static void add_step(struct walk *walk, const struct stingy_frame *frame, uint32_t index,
		     const struct stingy_rule *rule)
{
	struct stingy_step *step = &walk->step[walk->n++];
	uintptr_t cfa = (rule->base == STINGY_RULE_SP ? frame->sp : frame->bp) + (uintptr_t)(intptr_t)rule->cfa;
	step->frame = *frame;
	step->uses_bp = rule->base == STINGY_RULE_BP;
	step->bp_at = rule->bp != 0 ? (const uintptr_t *)(cfa + (uintptr_t)(intptr_t)rule->bp) : NULL;
	step->is_gated = false;
	step->index = index;
	step->chain = STINGY_CHAIN_NONE;
	walk->complete = rule->base == STINGY_RULE_END;
}

static inline void skip_gate(struct walk *walk, struct stingy_frame *frame, const struct stingy_stack *stack)
{
	if (__builtin_expect(!stingy_gate_is_return(frame->ra), 1))
		return;
	stingy_gate_skip(frame, stack);
	if (walk->n > 0)
		walk->step[walk->n - 1].is_gated = true;
}

/*
 * Walks until the trail is met, or the walk ends. Returns how many of the trail's steps are still good: its outer ones.
 */
static uint32_t walk_to_trail(const struct stingy_trail *trail, struct walk *walk, struct stingy_frame frame,
			      const struct stingy_stack *stack)
{
	uint32_t n = trail->depth;
	walk->n = 0;
	walk->complete = false;
	for (;;) {
		skip_gate(walk, &frame, stack);
		n = drop_inner(trail, n, frame.sp);
		if (n > 0 && trail->step[n - 1].frame.sp == frame.sp && trail->step[n - 1].frame.ra == frame.ra &&
		    still_leads(trail, n, frame.bp))
			return n;
		uint32_t index = stingy_frames_get(frame.ra);
		if (index == STINGY_FRAME_NONE)
			return 0;
		const struct stingy_rule *rule = &stingy_frames_at(index)->rule;
		add_step(walk, &frame, index, rule);
		if (!stingy_walk_step(&frame, rule, stack) || walk->n == STINGY_CHAIN_MAX)
			return 0;
	}
}

/* The walk's steps go onto the trail's first n. */
static void take_over(struct stingy_trail *trail, uint32_t n, const struct walk *walk)
{
	for (uint32_t i = walk->n; i-- > 0;)
		trail->step[n++] = walk->step[i];
	trail->depth = n;
	if (n == walk->n)
		trail->complete = walk->complete;
	trail->is_cut = walk->n == STINGY_CHAIN_MAX && !walk->complete;
}

bool stingy_trail_walk(struct stingy_trail *trail, const struct stingy_frame *at, const struct stingy_stack *stack)
{
	struct walk walk;
	uint32_t gone = stingy_frames_gone();
	if (trail->is_cut || trail->gone != gone)
		trail->depth = 0;
	uint32_t n = walk_to_trail(trail, &walk, *at, stack);
	if (n + walk.n > STINGY_CHAIN_MAX) {
		trail->depth = 0;
		n = walk_to_trail(trail, &walk, *at, stack);
	}
	take_over(trail, n, &walk);
	trail->gone = gone;
	return trail->depth > 0;
}

/* No room for all of it: the innermost frame alone. */
static uint32_t cut(struct stingy_trail *trail)
{
	uint32_t innermost = trail->step[trail->depth - 1].index;
	trail->depth = 0;
	return stingy_chains_extend(STINGY_CHAIN_NONE, innermost, false);
}

uint32_t stingy_trail_chain(struct stingy_trail *trail)
{
	uint32_t i = trail->depth;
	while (i > 0 && trail->step[i - 1].chain == STINGY_CHAIN_NONE)
		i--;
	uint32_t chain = i > 0 ? trail->step[i - 1].chain : STINGY_CHAIN_NONE;
	for (; i < trail->depth; i++) {
		chain = stingy_chains_extend(chain, trail->step[i].index, trail->complete);
		if (chain == STINGY_CHAIN_NONE)
			return cut(trail);
		trail->step[i].chain = chain;
	}
	return chain;
}
