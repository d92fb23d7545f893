/*
 * The production backend: serves the sites of the manifest from the arena, and leaves the rest to the next allocator.
 *
 * One thread owns the arena: the first that allocates at a managed site, until it exits. Its path takes no lock, makes
 * no atomic read-modify-write and, once the arena is in place, no system call. Other threads match sites too, but are
 * served by the next allocator; what they free of ours the owner collects. See ARCHITECTURE of the hot path in README,
 * "Internals"; the contract is backend.h's.
 *
 * After fork the child is the owner of its own copy, made its own when it first allocates there.
 */
#ifndef STINGY_SERVE_H
#define STINGY_SERVE_H

#include "../manifests/live.h"
#include "arena.h"
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
	struct stingy_region **region_of; /* by STINGY_REGION_ALIGN bytes of the arena; NULL: no region there */
	bool is_dry;                      /* match and count, serve nothing */
	/* what is not for the hot path */
	bool is_on;       /* the manifest is in force */
	bool is_hopeless; /* the arena could not be made, and will not be tried again in this process */
	struct stingy_live *live;
	struct stingy_region *regions;
	struct stingy_stage *stages;
	uint32_t n_regions, n_stages;
	const void *owner; /* the owner's stingy_self; NULL: none; atomic */
};

extern struct stingy_serve stingy_serve __attribute__((visibility("hidden")));

/* A thread's part. */
struct stingy_self {
	struct stingy_live_counters *counters; /* NULL: the thread has not been here yet */
	bool is_owner;
	bool is_busy; /* in a slow path: what it allocates is ours, and goes to the next allocator */
	struct stingy_stack stack;
};

extern __thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Slow paths. The first two answer for stingy_take. */
void *stingy_serve_unknown(size_t size, size_t align, const struct stingy_call *call);
void *stingy_serve_slow(const struct stingy_node *node, struct stingy_self *self);
void stingy_serve_release_remote(struct stingy_region *region, void *object);

static inline __attribute__((always_inline)) bool stingy_owns(const void *object)
{
	return (uintptr_t)object - (uintptr_t)stingy_serve.arena.base < stingy_serve.arena.size;
}

/* The region of an address in the arena; ends the program if there is none. */
static inline struct stingy_region *stingy_serve_region(const void *object)
{
	size_t offset = (size_t)((const char *)object - stingy_serve.arena.base);
	return stingy_serve.region_of[offset / STINGY_REGION_ALIGN];
}

static inline void *stingy_serve_at(uint32_t first, size_t size, size_t align, const struct stingy_call *call,
				    struct stingy_self *self)
{
	const struct stingy_node *node = stingy_sites_match(&stingy_serve.sites, first, call, &self->stack);
	if (!node) {
		self->counters->unmanaged++;
		return NULL;
	}
	if (__builtin_expect(size > node->limit, 0)) {
		self->counters->fell_back[STINGY_FELL_SIZE]++;
		return NULL;
	}
	if (__builtin_expect(align > node->align, 0)) {
		self->counters->fell_back[STINGY_FELL_ALIGN]++;
		return NULL;
	}
	void *object = self->is_owner ? stingy_region_pop(node->region) : NULL;
	return __builtin_expect(object != NULL, 1) ? object : stingy_serve_slow(node, self);
}

static inline __attribute__((always_inline)) void *stingy_take(size_t size, size_t align,
							       const struct stingy_call *call)
{
	struct stingy_self *self = &stingy_self;
	uint32_t first = stingy_sites_find(&stingy_serve.sites, STINGY_NODE_ROOT, call->ra);
	if (__builtin_expect(first == STINGY_NODE_ROOT || !self->counters, 0))
		return stingy_serve_unknown(size, align, call);
	if (first == STINGY_NODE_UNMANAGED) {
		self->counters->unmanaged++;
		return NULL;
	}
	return stingy_serve_at(first, size, align, call, self);
}

static inline void *stingy_took(void *object, size_t size, size_t align, const struct stingy_call *call)
{
	(void)size;
	(void)align;
	(void)call;
	return object;
}

static inline void stingy_leaving(const void *object)
{
	(void)object;
}

_Noreturn void stingy_serve_bad_free(const void *object);

/* Also checks that it is an object: realloc asks this before it leaves one where it is. */
static inline size_t stingy_usable(const void *object)
{
	const struct stingy_region *region = stingy_serve_region(object);
	if (__builtin_expect(!region, 0))
		stingy_serve_bad_free(object);
	stingy_region_slot(region, object);
	return region->live.slot;
}

static inline void stingy_release(void *object)
{
	struct stingy_region *region = stingy_serve_region(object);
	if (__builtin_expect(!region, 0))
		stingy_serve_bad_free(object);
	if (__builtin_expect(stingy_self.is_owner, 1))
		stingy_region_push(region, object);
	else
		stingy_serve_release_remote(region, object);
}

#endif
