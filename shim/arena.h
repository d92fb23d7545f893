/*
 * The arenas: the memory in which the shim serves, one for each thread (event loop) that has one, up to a bound. All
 * are of one layout, and lie in one range of addresses, so that one compare tells whether an object is ours:
 *
 *	guard page, or low slab | cache slab 1 | high slab 1 | cache slab 2 | high slab 2 | ...
 *	                 origin ^ ^ base       ^ a multiple of STINGY_REGION_ALIGN
 *
 * The range is made in the constructor, so that allocating in it never takes a system call, for which a sandbox might
 * kill the program. Arena 1 is touched there; the others, which may stay unused, by their owners' first allocation,
 * which is a page fault.
 *
 * No two lines of a cache slab may compete for one way of one set. A 2 MiB page gives that: what is contiguous in it is
 * contiguous in physical memory. Transparent huge pages are the default. Explicit ones are used only on request
 * (STINGY_PAGES): a child that writes to a shared one while the pool is empty is killed, so they are hidden from fork
 * and copied by its handlers, which _Fork and a bare clone do not run. Small pages work too: those of arena 1 are
 * chosen by colour where that is possible (colour.h), else they have whatever conflicts the kernel's choice gives. What
 * of the high slabs lies beyond the cache slabs' last huge pages is on the kernel's ordinary pages, taken as they are
 * touched; so is the low slab, into which the main thread's stack goes on when it outgrows its part of cache slab 1.
 *
 * One set of arenas a process. Not thread-safe: stingy_arena_init is for the constructor, the rest for fork, which
 * holds the lock of the sites around it (two threads may be in fork at a time).
 */
#ifndef STINGY_ARENA_H
#define STINGY_ARENA_H

#include "../manifests/live.h"
#include "../manifests/manifest.h"
#include "pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wanted. */
struct stingy_arena_plan {
	size_t slab;               /* bytes of a cache slab */
	size_t high;               /* bytes of a high slab */
	size_t stack;              /* bytes of cache slab 1 for the main thread's stack; 0: it stays where it is */
	unsigned count;            /* arenas, 1 to STINGY_ARENAS_MAX */
	bool is_explicit;          /* explicit huge pages, if they can be had; not for a stack */
	struct stingy_cache cache; /* what small pages are chosen for; .ways = 0: they are not */
};

struct stingy_arena {
	char *origin;  /* an address is in the arenas iff address - origin < span; no object is at the origin */
	size_t span;   /* bytes */
	char *base;    /* of cache slab 1: a multiple of STINGY_HUGE_PAGE, and above the origin */
	size_t stride; /* bytes from one cache slab to the next: likewise */
	size_t slab;   /* bytes from a cache slab to its high slab: a multiple of STINGY_REGION_ALIGN */
	size_t high;   /* bytes of a high slab */
	unsigned count;
	enum stingy_live_pages pages; /* the least of those in use */
	const char *why;              /* pages, or the stack, are not what was asked for; NULL: they are */
	/* what is not for serving */
	size_t huge;          /* bytes of an arena, from its start, that are to be on huge pages */
	size_t stack;         /* bytes of cache slab 1 for the stack; 0: it is not placed */
	char *low;            /* the lowest address of the low slab; base, if there is none */
	const char *why_made; /* what why was at first */
	bool is_coloured;     /* small pages, chosen by colour in arena 1 */
	bool is_transparent;  /* transparent huge pages could be had, and should be had again after fork */
	uint64_t split;       /* then: the arenas that are on small pages since a fork */
	uint32_t credit;      /* huge pages that forks may mend now */
	int64_t credited_at;  /* when that was reckoned, in ms */
	char *snapshot;       /* during fork only: the contents of arenas on explicit pages */
};

/* Makes what is planned. Returns 0, or -1 if there is no memory, and then nothing is in it, and no address. */
int stingy_arena_init(struct stingy_arena *arena, const struct stingy_arena_plan *plan);

/*
 * To be called in fork: before it, after it in the parent, and after it in the child. live: the arenas, by the bits
 * 1 << number, in which objects may live; the child's others are emptied. pages and why may change.
 */
void stingy_arena_before_fork(struct stingy_arena *arena, uint64_t live);
void stingy_arena_after_fork_in_parent(struct stingy_arena *arena, uint64_t live);
void stingy_arena_after_fork_in_child(struct stingy_arena *arena, uint64_t live);

/* Cache slab of the arena of that number, from 0. */
static inline char *stingy_arena_at(const struct stingy_arena *arena, unsigned number)
{
	return arena->base + number * arena->stride;
}

#endif
