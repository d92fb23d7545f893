/*
 * The call-chain walker of both preloaded libraries: one frame to the next by the frame rule of the return
 * address, a load or two and no unwinder (see ../manifests/rule.h for what a rule is, and why it suffices).
 *
 * A rule may be wrong: made for another build, or for a frame that moves. So every load is checked to lie in
 * the thread's stack, above the frame just left, and the walk only ever goes up: it ends, whatever the rules say.
 * What a wrong rule costs is a key that matches nothing.
 *
 * No state but the thread's stack bounds; any thread; async-signal-safe.
 */
#ifndef STINGY_WALK_H
#define STINGY_WALK_H

#include "../manifests/rule.h"

#include <stdbool.h>
#include <stdint.h>

/* A place in the walk: the state of the machine just after a return to ra. */
struct stingy_frame {
	uintptr_t ra;
	uintptr_t sp;
	uintptr_t bp;
};

/*
 * The place to begin at in an entry point: the call that the enclosing function is in. That function gets a frame
 * record on the stack by this (x86-64: the caller's frame pointer, then the return address).
 */
#define STINGY_HERE()                                                                                                  \
	((struct stingy_frame){.ra = (uintptr_t)__builtin_return_address(0),                                           \
			       .sp = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t),                    \
			       .bp = *(const uintptr_t *)__builtin_frame_address(0)})

/*
 * The same where that call is known to have the return address ra_: if it turns out not to be the enclosing function's,
 * ra_ is all that is known of the place, and it cannot be walked from.
 */
#define STINGY_HERE_AT(ra_)                                                                                            \
	((uintptr_t)__builtin_return_address(0) == (ra_) ? STINGY_HERE() : (struct stingy_frame){.ra = (ra_)})

/* The stack pointer alone, which takes no frame record. */
#define STINGY_SP() ((uintptr_t)__builtin_dwarf_cfa())

/* The stack that a thread runs on: [low, high). An empty one (0, 0) makes every step fail. */
struct stingy_stack {
	uintptr_t low;
	uintptr_t high;
};

/* Whether a word can be read at address: in the stack, at or above low, aligned. */
static inline bool stingy_walk_can_read(uintptr_t address, uintptr_t low, uintptr_t high)
{
	return address >= low && address <= high - sizeof(uintptr_t) && address % sizeof(uintptr_t) == 0;
}

/*
 * Goes from *frame to its caller by the rule of frame->ra. Returns true, or false with *frame as it was if the
 * rule ends the walk or would leave the stack.
 */
static inline bool stingy_walk_step(struct stingy_frame *frame, const struct stingy_rule *rule,
				    const struct stingy_stack *stack)
{
	if (rule->base < STINGY_RULE_SP || frame->sp < stack->low || frame->sp >= stack->high)
		return false;
	uintptr_t base = rule->base == STINGY_RULE_SP ? frame->sp : frame->bp;
	uintptr_t cfa = base + (uintptr_t)(intptr_t)rule->cfa;
	uintptr_t ra_at = cfa - sizeof(uintptr_t);
	if (!stingy_walk_can_read(ra_at, frame->sp, stack->high))
		return false;
	uintptr_t bp = frame->bp;
	if (rule->bp != 0) {
		uintptr_t bp_at = cfa + (uintptr_t)(intptr_t)rule->bp;
		if (!stingy_walk_can_read(bp_at, frame->sp, stack->high))
			return false;
		bp = *(const uintptr_t *)bp_at;
	}
	*frame = (struct stingy_frame){.ra = *(const uintptr_t *)ra_at, .sp = cfa, .bp = bp};
	return true;
}

/* To be called in a constructor, by the main thread: finds its stack. */
void stingy_walk_init(void);

/* The main thread's stack is [low, high) from now on. By that thread, while it is the only one. */
void stingy_walk_set_main(const void *low, const void *high);

/*
 * The bounds of the calling thread's own stack, (0, 0) if they cannot be had. What runs on another one (a coroutine's,
 * a signal's) is outside of them, and is not walked. No system call, unless a thread's stack is not where glibc has
 * it; then it may allocate and call the kernel (pthread_getattr_np), so the caller guards against re-entry and keeps
 * the result.
 */
struct stingy_stack stingy_stack_of_thread(void);

#endif
