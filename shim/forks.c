#define _GNU_SOURCE
#include "forks.h"

#include "batches.h"
#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether an object lives in the arena, or may be about to: its owner may fork in a signal handler, amid a pop. */
static bool is_in_use(uint32_t arena)
{
	const struct stingy_region *regions = stingy_serve_arena(arena);
	bool is_used = regions == stingy_self.regions;
	for (uint32_t i = 0; i < stingy_serve.n_regions && !is_used; i++)
		is_used = stingy_region_n_free(&regions[i]) != regions[i].live.count;
	return is_used;
}

/* The arenas in use, by their bits. */
static uint64_t arenas_in_use(void)
{
	uint64_t live = 0;
	for (uint32_t i = 0; i < stingy_serve.arena.count; i++)
		live |= (uint64_t)is_in_use(i) << i;
	return live;
}

static sigset_t signals; /* that were blocked before fork; whoever forks has the lock of sites meanwhile */

/* Signals wait: a handler that forked amid what is done for a fork would undo it. */
static void before_fork(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	stingy_sites_before_fork(&stingy_serve.sites);
	signals = before;
	stingy_arena_before_fork(&stingy_serve.arena, arenas_in_use());
}

/* What fork made of the arenas' pages. */
static void tell_pages(void)
{
	const struct stingy_arena *arena = &stingy_serve.arena;
	stingy_serve.live->pages = arena->pages;
	if (!stingy_serve.is_hopeless)
		snprintf(stingy_serve.live->note, sizeof(stingy_serve.live->note), "%s", arena->why ? arena->why : "");
}

static void after_fork_in_parent(void)
{
	sigset_t before = signals;
	stingy_arena_after_fork_in_parent(&stingy_serve.arena, arenas_in_use());
	tell_pages();
	stingy_sites_after_fork_in_parent(&stingy_serve.sites); /* last: this lets another thread fork */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * What lives in an arena lives on in the child. Of the thread that forked, all is as it left it, and is not touched.
 * The other owners were copied at any moment, and are gone. The child's figures begin at zero.
 */
static void take_over(uint32_t arena, bool is_used)
{
	struct stingy_region *regions = stingy_serve_arena(arena);
	bool is_own = regions == stingy_self.regions;
	for (uint32_t i = 0; i < stingy_serve.n_regions; i++) {
		if (!is_used)
			stingy_region_reset(&regions[i]);
		else if (!is_own)
			stingy_region_rebuild(&regions[i]);
		regions[i].live.state &= STINGY_LIVE_ONE_SERVED - 1;
		regions[i].live.full = 0;
		regions[i].owner = NULL;
	}
}

static void after_fork_in_child(void)
{
	struct stingy_live *live = stingy_serve.live;
	uint64_t in_use = arenas_in_use();
	for (uint32_t i = 0; i < stingy_serve.arena.count; i++)
		take_over(i, in_use >> i & 1);
	stingy_arena_after_fork_in_child(&stingy_serve.arena, in_use);
	stingy_sites_after_fork_in_child(&stingy_serve.sites);
	stingy_batches_reset();
	memset(live->thread, 0, sizeof(live->thread));
	live->n_threads = live->n_owned = 0;
	live->pid = (uint32_t)getpid();
	tell_pages();
	if (live->state == STINGY_LIVE_SERVING)
		live->state = STINGY_LIVE_READY;
	memset(stingy_serve.owner, 0, sizeof(stingy_serve.owner));
	stingy_self.regions = stingy_no_regions;
	stingy_self.has_exited = false;
	if (stingy_self.counters) /* never NULL again: a signal handler may have forked amid stingy_take */
		stingy_serve_register(&stingy_self);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

int stingy_forks_init(void)
{
	return pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
