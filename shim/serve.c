#define _GNU_SOURCE
#include "serve.h"

#include "env.h"
#include "load.h"
#include "next.h"
#include "say.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Until a manifest is in force, and for good without one, the table has no edge. */
static struct stingy_edge no_edges[2];

struct stingy_serve stingy_serve = {.sites = {.edges = no_edges, .mask = sizeof(struct stingy_edge)}};

/* Of all addresses in the arena that belong to none. */
static uint32_t nothing_given[1] = {STINGY_SLOT_FREE}; /* of the one place that offsets have there */
struct stingy_region stingy_no_region = {.given = nothing_given, .shift = 31};

__thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec")));

static pthread_key_t owner_key; /* its destructor runs when the owner thread exits */

static void register_thread(struct stingy_self *self)
{
	uint32_t i = __atomic_fetch_add(&stingy_serve.live->n_threads, 1, __ATOMIC_RELAXED);
	self->counters = &stingy_serve.live->thread[i % STINGY_LIVE_THREADS];
}

static void note(const char *why)
{
	snprintf(stingy_serve.live->note, sizeof(stingy_serve.live->note), "%s", why);
}

/* Makes the thread the owner of the arena, if it has none. */
static bool become_owner(struct stingy_self *self)
{
	const void *none = NULL;
	if (self->has_exited ||
	    !__atomic_compare_exchange_n(&stingy_serve.owner, &none, self, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	pthread_setspecific(owner_key, self);
	self->is_owner = true;
	stingy_serve.live->state = STINGY_LIVE_SERVING;
	return true;
}

/* The owner exits: the next thread that allocates at a managed site takes over. */
static void owner_exits(void *value)
{
	struct stingy_self *self = value;
	if (!self->is_owner)
		return; /* it was the owner in the process that it was forked from */
	self->is_owner = false;
	self->has_exited = true; /* if a later destructor made it the owner again, nobody would notice its end */
	__atomic_store_n(&stingy_serve.owner, NULL, __ATOMIC_RELEASE);
}

/* Whether no managed site of this thread can be served now, as another one owns the arena. */
static bool is_another_owner(const struct stingy_self *self)
{
	/* Looked at before it is tried: an exchange that fails takes the owner's cache line all the same. */
	return !self->is_owner && __atomic_load_n(&stingy_serve.owner, __ATOMIC_RELAXED) != NULL;
}

static void *fell_back(struct stingy_self *self, enum stingy_fell_back reason)
{
	self->counters->fell_back[reason]++;
	return NULL;
}

/* A slot for the site that ends in node. */
static void *serve(const struct stingy_node *node, size_t size, size_t align, struct stingy_self *self)
{
	if (size > node->limit)
		return fell_back(self, STINGY_FELL_SIZE);
	if (align > node->align)
		return fell_back(self, STINGY_FELL_ALIGN);
	if (stingy_serve.is_dry) {
		self->counters->served++;
		return NULL;
	}
	if (!self->is_owner && !become_owner(self))
		return fell_back(self, STINGY_FELL_THREAD);
	struct stingy_region *region = node->region;
	void *object = stingy_region_pop(region);
	if (!object && stingy_region_collect(region))
		object = stingy_region_pop(region);
	if (object)
		return object;
	region->live.full += region->live.full != UINT32_MAX;
	return fell_back(self, STINGY_FELL_FULL);
}

/* Looks again, and at modules that have been loaded since. */
static const struct stingy_node *learn(uintptr_t ra)
{
	const struct stingy_node *node = stingy_sites_learn(&stingy_serve.sites, ra);
	stingy_serve.live->sites_here = stingy_serve.sites.n_here;
	return node;
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
	if (is_another_owner(self))
		return fell_back(self, STINGY_FELL_THREAD);
	if (node->rule.base != STINGY_RULE_NONE && self->stack.high == 0)
		self->stack = stingy_stack_of_thread();
	node = stingy_sites_match(&stingy_serve.sites, node, at, &self->stack);
	if (node)
		return serve(node, size, align, self);
	self->counters->unmanaged++;
	return NULL;
}

static void *take(size_t size, size_t align, const struct stingy_frame *at, struct stingy_self *self)
{
	if (!self->counters)
		register_thread(self);
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

void stingy_serve_unloaded(void)
{
	int saved = errno;
	if (stingy_serve.is_on) {
		stingy_sites_bind(&stingy_serve.sites);
		stingy_serve.live->sites_here = stingy_serve.sites.n_here;
	}
	errno = saved;
}

/* Ends the program: there is no object at the slot's offset. */
static _Noreturn void bad_free(const struct stingy_region *region, struct stingy_slot slot)
{
	if (region == &stingy_no_region)
		stingy_die("free(): %p is in the arena, but in no region",
			   (void *)(stingy_serve.arena.base + slot.offset));
	stingy_region_bad_free(region, slot.offset);
}

void stingy_serve_release(struct stingy_region *region, struct stingy_slot slot)
{
	if (!stingy_region_is_given(region, slot))
		bad_free(region, slot);
	stingy_region_push_remote(region, slot);
}

/* Also checks that it is an object: realloc asks this before it leaves one where it is. */
size_t stingy_usable(const void *object)
{
	uint32_t offset = stingy_serve_offset(object);
	struct stingy_region *region = stingy_serve_region(offset);
	struct stingy_slot slot = stingy_region_slot(region, offset);
	if (!stingy_region_is_given(region, slot))
		bad_free(region, slot);
	return region->live.slot;
}

/*
 * The arenas in which objects live or are about to: the owner, if it forks in a signal handler, may be in the midst of
 * a pop or push.
 */
static uint64_t live_arenas(void)
{
	bool is_live = stingy_self.is_owner;
	for (uint32_t i = 0; i < stingy_serve.n_regions && !is_live; i++)
		is_live = stingy_serve.regions[i].live.n_free != stingy_serve.regions[i].live.count;
	return is_live;
}

/* What has become of the pages. */
static void show_pages(void)
{
	const struct stingy_arena *arena = &stingy_serve.arena;
	stingy_serve.live->pages = arena->pages;
	if (!stingy_serve.is_hopeless)
		note(arena->why ? arena->why : "");
}

static void before_fork(void)
{
	stingy_sites_before_fork(&stingy_serve.sites);
	stingy_arena_before_fork(&stingy_serve.arena, live_arenas());
}

static void after_fork_in_parent(void)
{
	stingy_arena_after_fork_in_parent(&stingy_serve.arena, live_arenas());
	show_pages();
	stingy_sites_after_fork_in_parent(&stingy_serve.sites);
}

/*
 * What lives in the regions lives on in the child. If the thread that forked is the owner, its stacks are as it left
 * them, and are not touched. Else the owner was copied at any moment, and is gone.
 */
static void take_over_regions(void)
{
	for (uint32_t i = 0; i < stingy_serve.n_regions; i++) {
		struct stingy_region *region = &stingy_serve.regions[i];
		if (!stingy_self.is_owner)
			stingy_region_rebuild(region);
		region->live.low = region->live.n_free;
		region->live.served = region->live.full = 0;
	}
}

/* The child's figures begin at zero. */
static void after_fork_in_child(void)
{
	struct stingy_live *live = stingy_serve.live;
	take_over_regions();
	stingy_arena_after_fork_in_child(&stingy_serve.arena, live_arenas());
	stingy_sites_after_fork_in_child(&stingy_serve.sites);
	memset(live->thread, 0, sizeof(live->thread));
	live->n_threads = 0;
	live->pid = (uint32_t)getpid();
	show_pages();
	if (live->state == STINGY_LIVE_SERVING)
		live->state = STINGY_LIVE_READY;
	stingy_serve.owner = NULL;
	stingy_self.is_owner = stingy_self.is_busy = stingy_self.has_exited = false;
	stingy_self.counters = NULL;
}

__attribute__((constructor(101))) static void begin(void)
{
	stingy_next_init();
	stingy_walk_init();
	const char *path = stingy_env("STINGY_MANIFEST");
	if (!path)
		return;
	stingy_say_init(!stingy_env_is_main());
	if (stingy_env_is_set("STINGY_REPORT"))
		stingy_say_keep();
	struct stingy_serve loaded = {.is_dry = stingy_env_is_set("STINGY_DRY_RUN")};
	int failed = stingy_load(&loaded, path);
	if (failed) {
		stingy_serve.live = loaded.live; /* says why */
		return;
	}
	if (pthread_key_create(&owner_key, owner_exits) != 0 ||
	    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) {
		stingy_say("'%s': no room for a thread key or a fork handler: nothing is served", path);
		return;
	}
	loaded.is_on = true;
	loaded.live->state = loaded.is_dry ? STINGY_LIVE_DRY_RUN : STINGY_LIVE_READY;
	stingy_serve = loaded;
}

/* One line when the process ends, if asked for. */
__attribute__((destructor)) static void end(void)
{
	const struct stingy_live *live = stingy_serve.live;
	if (!live || !stingy_env_is_set("STINGY_REPORT"))
		return;
	uint64_t served = 0, unmanaged = 0, fell_back = 0;
	for (uint32_t i = 0; i < STINGY_LIVE_THREADS; i++) {
		served += live->thread[i].served;
		unmanaged += live->thread[i].unmanaged;
		for (unsigned r = 0; r < STINGY_FELL_REASONS; r++)
			fell_back += live->thread[i].fell_back[r];
	}
	for (uint32_t i = 0; i < stingy_serve.n_regions; i++)
		served += stingy_serve.regions[i].live.served;
	uint64_t all = served + unmanaged + fell_back;
	unsigned permille = all ? (unsigned)(served * 1000 / all) : 0;
	stingy_say("%s[%u]: %s%lu of %lu allocations (%u.%u%%) from the arena, %lu unmanaged, %lu fell back%s%s",
		   stingy_program_path(), live->pid, stingy_serve.is_dry ? "dry run: would have served " : "", served,
		   all, permille / 10, permille % 10, unmanaged, fell_back, live->note[0] ? "; " : "", live->note);
}
