#include "routes.h"

#include "../shim/map.h"

#define PLACES     4096u /* a power of two */
#define PLACE_BITS 12
#define ROUTES_MAX (PLACES / 2)
#define TRIES      8u         /* places looked at for one call */
#define WORDS      (1u << 18) /* of all routes together */
#define WORDS_EACH (2u * STINGY_CHAIN_MAX)
#define BLOCK      8u /* words that are compared without looking in between */

_Static_assert(1u << PLACE_BITS == PLACES, "the shift makes an index");

/*
 * A word of the stack as the walk found it: its value, an address of less than 48 bits, above its distance from the
 * call's stack pointer in words.
 */
#define DISTANCE_BITS 16

static struct stingy_route *routes; /* by a hash of return address and stack pointer */
static uint32_t n_routes;
static uint64_t *words;
static uint32_t n_words;
static uint32_t epoch = 1;
static uint32_t gone; /* of stingy_frames_gone, for this epoch: later on the same addresses may be others' */

int stingy_routes_init(void)
{
	routes = stingy_map(PLACES * sizeof(*routes));
	words = stingy_map(WORDS * sizeof(*words));
	return routes && words ? 0 : -1;
}

void stingy_routes_forget(void)
{
	epoch++;
	n_routes = n_words = 0;
}

static inline uint32_t first_place(const struct stingy_frame *at)
{
	return (uint32_t)((at->ra ^ at->sp << 16) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PLACE_BITS));
}

static inline bool is_from(const struct stingy_route *route, const struct stingy_frame *at)
{
	return route->from.ra == at->ra && route->from.sp == at->sp && (!route->uses_bp || route->from.bp == at->bp);
}

/* What differs from how it was; all of these words lie between the call and the outermost frame. */
static inline uint64_t compare_block(const uintptr_t *sp, const uint64_t *word)
{
	uint64_t difference = 0;
#pragma GCC unroll 8
	for (uint32_t i = 0; i < BLOCK; i++)
		difference |= sp[word[i] & ((1u << DISTANCE_BITS) - 1)] ^ word[i] >> DISTANCE_BITS;
	return difference;
}

static inline bool still_leads(const struct stingy_route *route, const struct stingy_stack *stack)
{
	const uint64_t *word = &words[route->first], *end = word + route->n;
	if (route->from.sp < stack->low || route->outermost > stack->high)
		return false;
	while (word < end && compare_block((const uintptr_t *)route->from.sp, word) == 0)
		word += BLOCK;
	return word == end;
}

__attribute__((hot)) const struct stingy_route *stingy_routes_find(const struct stingy_frame *at,
								   const struct stingy_stack *stack)
{
	uint32_t place = first_place(at);
	if (__builtin_expect(gone != stingy_frames_gone(), 0)) {
		stingy_routes_forget();
		gone = stingy_frames_gone();
	}
	for (uint32_t i = 0; i < TRIES; i++) {
		const struct stingy_route *route = &routes[(place + i) % PLACES];
		if (route->epoch != epoch)
			return NULL;
		if (is_from(route, at) && still_leads(route, stack))
			return route;
	}
	return NULL;
}

/* The place for a new route from there: one that is free, or the last that would be looked at. */
static struct stingy_route *choose_place(const struct stingy_frame *at)
{
	uint32_t place = first_place(at), i = 0;
	while (i < TRIES - 1 && routes[(place + i) % PLACES].epoch == epoch)
		i++;
	return &routes[(place + i) % PLACES];
}

/* Whether the word is one that can be noted, and then does. */
static bool add_word(uintptr_t sp, const uintptr_t *at, uintptr_t value)
{
	uintptr_t distance = ((uintptr_t)at - sp) / sizeof(*at);
	if (distance >> DISTANCE_BITS != 0 || value >> (64 - DISTANCE_BITS) != 0)
		return false;
	words[n_words++] = value << DISTANCE_BITS | distance;
	return true;
}

/* A frame pointer counts where a caller is found by it: it is the call's own, or was loaded on the way. */
static bool add_words(struct stingy_route *route, const struct stingy_trail *trail)
{
	const uintptr_t *bp_at = NULL;
	for (uint32_t i = trail->depth; i-- > 0;) {
		const struct stingy_step *step = &trail->step[i];
		if (step->uses_bp && !bp_at)
			route->uses_bp = true;
		else if (step->uses_bp && !add_word(route->from.sp, bp_at, step->frame.bp))
			return false;
		if (i == 0)
			break;
		const struct stingy_frame *caller = &trail->step[i - 1].frame;
		if (step->is_gated || !add_word(route->from.sp, (const uintptr_t *)caller->sp - 1, caller->ra))
			return false;
		if (step->bp_at)
			bp_at = step->bp_at;
	}
	return true;
}

/* Whole blocks, so that how long a route is makes less of a difference to the processor's guesses. */
static void fill_block(uint32_t first)
{
	while (n_words > first && (n_words - first) % BLOCK != 0) {
		words[n_words] = words[n_words - 1];
		n_words++;
	}
}

void stingy_routes_learn(const struct stingy_trail *trail, const struct stingy_frame *at, uint32_t chain)
{
	const struct stingy_frame *inner = &trail->step[trail->depth - 1].frame;
	if (trail->is_cut || trail->gone != gone || inner->ra != at->ra || inner->sp != at->sp)
		return;
	if (n_routes == ROUTES_MAX || n_words + WORDS_EACH > WORDS)
		stingy_routes_forget();
	uint32_t first = n_words;
	struct stingy_route route = {.from = *at,
				     .outermost = trail->step[0].frame.sp,
				     .chain = chain,
				     .epoch = epoch,
				     .first = first,
				     .complete = trail->complete};
	if (!add_words(&route, trail)) {
		n_words = first;
		return;
	}
	fill_block(first);
	route.n = (uint16_t)(n_words - first);
	*choose_place(at) = route;
	n_routes++;
}
