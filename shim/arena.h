/*
 * The arena: the memory in which the shim serves. It is made in the constructor and made anew in fork, so that
 * allocating in it never takes a system call (trap 8): the first touch of a huge page that was asked for is all.
 *
 * No two lines of the cache slab may compete for one way of one set. A 2 MiB page gives that: what is contiguous in it
 * is contiguous in physical memory. Transparent huge pages are the default. Explicit ones are for who asks
 * (STINGY_PAGES): one that is copied on write with an empty pool kills the child (trap 6), so it is hidden from fork
 * and its contents are carried over by hand, which a fork that runs no handlers (_Fork, a bare clone) does not do.
 * Small pages work too, with whatever conflicts the kernel's choice gives.
 *
 * One arena a process. Not thread-safe: stingy_arena_init is for the constructor, the rest for fork.
 */
#ifndef STINGY_ARENA_H
#define STINGY_ARENA_H

#include "../manifests/live.h"

#include <stdbool.h>
#include <stddef.h>

#define STINGY_HUGE_PAGE (2ul << 20) /* bytes */

struct stingy_arena {
	char *base;  /* a multiple of STINGY_HUGE_PAGE */
	size_t size; /* bytes, likewise */
	enum stingy_live_pages pages;
	char *snapshot; /* during fork only: the contents of an arena on an explicit page */
};

/*
 * Makes an arena for slab bytes. Returns 0, or -1 if there is no memory, and then nothing is in it. *why is set to the
 * reason why the pages are not what they should be, NULL if they are.
 */
int stingy_arena_init(struct stingy_arena *arena, size_t slab, bool is_explicit, const char **why);

/* To be called in fork: before it, after it in the parent, and after it in the child (is_empty: no object lives in it).
 */
void stingy_arena_before_fork(struct stingy_arena *arena);
void stingy_arena_after_fork_in_parent(struct stingy_arena *arena);
void stingy_arena_after_fork_in_child(struct stingy_arena *arena, bool is_empty);

#endif
