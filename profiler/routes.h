/*
 * Ways out from calls, known by heart: most calls come from where one came from before, by the same functions, with the
 * stack at the same height. For such a one there is nothing to look up frame by frame.
 *
 * A route is the call's own state (return address, stack pointer, frame pointer if it matters) and every word of the
 * stack that the walk from there has loaded and gone by. Where all of these are what they were, a walk by rules would
 * go as it went then: so a route is never wrong, it only costs a compare for each frame. What has no route, is walked
 * (trail.h), and gets one.
 *
 * Memory: mappings of a fixed size, made at init, filled as needed; when they are full, all routes are forgotten. Of
 * all threads together. Not thread-safe: the recorder's lock is around it. Nothing is called while one is looked for
 * but stingy_frames_gone.
 */
#ifndef STINGY_ROUTES_H
#define STINGY_ROUTES_H

#include "trail.h"

#include <stdbool.h>
#include <stdint.h>

struct stingy_route {
	struct stingy_frame from; /* the call; its frame pointer counts if uses_bp */
	uintptr_t outermost;      /* stack pointer of the last frame that was found */
	uint32_t chain;
	uint32_t epoch; /* routes of an earlier one are forgotten */
	uint32_t first; /* of the words that must be as they were */
	uint16_t n;     /* words */
	bool uses_bp;
	bool complete;          /* it reaches the outermost frame there is */
} __attribute__((aligned(64))); /* a line of the cache each */

/* Makes the tables. Returns 0, or -1 with errno. */
int stingy_routes_init(void);

/* The route from there, on that stack; NULL: none is known. */
const struct stingy_route *stingy_routes_find(const struct stingy_frame *at, const struct stingy_stack *stack);

/* The trail, walked just now from there, is the route to that chain from now on. */
void stingy_routes_learn(const struct stingy_trail *trail, const struct stingy_frame *at, uint32_t chain);

void stingy_routes_forget(void);

#endif
