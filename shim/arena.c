#define _GNU_SOURCE
#include "arena.h"

#include "colour.h"
#include "say.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>

/* How far the stack may grow where that is not limited. */
#define STACK_UNLIMITED (256ul << 20)
#define STACK_RAISED    (64ul << 20) /* bytes to which a program is expected to raise its limit */
#define STACK_LIMITED   (1ul << 40)  /* bytes; beyond it a limit is none */
/* Below the low slab, as the kernel has it below a stack: functions with large frames might step over one page. */
#define STACK_GUARD     (1ul << 20)

/*
 * Huge pages that forks may mend at once, and those that time adds, a second. A page takes 0.2 to 0.4 ms: so the
 * workers of a server get theirs, and one that forks for each request pays less than 1% of its time.
 */
#define CREDIT_MOST   128u
#define CREDIT_SECOND 20u
#define CREDIT_AGAIN  60000 /* ms, for which nothing is tried again that failed */

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

/* The stack must be able to grow as far as the program may expect. */
static size_t low_slab(const struct stingy_arena_plan *plan)
{
	struct rlimit limit;
	if (plan->stack == 0)
		return 0;
	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > STACK_LIMITED)
		return STACK_UNLIMITED;
	/* A program that wants more may raise its limit, as far as it may: gcc's cc1 does, to 64 MiB. */
	size_t raised = limit.rlim_max < STACK_RAISED ? limit.rlim_max : STACK_RAISED;
	return round_up(limit.rlim_cur > raised ? limit.rlim_cur : raised, STINGY_PAGE);
}

/* Gives back all addresses, with what is in them. */
static void unmap(const struct stingy_arena *arena)
{
	size_t guard = arena->low == arena->base ? STINGY_PAGE : STACK_GUARD;
	munmap(arena->low - guard, guard + (size_t)(arena->origin + arena->span - arena->low));
}

/* Addresses for all of it, to be made readable in place: a mapping that fails over another one may leave a hole. */
static int reserve(struct stingy_arena *arena, size_t low)
{
	size_t below = low + (low ? STACK_GUARD : STINGY_PAGE), above = arena->count * arena->stride;
	size_t room = below + above + STINGY_HUGE_PAGE;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -1;
	size_t skipped = -((uintptr_t)at + below) & (STINGY_HUGE_PAGE - 1);
	if (skipped)
		munmap(at, skipped);
	munmap(at + skipped + below + above, STINGY_HUGE_PAGE - skipped);
	arena->base = at + skipped + below;
	arena->low = arena->base - low;
	arena->origin = arena->base - STINGY_PAGE;
	arena->span = STINGY_PAGE + above;
	if (mprotect(arena->low, low + above, PROT_READ | PROT_WRITE) == 0)
		return 0;
	unmap(arena);
	return -1;
}

_Static_assert(STINGY_ARENAS_MAX <= 64, "a set of arenas is a word");

/* A stack that there are no addresses for stays where it is. */
static int reserve_all(struct stingy_arena *arena, const struct stingy_arena_plan *plan)
{
	if (reserve(arena, low_slab(plan)) == 0)
		return 0;
	if (plan->stack == 0)
		return -1;
	arena->stack = 0;
	arena->why = "no addresses for the stack: it stays where it is";
	return reserve(arena, 0);
}

/* Transparent huge pages: at once for the first arena, with the first touch for the others. */
static bool make_transparent(const struct stingy_arena *arena)
{
	for (unsigned i = 0; i < arena->count; i++)
		madvise(stingy_arena_at(arena, i), arena->huge, MADV_HUGEPAGE);
	return stingy_pages_make_transparent(arena->base, arena->huge);
}

/* Explicit huge pages for all arenas, or for none. */
static bool make_all_explicit(const struct stingy_arena *arena)
{
	unsigned made = 0;
	while (made < arena->count && stingy_pages_make_explicit(stingy_arena_at(arena, made), arena->huge))
		made++;
	if (made == arena->count)
		return true;
	for (unsigned i = 0; i <= made; i++) /* if that fails, populating them will tell */
		(void)!stingy_pages_map(stingy_arena_at(arena, i), arena->huge);
	return false;
}

static int make_small(struct stingy_arena *arena, const struct stingy_cache *cache)
{
	arena->pages = STINGY_PAGES_SMALL;
	if (stingy_pages_populate(arena->base, arena->huge) < 0)
		return -1;
	arena->is_coloured =
		cache->ways && stingy_colour_choose(arena->base, round_up(arena->slab, STINGY_PAGE), cache);
	arena->why = arena->is_coloured ? "small pages, chosen by colour: no huge page could be had"
					: "small pages: no huge page could be had, and colours could not be chosen";
	return stingy_pages_populate(arena->base, arena->huge); /* if one is missing now */
}

static int make_pages(struct stingy_arena *arena, const struct stingy_arena_plan *plan)
{
	if (plan->is_explicit && arena->stack == 0 && make_all_explicit(arena)) {
		arena->pages = STINGY_PAGES_EXPLICIT;
		return 0;
	}
	if (plan->is_explicit)
		arena->why = arena->stack ? "explicit huge pages are not for a stack"
					  : "the pool has no explicit huge page to give";
	arena->is_transparent = make_transparent(arena);
	if (!arena->is_transparent)
		return make_small(arena, &plan->cache);
	arena->pages = STINGY_PAGES_TRANSPARENT;
	return 0;
}

int stingy_arena_init(struct stingy_arena *arena, const struct stingy_arena_plan *plan)
{
	size_t slab = round_up(plan->slab, STINGY_REGION_ALIGN);
	*arena = (struct stingy_arena){
		.stride = round_up(slab + plan->high, STINGY_HUGE_PAGE),
		.slab = slab,
		.high = plan->high,
		.count = plan->count,
		.huge = round_up(slab, STINGY_HUGE_PAGE),
		.stack = plan->stack,
		.credit = CREDIT_MOST,
	};
	if (reserve_all(arena, plan) == 0) {
		if (make_pages(arena, plan) == 0) {
			arena->why_made = arena->why;
			return 0;
		}
		unmap(arena);
	}
	*arena = (struct stingy_arena){.pages = STINGY_PAGES_NONE};
	return -1;
}

void stingy_arena_before_fork(struct stingy_arena *arena, uint64_t live)
{
	size_t size = arena->count * arena->huge;
	char *copy = MAP_FAILED;
	arena->snapshot = NULL;
	if (arena->pages != STINGY_PAGES_EXPLICIT)
		return;
	/* Beside other threads a copy could be torn, and a child whose stack is hidden would not get far. */
	if (__libc_single_threaded && !stingy_pages_hold_stack(arena->origin, arena->span))
		copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (unsigned i = 0; i < arena->count; i++) {
		char *at = stingy_arena_at(arena, i);
		if (copy == MAP_FAILED) /* then as the kernel does it, with its risk */
			madvise(at, arena->huge, MADV_DOFORK);
		else if (live >> i & 1)
			memcpy(copy + i * arena->huge, at, arena->huge);
	}
	if (copy != MAP_FAILED)
		arena->snapshot = copy;
}

/* Whether there is credit for the huge pages of one arena, which is taken then. */
static bool take_credit(struct stingy_arena *arena)
{
	int64_t at = stingy_pages_clock(), earned = (at - arena->credited_at) * CREDIT_SECOND / 1000;
	uint32_t pages = (uint32_t)(arena->huge / STINGY_HUGE_PAGE);
	if (earned > 0) {
		arena->credit = earned < CREDIT_MOST - arena->credit ? arena->credit + (uint32_t)earned : CREDIT_MOST;
		arena->credited_at = at;
	}
	if (arena->credit < pages)
		return false;
	arena->credit -= pages;
	return true;
}

static bool mend(const struct stingy_arena *arena, unsigned number, bool is_child)
{
	char *at = stingy_arena_at(arena, number);
	return (is_child && stingy_pages_renew(at, arena->huge)) || stingy_pages_mend(at, arena->huge);
}

/* For the arenas of the set, and those that have been left on small pages. */
static void mend_all(struct stingy_arena *arena, uint64_t set, bool is_child)
{
	const char *why = NULL;
	arena->split |= set;
	for (unsigned i = 0; i < arena->count; i++) {
		if (!(arena->split >> i & 1))
			continue;
		if (!take_credit(arena)) {
			why = why ? why : "small pages: it forks too often for huge ones to be made anew each time";
		} else if (mend(arena, i, is_child)) {
			arena->split &= ~(1ul << i);
		} else {
			why = "small pages: no huge page could be had after fork";
			arena->credit = 0;
			arena->credited_at = stingy_pages_clock() + CREDIT_AGAIN;
		}
	}
	arena->pages = arena->split ? STINGY_PAGES_SMALL : STINGY_PAGES_TRANSPARENT;
	arena->why = why ? why : arena->why_made;
}

/* Pages that are copied on write, or come anew, are the kernel's choice. */
static void lose_colours(struct stingy_arena *arena)
{
	if (arena->is_coloured)
		arena->why = "small pages: no huge page could be had, and fork undid the choice by colour";
	arena->is_coloured = false;
}

/* The stack is in arena 1, also where no object is. */
static uint64_t with_stack(const struct stingy_arena *arena, uint64_t live)
{
	return live | (arena->stack != 0);
}

void stingy_arena_after_fork_in_parent(struct stingy_arena *arena, uint64_t live)
{
	live = with_stack(arena, live);
	if (arena->snapshot)
		munmap(arena->snapshot, arena->count * arena->huge);
	arena->snapshot = NULL;
	for (unsigned i = 0; arena->pages == STINGY_PAGES_EXPLICIT && i < arena->count; i++)
		madvise(stingy_arena_at(arena, i), arena->huge, MADV_DONTFORK);
	if (arena->is_transparent)
		mend_all(arena, live, false);
	else if (live)
		lose_colours(arena);
}

/* What was hidden from fork is put in place, on transparent huge pages if the kernel gives them. */
static void restore(struct stingy_arena *arena, uint64_t live)
{
	for (unsigned i = 0; i < arena->count; i++) {
		char *at = stingy_arena_at(arena, i);
		if (stingy_pages_map(at, arena->huge) < 0)
			stingy_die("no memory for the arena after fork");
		madvise(at, arena->huge, MADV_HUGEPAGE);
		if (live >> i & 1)
			memcpy(at, arena->snapshot + i * arena->huge, arena->huge);
	}
	munmap(arena->snapshot, arena->count * arena->huge);
	arena->snapshot = NULL;
	arena->pages = STINGY_PAGES_SMALL;
	arena->is_transparent = true;
}

void stingy_arena_after_fork_in_child(struct stingy_arena *arena, uint64_t live)
{
	live = with_stack(arena, live);
	if (arena->snapshot)
		restore(arena, live);
	if (arena->pages == STINGY_PAGES_EXPLICIT)
		return;
	/* Fresh pages come with the first touch, huge ones if the kernel gives them: no mapping that could fail. */
	for (unsigned i = 0; i < arena->count; i++)
		if (live >> i & 1 || madvise(stingy_arena_at(arena, i), arena->stride, MADV_DONTNEED) < 0)
			live |= 1ul << i;
	arena->split &= live;
	if (arena->is_transparent)
		mend_all(arena, live, true);
	else
		lose_colours(arena);
}
