#define _GNU_SOURCE
#include "serve.h"

#include "env.h"
#include "load.h"
#include "next.h"
#include "say.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* Until a manifest is in force, and for good without one, the table has no edge. */
static struct stingy_edge no_edges[2];

struct stingy_serve stingy_serve = {.sites = {.edges = no_edges, .shift = 63, .mask = 1}};

__thread struct stingy_self stingy_self __attribute__((tls_model("initial-exec")));

static pthread_key_t owner_key; /* its destructor runs when the owner thread exits */

/* Gives the thread its counters and its stack. What this allocates (pthread_getattr_np does) is not looked at. */
static void register_thread(struct stingy_self *self)
{
	struct stingy_live *live = stingy_serve.live;
	uint32_t i = __atomic_fetch_add(&live->n_threads, 1, __ATOMIC_RELAXED);
	if (i >= STINGY_LIVE_THREADS) {
		__atomic_store_n(&live->n_threads, STINGY_LIVE_THREADS, __ATOMIC_RELAXED);
		i = STINGY_LIVE_THREADS - 1;
	}
	self->stack = stingy_stack_of_thread();
	self->counters = &live->thread[i];
}

/* Looks again, and at modules that have been loaded since. */
static uint32_t learn(uintptr_t ra)
{
	uint32_t first = stingy_sites_learn(&stingy_serve.sites, ra);
	stingy_serve.live->sites_here = stingy_serve.sites.n_here;
	return first;
}

void *stingy_serve_unknown(size_t size, size_t align, const struct stingy_call *call)
{
	struct stingy_self *self = &stingy_self;
	if (!stingy_serve.is_on || self->is_busy)
		return NULL;
	int saved = errno;
	self->is_busy = true;
	if (!self->counters)
		register_thread(self);
	uint32_t first = stingy_sites_find(&stingy_serve.sites, STINGY_NODE_ROOT, call->ra);
	if (first == STINGY_NODE_ROOT)
		first = learn(call->ra);
	self->is_busy = false;
	errno = saved;
	if (first == STINGY_NODE_UNMANAGED) {
		self->counters->unmanaged++;
		return NULL;
	}
	return stingy_serve_at(first, size, align, call, self);
}

static void note(const char *why)
{
	strncpy(stingy_serve.live->note, why ? why : "", sizeof(stingy_serve.live->note) - 1);
}

/* Puts the arena in place, or makes it this process's own after fork. */
static bool make_arena(void)
{
	struct stingy_arena *arena = &stingy_serve.arena;
	struct stingy_live *live = stingy_serve.live;
	if (arena->is_made && !arena->is_copied)
		return true;
	const char *why;
	if (stingy_serve.is_hopeless)
		return false;
	if (stingy_arena_make(arena, &why) < 0) {
		stingy_serve.is_hopeless = true;
		note("no memory for the arena");
		return false;
	}
	live->pages = arena->pages;
	live->arena = (uintptr_t)arena->base;
	live->state = STINGY_LIVE_SERVING;
	note(why);
	return true;
}

/* Makes the thread the owner of the arena, if it has none. */
static bool become_owner(struct stingy_self *self)
{
	const void *none = NULL;
	if (!__atomic_compare_exchange_n(&stingy_serve.owner, &none, self, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	if (!make_arena()) {
		__atomic_store_n(&stingy_serve.owner, NULL, __ATOMIC_RELEASE);
		return false;
	}
	pthread_setspecific(owner_key, self);
	self->is_owner = true;
	return true;
}

/* The owner exits: the next thread that allocates at a managed site takes over. */
static void owner_exits(void *self)
{
	((struct stingy_self *)self)->is_owner = false;
	__atomic_store_n(&stingy_serve.owner, NULL, __ATOMIC_RELEASE);
}

void *stingy_serve_slow(const struct stingy_node *node, struct stingy_self *self)
{
	if (stingy_serve.is_dry) {
		self->counters->served++;
		return NULL;
	}
	if (self->is_busy)
		return NULL;
	enum stingy_fell_back reason = STINGY_FELL_FULL;
	void *object = NULL;
	int saved = errno;
	self->is_busy = true;
	if (self->is_owner || become_owner(self)) {
		object = stingy_region_pop(node->region);
		if (!object && stingy_region_collect(node->region))
			object = stingy_region_pop(node->region);
	} else {
		reason = stingy_serve.is_hopeless ? STINGY_FELL_NO_ARENA : STINGY_FELL_THREAD;
	}
	if (!object) {
		self->counters->fell_back[reason]++;
		if (reason == STINGY_FELL_FULL)
			node->region->live.full++;
	}
	self->is_busy = false;
	errno = saved;
	return object;
}

void stingy_serve_release_remote(struct stingy_region *region, void *object)
{
	stingy_region_push_remote(region, object);
}

void stingy_serve_bad_free(const void *object)
{
	stingy_die("free(): %p is in the arena, but in no region", object);
}

static void before_fork(void)
{
	stingy_arena_before_fork(&stingy_serve.arena);
}

static void after_fork_in_parent(void)
{
	stingy_arena_after_fork_in_parent(&stingy_serve.arena);
}

/* The child's figures begin at zero; what lives in the regions lives on. */
static void after_fork_in_child(void)
{
	struct stingy_live *live = stingy_serve.live;
	bool is_empty = true;
	for (uint32_t i = 0; i < stingy_serve.n_regions; i++) {
		struct stingy_region *region = &stingy_serve.regions[i];
		stingy_region_rebuild(region);
		region->live.low = region->live.n_free;
		region->live.served = region->live.full = 0;
		is_empty = is_empty && region->live.n_free == region->live.count;
	}
	stingy_arena_after_fork_in_child(&stingy_serve.arena, is_empty);
	stingy_sites_after_fork(&stingy_serve.sites);
	memset(live->thread, 0, sizeof(live->thread));
	live->pid = (uint32_t)getpid();
	live->pages = stingy_serve.arena.pages;
	if (live->state == STINGY_LIVE_SERVING && !stingy_serve.arena.is_made) {
		live->state = STINGY_LIVE_READY;
		live->arena = 0;
	}
	stingy_serve.owner = NULL;
	stingy_serve.is_hopeless = false;
	stingy_self.is_owner = stingy_self.is_busy = false;
}

__attribute__((constructor(101))) static void begin(void)
{
	stingy_next_init();
	const char *path = stingy_env("STINGY_MANIFEST");
	if (!path)
		return;
	if (!stingy_env_is_main())
		stingy_say_no_more();
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

__attribute__((visibility("default"))) int dlclose(void *handle);

/* Addresses that a module leaves behind must not be taken for its sites when another is loaded there. */
int dlclose(void *handle)
{
	static int (*next)(void *);
	if (!next) {
		void *found = dlsym(RTLD_NEXT, "dlclose");
		memcpy(&next, &found, sizeof(next));
	}
	int result = next(handle);
	if (stingy_serve.is_on) {
		int saved = errno;
		stingy_sites_bind(&stingy_serve.sites);
		stingy_serve.live->sites_here = stingy_serve.sites.n_here;
		errno = saved;
	}
	return result;
}
