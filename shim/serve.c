#define _GNU_SOURCE
#include "serve.h"

#include "batches.h"
#include "calls.h"
#include "canary.h"
#include "env.h"
#include "forks.h"
#include "load.h"
#include "next.h"
#include "operators.h"
#include "order.h"
#include "say.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Until a manifest is in force, and for good without one, the table has no edge. */
static struct stingy_edge no_edges[1];

struct stingy_serve stingy_serve = {.sites = {.edges = no_edges}};

struct stingy_region stingy_no_regions[STINGY_REGIONS_MAX];

__thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec"))) = {.regions = stingy_no_regions};

static pthread_key_t owner_key; /* its destructor runs when the owner thread exits */

void stingy_serve_register(struct stingy_self *self)
{
	uint32_t i = __atomic_fetch_add(&stingy_serve.live->n_threads, 1, __ATOMIC_RELAXED);
	self->counters = &stingy_serve.live->thread[i % STINGY_LIVE_THREADS];
}

uint32_t stingy_serve_thread(void)
{
	struct stingy_self *self = &stingy_self;
	if (!self->counters)
		stingy_serve_register(self);
	return (uint32_t)(self->counters - stingy_serve.live->thread);
}

/* The number of the arena that the owner's regions are of. */
static uint32_t arena_of(const struct stingy_self *self)
{
	return (uint32_t)(self->regions - stingy_serve.regions) / stingy_serve.n_regions;
}

/* With canaries the regions know no owner, so that each free comes to stingy_serve_release. */
static void set_owner(struct stingy_region *regions, const void *owner)
{
	if (stingy_serve.has_canaries)
		return;
	for (uint32_t i = 0; i < stingy_serve.n_regions; i++)
		__atomic_store_n(&regions[i].owner, owner, __ATOMIC_RELAXED); /* who frees looks at it */
}

/* Takes the arena, if nobody owns it. */
static bool own(struct stingy_self *self, uint32_t arena)
{
	const void *none = NULL, **owner = &stingy_serve.owner[arena];
	/* Looked at before it is tried: an exchange that fails takes the owner's cache line all the same. */
	if (__atomic_load_n(owner, __ATOMIC_RELAXED) ||
	    !__atomic_compare_exchange_n(owner, &none, stingy_thread(), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	self->regions = stingy_serve_arena(arena);
	set_owner(self->regions, stingy_thread());
	return true;
}

/* Makes the thread the owner of an arena, if there is one left. */
static bool become_owner(struct stingy_self *self)
{
	struct stingy_live *live = stingy_serve.live;
	if (self->has_exited || __atomic_load_n(&live->n_owned, __ATOMIC_RELAXED) >= stingy_serve.arena.count)
		return false;
	for (uint32_t i = 0; i < stingy_serve.arena.count; i++) {
		if (!own(self, i))
			continue;
		__atomic_fetch_add(&live->n_owned, 1, __ATOMIC_RELAXED);
		pthread_setspecific(owner_key, self);
		live->state = STINGY_LIVE_SERVING;
		return true;
	}
	return false;
}

/* The owner exits: the next thread that allocates at a managed site takes over. */
static void owner_exits(void *value)
{
	struct stingy_self *self = value;
	if (!stingy_serve_is_owner(self))
		return; /* it was the owner in the process that it was forked from */
	uint32_t arena = arena_of(self);
	set_owner(self->regions, NULL);
	self->regions = stingy_no_regions;
	self->has_exited = true; /* if a later destructor made it the owner again, nobody would notice its end */
	__atomic_fetch_sub(&stingy_serve.live->n_owned, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&stingy_serve.owner[arena], NULL, __ATOMIC_RELEASE);
}

/* Whether no managed site of this thread can be served now, as others own the arenas. */
static bool are_others_owners(const struct stingy_self *self)
{
	return !stingy_serve_is_owner(self) &&
	       __atomic_load_n(&stingy_serve.live->n_owned, __ATOMIC_RELAXED) >= stingy_serve.arena.count;
}

struct stingy_region *stingy_serve_regions(void)
{
	if (stingy_serve_is_owner(&stingy_self))
		return stingy_self.regions;
	for (uint32_t i = 0; i < stingy_serve.arena.count; i++)
		if (!__atomic_load_n(&stingy_serve.owner[i], __ATOMIC_RELAXED))
			return stingy_serve_arena(i);
	return NULL;
}

static void *fell_back(struct stingy_self *self, enum stingy_fell_back reason)
{
	self->counters->fell_back[reason]++;
	return NULL;
}

/* The largest power of two that divides every slot's address. */
static uint32_t alignment(const struct stingy_region *region)
{
	uint32_t bits = region->live.slot | region->live.offset | (uint32_t)STINGY_HUGE_PAGE;
	return bits & -bits;
}

/* Bytes of a slot that an object may have. */
static uint32_t room(const struct stingy_region *region)
{
	return region->live.slot - (stingy_serve.has_canaries ? STINGY_CANARY_SIZE : 0);
}

/* A slot of the owner's region, if it is such that one would do; else *reason is set. */
static void *serve_from(struct stingy_region *region, size_t align, enum stingy_fell_back *reason)
{
	void *object = NULL;
	*reason = STINGY_FELL_ALIGN;
	if (align > alignment(region))
		return NULL;
	*reason = STINGY_FELL_FULL;
	if (stingy_region_pop(region, stingy_serve.origin, &object) || (object = stingy_region_refill(region)))
		return stingy_serve.has_canaries ? stingy_canary_put(region, object) : object;
	region->live.full++;
	return NULL;
}

/* An object of the kind, from its region, or from the high slab's for what does not fit there. */
static void *serve(const struct stingy_sites_kind *kind, size_t size, size_t align, struct stingy_self *self)
{
	bool has_high = kind->high != UINT32_MAX;
	enum stingy_fell_back reason = STINGY_FELL_SIZE;
	if (size > kind->limit && (!has_high || size > room(&stingy_serve.regions[kind->high])))
		return fell_back(self, reason);
	if (stingy_serve.is_dry) {
		self->counters->served++;
		return NULL;
	}
	if (!stingy_serve_is_owner(self) && !become_owner(self))
		return fell_back(self, STINGY_FELL_THREAD);
	void *object = size > kind->limit ? NULL : serve_from(&self->regions[kind->region], align, &reason);
	if (!object && has_high)
		object = serve_from(&self->regions[kind->high], align, &reason);
	return object ? object : fell_back(self, reason);
}

/* Looks again, and at modules that have been loaded since. */
static const struct stingy_node *learn(uintptr_t ra)
{
	const struct stingy_node *node = stingy_sites_learn(&stingy_serve.sites, ra);
	stingy_serve.live->sites_here = stingy_serve.sites.n_here;
	return node;
}

void stingy_serve_forget_stack(void)
{
	stingy_self.stack = (struct stingy_stack){0, 0};
	stingy_self.walk_low = stingy_self.walk_room = 0;
}

/* Where the quick walk may go, too; nowhere in a stack that is not much larger than the margin. */
static void learn_stack(struct stingy_self *self)
{
	uint32_t margin = stingy_serve.sites.nodes[0].next_ends; /* the most that any walk reads */
	self->stack = stingy_stack_of_thread();
	if (self->stack.high - self->stack.low <= margin)
		return;
	self->walk_low = self->stack.low + margin;
	self->walk_room = self->stack.high - self->walk_low;
}

/*
 * Which of the manifest's sites it is. A thread that cannot be served is not walked: so only the owner's stack has to
 * be known, and other threads cause no system call.
 */
static void *match_and_serve(const struct stingy_node *node, size_t size, size_t align, const struct stingy_frame *at,
			     struct stingy_self *self)
{
	if (stingy_serve.is_hopeless && !stingy_serve.is_dry)
		return fell_back(self, STINGY_FELL_NO_ARENA);
	if (are_others_owners(self))
		return fell_back(self, STINGY_FELL_THREAD);
	if (node->quick == 0 && self->stack.high == 0)
		learn_stack(self);
	uint32_t kind = stingy_sites_match(&stingy_serve.sites, node, at, &self->stack);
	if (kind != UINT32_MAX)
		return serve(&stingy_serve.sites.kinds[kind], size, align, self);
	self->counters->unmanaged++;
	return NULL;
}

static void *take(size_t size, size_t align, const struct stingy_frame *at, struct stingy_self *self)
{
	if (!self->counters)
		stingy_serve_register(self);
	const struct stingy_node *node = stingy_sites_find(&stingy_serve.sites, STINGY_ROOT_KEY, at->ra);
	if (!node)
		node = learn(at->ra);
	if (node != &stingy_sites_unmanaged)
		return match_and_serve(node, size, align, at, self);
	self->counters->unmanaged++;
	return NULL;
}

/* What it does for the first time may allocate, and be cancellation points, which malloc is not. */
void *stingy_take(size_t size, size_t align, const struct stingy_frame *at)
{
	struct stingy_self *self = &stingy_self;
	int saved = errno, cancel;
	if (!stingy_serve.is_on || self->is_busy)
		return NULL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	self->is_busy = true;
	void *object = take(size, align, at, self);
	self->is_busy = false;
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return object;
}

void stingy_serve_renew(void)
{
	int saved = errno;
	if (stingy_serve.is_on) {
		stingy_sites_bind(&stingy_serve.sites);
		stingy_serve.live->sites_here = stingy_serve.sites.n_here;
	}
	errno = saved;
}

static bool is_own(const struct stingy_region *region)
{
	const struct stingy_region *own = stingy_self.regions;
	return region >= own && region < own + stingy_serve.n_regions;
}

void stingy_serve_release(struct stingy_region *region, struct stingy_slot slot)
{
	if (!stingy_region_is_given(region, slot))
		stingy_region_bad_free(region, slot.offset);
	if (stingy_serve.has_canaries) {
		if (!stingy_canary_is_whole(region, slot.offset))
			stingy_region_overrun(region, slot.offset);
		if (is_own(region)) {
			stingy_region_push(region, slot);
			return;
		}
	}
	stingy_region_push_remote(region, slot);
}

/* Also checks that it is an object: realloc asks this before it leaves one where it is. */
size_t stingy_usable(const void *object)
{
	uint32_t offset = stingy_serve_offset(object);
	struct stingy_region *region = stingy_serve_region(offset);
	struct stingy_slot slot = stingy_region_slot(region, offset);
	if (!stingy_region_is_given(region, slot))
		stingy_region_bad_free(region, slot.offset);
	return room(region);
}

/*
 * There may be threads already, of libraries that were loaded before: whatever part of it they see, they find no site
 * outside of a table, and are not served before all is in place.
 */
static void put_in_force(struct stingy_serve *loaded)
{
	uint64_t mask = loaded->sites.mask;
	loaded->sites.mask = 0;
	stingy_serve = *loaded;
	__atomic_store_n(&stingy_serve.sites.mask, mask, __ATOMIC_RELEASE);
	__atomic_store_n(&stingy_serve.is_on, true, __ATOMIC_RELEASE);
}

static void begin_ordering(void)
{
	static const struct stingy_order_schedule none;
	/* What the manifest says is not in force in a dry run. */
	struct stingy_order_schedule schedule =
		stingy_order_choose(stingy_serve.is_dry ? &none : &stingy_serve.schedule);
	if (schedule.mode == STINGY_ORDER_OFF || (!stingy_serve.live && stingy_load_live(&stingy_serve) < 0))
		return;
	if (stingy_order_init(&schedule, stingy_serve.live->order, STINGY_LIVE_ORDERS) < 0)
		stingy_say("no memory or no thread key for it: events are not ordered");
}

static void begin_serving(const char *path)
{
	struct stingy_serve loaded = {
		.is_dry = stingy_env_is_set("STINGY_DRY_RUN"),
		.has_canaries = stingy_env_is_set("STINGY_CANARIES"),
		.is_reported = stingy_serve.is_reported,
	};
	int failed = stingy_load(&loaded, path);
	if (failed) {
		stingy_serve.live = loaded.live; /* says why */
		return;
	}
	if (pthread_key_create(&owner_key, owner_exits) != 0 || stingy_forks_init() != 0) {
		stingy_say("'%s': no room for a thread key or a fork handler: nothing is served", path);
		return;
	}
	loaded.live->state = loaded.is_dry ? STINGY_LIVE_DRY_RUN : STINGY_LIVE_READY;
	put_in_force(&loaded);
}

__attribute__((constructor(101))) static void begin(void)
{
	stingy_next_init();
	stingy_operators_init();
	stingy_calls_init();
	stingy_walk_init();
	const char *path = stingy_env("STINGY_MANIFEST");
	if (!path && !stingy_env("STINGY_SCHEDULE"))
		return;
	stingy_say_init(!stingy_env_is_main());
	stingy_serve.is_reported = stingy_env_is_set("STINGY_REPORT");
	if (stingy_serve.is_reported)
		stingy_say_keep();
	if (path)
		begin_serving(path);
	begin_ordering();
}
