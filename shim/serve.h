/*
 * The production backend: serves the sites of the manifest from the arena, and leaves the rest to the next allocator.
 *
 * One thread owns the arena: the first that allocates at a managed site, until it exits. Its path takes no lock, makes
 * no atomic read-modify-write and no system call. Other threads match the first address of sites too, but are served by
 * the next allocator; what they free of ours the owner collects. The hot path is described in README, "Internals"; the
 * contract is backend.h's.
 *
 * After fork the child has its own copy, which its first thread that asks owns.
 */
#ifndef STINGY_SERVE_H
#define STINGY_SERVE_H

#include "../manifests/live.h"
#include "arena.h"
#include "next.h"
#include "region.h"
#include "sites.h"
#include "walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stage of the manifest: what a run of it takes from each region. Only for the answer to StingyDynCheck. */
struct stingy_need {
	struct stingy_region *region;
	uint32_t count; /* slots */
};

struct stingy_stage {
	uint32_t module; /* UINT32_MAX: no known function */
	uint64_t offset;
	uint32_t n_needs;
	struct stingy_need *needs;
};

/* What is made once, from the manifest, and read ever after. */
struct stingy_serve {
	struct stingy_arena arena;
	struct stingy_sites sites;
	struct stingy_region **region_of; /* by STINGY_REGION_ALIGN bytes of the arena; never NULL */
	bool is_dry;                      /* match and count, serve nothing */
	/* what is not for the hot path */
	bool is_on;       /* the manifest is in force */
	bool is_hopeless; /* there was no memory for the arena */
	struct stingy_live *live;
	struct stingy_region *regions;
	struct stingy_stage *stages;
	uint32_t n_regions, n_stages;
	/* the owner's stingy_self; NULL: none; atomic, and on a line of its own */
	const void *owner __attribute__((aligned(64)));
};

extern struct stingy_serve stingy_serve __attribute__((visibility("hidden")));

/* Where there is no region: nothing is ever given in it. */
extern struct stingy_region stingy_no_region __attribute__((visibility("hidden")));

/* A thread's part. */
struct stingy_self {
	struct stingy_live_counters *counters; /* NULL: the thread has not been here yet */
	bool is_owner;
	bool has_exited; /* the owner, and its destructors are running: it is none any more */
	bool is_busy;    /* in a slow path: what it allocates is ours, and goes to the next allocator */
	struct stingy_stack stack;
};

extern __thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The contract of backend.h. What is not here is in serve.c: it is rare. */
void *stingy_take(size_t size, size_t align, const struct stingy_frame *at);
void stingy_serve_release(struct stingy_region *region, struct stingy_slot slot);
size_t stingy_usable(const void *object);

static inline __attribute__((always_inline)) bool stingy_owns(const void *object)
{
	return (uintptr_t)object - (uintptr_t)stingy_serve.arena.base < stingy_serve.arena.stride;
}

/* Offset in the arena of an address in it. */
static inline uint32_t stingy_serve_offset(const void *object)
{
	return (uint32_t)((const char *)object - stingy_serve.arena.base);
}

/* The region of an offset; where there is none, one in which nothing is ever given. */
static inline struct stingy_region *stingy_serve_region(uint32_t offset)
{
	return stingy_serve.region_of[offset / STINGY_REGION_ALIGN];
}

/*
 * The node in which the walk from node outwards ends, for the owner thread, by rules that are a stack pointer and a
 * constant; NULL: no site matches; *is_sure is false if it takes more than that to say.
 */
static inline __attribute__((always_inline)) const struct stingy_node *
stingy_serve_walk(const struct stingy_node *node, uintptr_t sp, const struct stingy_self *self, bool *is_sure)
{
	*is_sure = true;
	while (node->step != 0) {
		sp += node->step;
		if (__builtin_expect(sp > self->stack.high || sp <= self->stack.low || node->region, 0)) {
			*is_sure = false;
			return NULL;
		}
		uintptr_t ra = *((const uintptr_t *)sp - 1);
		if (ra == __atomic_load_n(&node->only_ra, __ATOMIC_RELAXED))
			node = node->only;
		else if (!(node = stingy_sites_find(&stingy_serve.sites, node->key, ra)))
			return NULL;
	}
	return node;
}

static inline __attribute__((always_inline)) void *stingy_take_fast(size_t size, uintptr_t ra, const void **hint)
{
	struct stingy_self *self = &stingy_self;
	const struct stingy_node *node = stingy_sites_find(&stingy_serve.sites, STINGY_ROOT_KEY, ra);
	*hint = node;
	if (__builtin_expect(node && size < node->quick && self->is_owner, 1))
		return stingy_region_pop(node->region);
	if (node != &stingy_sites_unmanaged || !self->counters)
		return NULL;
	self->counters->unmanaged++;
	return STINGY_LEAVE;
}

static inline __attribute__((always_inline)) void *stingy_take_deep(size_t size, uintptr_t sp, const void *hint)
{
	struct stingy_self *self = &stingy_self;
	const struct stingy_node *node = hint;
	bool is_sure;
	if (__builtin_expect(!node || !self->is_owner, 0))
		return NULL;
	node = stingy_serve_walk(node, sp, self, &is_sure);
	if (__builtin_expect(node && size < node->quick, 1))
		return stingy_region_pop(node->region);
	if (node || !is_sure)
		return NULL;
	self->counters->unmanaged++;
	return STINGY_LEAVE;
}

static inline void *stingy_took(void *object, size_t size, size_t align, const struct stingy_frame *at)
{
	(void)size;
	(void)align;
	(void)at;
	return object;
}

void stingy_serve_unloaded(void);

static inline void stingy_unloaded(void)
{
	stingy_serve_unloaded();
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
	if (__builtin_expect(stingy_self.is_owner && stingy_region_is_given(region, slot), 1))
		stingy_region_push(region, slot);
	else
		stingy_serve_release(region, slot);
}

#endif
