#define _GNU_SOURCE
#include "arena.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <time.h>
#include <unistd.h>

/* Of newer kernels than the C library's headers may know. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define PAGE 4096u /* bytes */

/* How far the stack may grow where that is not limited. */
#define STACK_UNLIMITED (256ul << 20)
#define STACK_LIMITED   (1ul << 40) /* bytes; beyond it a limit is none */
/* Below the low slab, as the kernel has it below a stack: functions with large frames might step over one page. */
#define STACK_GUARD     (1ul << 20)

/*
 * Huge pages that forks may mend at once, and those that time adds, a second. A page takes 0.2 to 0.4 ms: so the
 * workers of a server get theirs, and one that forks for each request pays less than 1% of its time.
 */
#define CREDIT_MOST   128u
#define CREDIT_SECOND 20u

/* How long it is tried while the other process is at the same pages, and how long not again once it failed, in ms. */
#define MEND_MOST  10
#define MEND_AGAIN 60000

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
	return round_up(limit.rlim_cur, PAGE);
}

/* Gives back all addresses, with what is in them. */
static void unmap(const struct stingy_arena *arena)
{
	size_t guard = arena->low == arena->base ? PAGE : STACK_GUARD;
	munmap(arena->low - guard, guard + (size_t)(arena->origin + arena->span - arena->low));
}

/* Addresses for all of it, to be made readable in place: a mapping that fails over another one may leave a hole. */
static int reserve(struct stingy_arena *arena, size_t low)
{
	size_t below = low + (low ? STACK_GUARD : PAGE), above = arena->count * arena->stride;
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
	arena->origin = arena->base - PAGE;
	arena->span = PAGE + above;
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

/* Whether the kernel counts all of the first arena as huge pages: the AnonHugePages line of its mapping. */
static bool smaps_say_huge(const struct stingy_arena *arena)
{
	char buf[PAGE + 1], *line;
	bool here = false, huge = false;
	size_t kept = 0;
	ssize_t n;
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (!huge && (n = read(fd, buf + kept, PAGE - kept)) > 0) {
		buf[kept + (size_t)n] = '\0';
		char *end;
		for (line = buf; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			char *dash;
			uintptr_t low = strtoul(line, &dash, 16);
			if (*dash == '-')
				here = low <= (uintptr_t)arena->base &&
				       strtoul(dash + 1, NULL, 16) >= (uintptr_t)arena->base + arena->huge;
			else if (here && strncmp(line, "AnonHugePages:", 14) == 0)
				huge = strtoul(line + 14, NULL, 10) * 1024 >= arena->huge;
		}
		kept = strlen(line);
		memmove(buf, line, kept);
		if (kept == PAGE)
			kept = 0; /* no line is that long */
	}
	close(fd);
	return huge;
}

/* Touches every page for writing, by the kernel's means or by hand. Returns 0, or -1 if there is no memory. */
static int populate(char *at, size_t size)
{
	if (madvise(at, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	for (size_t i = 0; i < size; i += PAGE) /* before Linux 5.14 */
		__atomic_fetch_or(&at[i], 0, __ATOMIC_RELAXED);
	return 0;
}

/*
 * Makes transparent huge pages of what is there. A program may have switched them off for itself (redis does): then
 * they are switched on for the moment of asking.
 */
static int collapse(char *at, size_t size)
{
	if (madvise(at, size, MADV_COLLAPSE) == 0)
		return 0;
	if (errno != EINVAL || prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1 || prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) != 0)
		return -1;
	int result = madvise(at, size, MADV_COLLAPSE);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return result;
}

/* Transparent huge pages: at once for the first arena, with the first touch for the others. */
static bool make_transparent(const struct stingy_arena *arena)
{
	for (unsigned i = 0; i < arena->count; i++)
		madvise(stingy_arena_at(arena, i), arena->huge, MADV_HUGEPAGE);
	return populate(arena->base, arena->huge) == 0 &&
	       (collapse(arena->base, arena->huge) == 0 || (errno == EINVAL && smaps_say_huge(arena)));
}

/* Pages of that kind (MAP_HUGETLB or 0) in place of the arena's huge ones, instead of what is there. */
static int map_in_place(char *at, size_t size, int kind)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | kind;
	return mmap(at, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

/* Explicit huge pages for one arena, all of them touched now: a pool that runs dry later would kill the program. */
static bool make_explicit(char *at, size_t size)
{
	const int kind = MAP_HUGETLB | MAP_HUGE_2MB;
	/* Asked elsewhere first: in place, a refusal leaves a hole. */
	void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | kind, -1, 0);
	if (probe == MAP_FAILED)
		return false;
	munmap(probe, size);
	return map_in_place(at, size, kind) == 0 && madvise(at, size, MADV_POPULATE_WRITE) == 0 &&
	       madvise(at, size, MADV_DONTFORK) == 0;
}

/* Explicit huge pages for all arenas, or for none. */
static bool make_all_explicit(const struct stingy_arena *arena)
{
	unsigned made = 0;
	while (made < arena->count && make_explicit(stingy_arena_at(arena, made), arena->huge))
		made++;
	if (made == arena->count)
		return true;
	for (unsigned i = 0; i <= made; i++) /* if that fails, populate() will tell */
		(void)!map_in_place(stingy_arena_at(arena, i), arena->huge, 0);
	return false;
}

static int make_pages(struct stingy_arena *arena, bool is_explicit)
{
	if (is_explicit && arena->stack == 0 && make_all_explicit(arena)) {
		arena->pages = STINGY_PAGES_EXPLICIT;
		return 0;
	}
	if (is_explicit)
		arena->why = arena->stack ? "explicit huge pages are not for a stack"
					  : "the pool has no explicit huge page to give";
	arena->is_transparent = make_transparent(arena);
	if (arena->is_transparent) {
		arena->pages = STINGY_PAGES_TRANSPARENT;
		return 0;
	}
	arena->pages = STINGY_PAGES_SMALL;
	arena->why = "small pages: no huge page could be had";
	return populate(arena->base, arena->huge);
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
		if (make_pages(arena, plan->is_explicit) == 0) {
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
	if (__libc_single_threaded) /* else a copy could be torn */
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

/* In ms; no system call. */
static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Whether there is credit for the huge pages of one arena, which is taken then. */
static bool take_credit(struct stingy_arena *arena)
{
	int64_t at = now(), earned = (at - arena->credited_at) * CREDIT_SECOND / 1000;
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

/*
 * Puts an arena back on huge pages of its own. The first write beside the other process, here asked of the kernel, as
 * nothing may be written while another thread serves, makes the kernel see small pages, each still shared; then it
 * gathers them, which copies each once (and is atomic for other threads). If it is done in one of the two processes
 * before the other writes, that one keeps the old huge page.
 */
static bool mend(const struct stingy_arena *arena, unsigned number)
{
	char *at = stingy_arena_at(arena, number);
	for (size_t i = 0; i < arena->huge; i += STINGY_HUGE_PAGE)
		if (madvise(at + i, PAGE, MADV_POPULATE_WRITE) < 0)
			return false;
	int64_t until = now() + MEND_MOST;
	int failed;
	while ((failed = collapse(at, arena->huge)) < 0 && errno == EAGAIN && now() < until)
		sched_yield(); /* the other process holds some of the pages, to gather its own */
	return !failed;
}

/* For the arenas of the set, and those that have been left on small pages. */
static void mend_all(struct stingy_arena *arena, uint64_t set)
{
	const char *why = NULL;
	arena->split |= set;
	for (unsigned i = 0; i < arena->count; i++) {
		if (!(arena->split >> i & 1))
			continue;
		if (!take_credit(arena)) {
			why = why ? why : "small pages: it forks too often for huge ones to be made anew each time";
		} else if (mend(arena, i)) {
			arena->split &= ~(1ul << i);
		} else {
			why = "small pages: no huge page could be had after fork";
			arena->credit = 0;
			arena->credited_at = now() + MEND_AGAIN;
		}
	}
	arena->pages = arena->split ? STINGY_PAGES_SMALL : STINGY_PAGES_TRANSPARENT;
	arena->why = why ? why : arena->why_made;
}

void stingy_arena_after_fork_in_parent(struct stingy_arena *arena, uint64_t live)
{
	if (arena->snapshot)
		munmap(arena->snapshot, arena->count * arena->huge);
	arena->snapshot = NULL;
	for (unsigned i = 0; arena->pages == STINGY_PAGES_EXPLICIT && i < arena->count; i++)
		madvise(stingy_arena_at(arena, i), arena->huge, MADV_DONTFORK);
	if (arena->is_transparent)
		mend_all(arena, live);
}

/* What was hidden from fork is put in place, on transparent huge pages if the kernel gives them. */
static void restore(struct stingy_arena *arena, uint64_t live)
{
	for (unsigned i = 0; i < arena->count; i++) {
		char *at = stingy_arena_at(arena, i);
		if (map_in_place(at, arena->huge, 0) < 0)
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
	live |= arena->stack != 0;
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
		mend_all(arena, live);
}
