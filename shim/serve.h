/*
 * The production backend: serves the sites of the manifest from the arena, and leaves the rest to the next allocator.
 *
 * Each arena has one owner: the first thread that allocates at a managed site while it is free, until that thread
 * exits. Its path takes no lock, makes no atomic read-modify-write and no system call. A thread that finds all arenas
 * owned matches the first address of sites too, but is served by the next allocator; what a thread frees in another
 * one's arena, the owner collects. The hot path is described in README, "Internals"; the contract is backend.h's.
 *
 * After fork the child has its own copy, which its threads own anew. Like libc's malloc and free it is not for signal
 * handlers; but one that forks is provided for. Memory: arenas and tables, made in the constructor.
 */
#ifndef STINGY_SERVE_H
#define STINGY_SERVE_H

#include "../manifests/live.h"
#include "arena.h"
#include "next.h"
#include "order.h"
#include "region.h"
#include "sites.h"
#include "stages.h"
#include "taken.h"
#include "walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is made once, from the manifest, and read ever after. */
struct stingy_serve {
	/* the first line, with the first of sites, is all that a malloc and a free take */
	char *origin; /* the arena's, */
	size_t span;  /* and its span */
	/* by STINGY_REGION_ALIGN bytes from the arena's origin: the region's distance from nothing */
	uint32_t *region_of;
	struct stingy_region *nothing; /* the region of addresses that have none: nothing is ever given in it */
	struct stingy_sites sites;
	/* what is not for the hot path */
	bool is_on;        /* the manifest is in force */
	bool is_dry;       /* match and count, serve nothing */
	bool is_hopeless;  /* there was no memory for the arena */
	bool has_canaries; /* every slot ends in one; no path is quick then, as all have to look at it */
	bool is_reported;  /* when the process ends; its environment may be gone by then */
	struct stingy_arena arena;
	struct stingy_live *live;
	struct stingy_region *regions; /* of the first arena, then of the second ...; behind nothing */
	struct stingy_stages stages;
	struct stingy_order_schedule schedule; /* the manifest's */
	uint32_t n_regions;                    /* of each arena */
	/* by arena: stingy_thread() of its owner, NULL: none; atomic, and on a line of its own */
	const void *owner[STINGY_ARENAS_MAX] __attribute__((aligned(64)));
};

extern struct stingy_serve stingy_serve __attribute__((visibility("hidden"), aligned(64)));

/* The regions of a thread that has no arena: nothing is ever free in them. */
extern struct stingy_region stingy_no_regions[STINGY_REGIONS_MAX] __attribute__((visibility("hidden")));

/* A thread's part. */
struct stingy_self {
	struct stingy_region *regions;         /* of the arena that it owns; else stingy_no_regions */
	struct stingy_live_counters *counters; /* NULL: the thread has not been here yet */
	/* Where the quick walk may begin, from low on, and how far it may then read: see stingy_serve_can_walk. */
	uintptr_t walk_low, walk_room;
	struct stingy_stack stack; /* known to owners */
	bool has_exited;           /* the owner, and its destructors are running: it is none any more */
	bool is_busy;              /* in a slow path: what it allocates is ours, and goes to the next allocator */
};

extern __thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What tells threads apart: the thread pointer, which x86-64 keeps at the beginning of what it points to. */
static inline const void *stingy_thread(void)
{
	const void *thread;
	__asm__("mov %%fs:0, %0" : "=r"(thread));
	return thread;
}

/* The contract of backend.h. What is not here is in serve.c: it is rare. */
void *stingy_take(size_t size, size_t align, const struct stingy_frame *at);
void stingy_serve_release(struct stingy_region *region, struct stingy_slot slot);
size_t stingy_usable(const void *object);

/* The regions of the arena of that number. */
static inline struct stingy_region *stingy_serve_arena(uint32_t arena)
{
	return stingy_serve.regions + (size_t)arena * stingy_serve.n_regions;
}

/* Whether the thread owns an arena. */
static inline bool stingy_serve_is_owner(const struct stingy_self *self)
{
	return self->regions != stingy_no_regions;
}

/* The regions from which the thread would be served: of its arena, or of one that it could own; NULL: of none. */
struct stingy_region *stingy_serve_regions(void);

/* The thread's number, by which it has its part of the live statistics. */
uint32_t stingy_serve_thread(void);

/* Modules may have come or gone: looks where they are. Keeps errno. */
void stingy_serve_renew(void);

static inline __attribute__((always_inline)) bool stingy_owns(const void *object)
{
	return (uintptr_t)object - (uintptr_t)stingy_serve.origin < stingy_serve.span;
}

/* Offset in the arena of an address in it. */
static inline uint32_t stingy_serve_offset(const void *object)
{
	return (uint32_t)((const char *)object - stingy_serve.origin);
}

/* The region of an offset; where there is none, one in which nothing is ever given. */
static inline struct stingy_region *stingy_serve_region(uint32_t offset)
{
	return (struct stingy_region *)((char *)stingy_serve.nothing +
					stingy_serve.region_of[offset / STINGY_REGION_ALIGN]);
}

/*
 * Whether the quick walk may begin there: as far as it goes, it must stay in the thread's stack. One compare is enough
 * for both ends, for walk_low is above the stack's low end by the most that any walk reads: if sp is below it by less
 * than what is to be read, and the sum wraps, it is in the stack all the same.
 */
static inline bool stingy_serve_can_walk(const struct stingy_self *self, const struct stingy_node *node, uintptr_t sp)
{
	return sp - self->walk_low + node->next_ends <= self->walk_room;
}

static inline struct stingy_region *stingy_serve_region_of(const struct stingy_self *self,
							   const struct stingy_node *node)
{
	return (struct stingy_region *)((char *)self->regions + node->region);
}

/* A slot of the thread's region for the site that ends in the node. */
static inline bool stingy_serve_pop(const struct stingy_self *self, const struct stingy_node *node, void **object)
{
	return stingy_region_pop(stingy_serve_region_of(self, node), stingy_serve.origin, object);
}

/* Whether the thread has no arena, and there is none left to own: none of its managed sites is served. */
static inline bool stingy_serve_is_left_out(const struct stingy_self *self)
{
	return self->regions == stingy_no_regions &&
	       __atomic_load_n(&stingy_serve.live->n_owned, __ATOMIC_RELAXED) >= stingy_serve.arena.count &&
	       !stingy_serve.is_dry && !stingy_serve.is_hopeless;
}

/* Whether the owner's region for the site that ends in the node, whose stack is empty, has nothing else to give. */
static inline bool stingy_serve_is_full(const struct stingy_self *self, const struct stingy_node *node)
{
	const struct stingy_region *region = stingy_serve_region_of(self, node);
	return self->regions != stingy_no_regions && stingy_region_is_full(region) && !region->has_high;
}

static inline __attribute__((always_inline)) enum stingy_taken stingy_take_fast(size_t size, uintptr_t ra,
										const void **hint, void **object)
{
	struct stingy_self *self = &stingy_self;
	const struct stingy_node *node = stingy_sites_find(&stingy_serve.sites, STINGY_ROOT_KEY, ra);
	*hint = node;
	if (__builtin_expect(node && size < node->quick, 1) && stingy_serve_pop(self, node, object))
		return STINGY_TAKEN;
	if (__builtin_expect(node != &stingy_sites_unmanaged || !self->counters, 1))
		return STINGY_UNSURE;
	self->counters->unmanaged++;
	return STINGY_LEFT;
}

/* Whether an address that is in no table is no site's: nothing is served, or no more addresses can be remembered. */
static inline bool stingy_serve_is_no_site(struct stingy_self *self)
{
	if (!stingy_serve.is_on)
		return true;
	if (!self->counters || !stingy_sites_are_full(&stingy_serve.sites))
		return false;
	self->counters->unmanaged++;
	return true;
}

/* Whether what is larger than the owner's region serves for the site goes to the next allocator. */
static inline bool stingy_serve_is_too_small(const struct stingy_self *self, const struct stingy_node *node)
{
	return self->regions != stingy_no_regions && !stingy_serve_region_of(self, node)->has_high;
}

/* Where a site cannot be served by the quick way, the reason, if that can be said as quickly. */
static inline enum stingy_taken stingy_serve_fall_back(struct stingy_self *self, const struct stingy_node *node,
						       size_t size)
{
	if (!self->counters || node == &stingy_sites_unmanaged)
		return STINGY_UNSURE;
	if (stingy_serve_is_left_out(self))
		self->counters->fell_back[STINGY_FELL_THREAD]++;
	else if (node->quick != 0 && size >= node->quick && stingy_serve_is_too_small(self, node))
		self->counters->fell_back[STINGY_FELL_SIZE]++;
	else if (size < node->quick && stingy_serve_is_full(self, node)) {
		stingy_serve_region_of(self, node)->live.full++;
		self->counters->fell_back[STINGY_FELL_FULL]++;
	} else
		return STINGY_UNSURE;
	return STINGY_LEFT;
}

static inline __attribute__((always_inline)) enum stingy_taken stingy_take_deep(size_t size, uintptr_t sp,
										const void *hint, void **object)
{
	struct stingy_self *self = &stingy_self;
	const struct stingy_node *node = hint;
	if (__builtin_expect(!node, 0))
		return stingy_serve_is_no_site(self) ? STINGY_LEFT : STINGY_UNSURE;
	if (__builtin_expect(node->next_at != 0, 1) && __builtin_expect(stingy_serve_can_walk(self, node, sp), 1)) {
		node = stingy_sites_walk(&stingy_serve.sites, node, sp);
		if (__builtin_expect(size < node->quick, 1) && stingy_serve_pop(self, node, object))
			return STINGY_TAKEN;
	}
	if (node != &stingy_sites_unmanaged || !self->counters)
		return stingy_serve_fall_back(self, node, size);
	self->counters->unmanaged++;
	return STINGY_LEFT;
}

static inline void *stingy_took(void *object, size_t size, size_t align, const struct stingy_frame *at)
{
	(void)size;
	(void)align;
	(void)at;
	return object;
}

/* Gives the thread counters. */
void stingy_serve_register(struct stingy_self *self);

/* The thread's stack is another one from now on. */
void stingy_serve_forget_stack(void);

static inline void stingy_unloaded(void)
{
	stingy_serve_renew();
}

static inline void stingy_leaving(const void *object)
{
	(void)object;
}

static inline __attribute__((always_inline)) void stingy_release(void *object)
{
	uint32_t offset = stingy_serve_offset(object);
	struct stingy_region *region = stingy_serve_region(offset);
	struct stingy_slot slot = stingy_region_slot(region, offset);
	/* A plain load of the owner, as an atomic one takes one more instruction: whatever another thread may be
	 * writing there meanwhile is not this thread. */
	if (__builtin_expect(region->owner == stingy_thread() && stingy_region_is_given(region, slot), 1))
		stingy_region_push(region, slot);
	else
		stingy_serve_release(region, slot);
}

#endif
