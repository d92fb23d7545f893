/*
 * Who called: the chain of a call, by the route that is known from there (routes.h), else by a walk (trail.h). In the
 * debug mode each is compared with libunwind's.
 *
 * The walk and the comparison take the loader's lock, so the recorder's must not be held then; the rest is under it,
 * where that is said. State is the calling thread's.
 */
#ifndef STINGY_CALLERS_H
#define STINGY_CALLERS_H

#include "../shim/walk.h"

#include <stdbool.h>
#include <stdint.h>

/* Makes the tables; must_check: the debug mode. Returns 0, or -1 with errno. In the constructor. */
int stingy_callers_init(bool must_check);

/* The chain of the call made there, if a route leads to it; STINGY_CHAIN_NONE: walk. The recorder's lock is held. */
uint32_t stingy_callers_find(const struct stingy_frame *at);

/* Walks out from there; rules are learnt on the way. Whether there is even one frame. No lock is held. */
bool stingy_callers_walk(const struct stingy_frame *at);

/* The chain of that walk; STINGY_CHAIN_NONE: there is no room for it. The recorder's lock is held. */
uint32_t stingy_callers_chain(const struct stingy_frame *at);

/* In the debug mode: compares the chain found from there with libunwind's. No lock is held. */
void stingy_callers_check(const struct stingy_frame *at, uint32_t chain);

/* The outcome of the debug mode, in a line on stderr. */
void stingy_callers_say(void);

/*
 * Whether the chain found last by the calling thread ends where the thread began: then it runs on its own stack, and
 * nothing lives below the stack pointer, as it could if a coroutine's stack were part of it.
 */
bool stingy_callers_are_rooted(void);

/* The calling thread's stack, found once. */
const struct stingy_stack *stingy_callers_stack(void);

void stingy_callers_after_fork(void);

#endif
