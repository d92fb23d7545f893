/*
 * The arena: the memory in which the shim serves, a range of addresses reserved once and for all, and backed when the
 * first managed site allocates: in the process that runs the event loop, and not in the one that will fork it.
 *
 * No two lines of the cache slab may compete for one way of one set. A 2 MiB page gives that: what is contiguous in it
 * is contiguous in physical memory. Transparent huge pages come first, explicit ones only where those cannot be had: an
 * explicit page copied on write with an empty pool kills the child (trap 6), so it is hidden from fork and its contents
 * are carried over by hand. Small pages work too, with whatever conflicts the kernel's choice gives.
 *
 * One arena a process. Not thread-safe: the caller serialises stingy_arena_make; the fork hooks run in fork.
 */
#ifndef STINGY_ARENA_H
#define STINGY_ARENA_H

#include "../manifests/live.h"

#include <stdbool.h>
#include <stddef.h>

#define STINGY_HUGE_PAGE (2ul << 20) /* bytes */

struct stingy_arena {
	char *base;     /* a multiple of STINGY_HUGE_PAGE */
	size_t size;    /* bytes, likewise */
	bool is_made;   /* memory is behind it */
	bool is_copied; /* fork copied it: its pages are shared with the other process until written */
	enum stingy_live_pages pages;
	char *snapshot; /* during fork only: the contents of an arena on an explicit page */
};

/* Reserves addresses for slab bytes. Returns 0, or -1 with errno. */
int stingy_arena_reserve(struct stingy_arena *arena, size_t slab);

/*
 * Puts memory behind the arena, or, after fork, makes it this process's own again and tries for a huge page again.
 * Returns 0, or -1 if there is no memory. *why is set to the reason why there is no huge page, NULL if there is one.
 */
int stingy_arena_make(struct stingy_arena *arena, const char **why);

/* To be called in fork: before it, after it in the parent, and after it in the child (is_empty: no object lives in it).
 */
void stingy_arena_before_fork(struct stingy_arena *arena);
void stingy_arena_after_fork_in_parent(struct stingy_arena *arena);
void stingy_arena_after_fork_in_child(struct stingy_arena *arena, bool is_empty);

#endif
