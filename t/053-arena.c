/*
 * The arena: whatever pages the kernel has to give, there is memory or a clean refusal, and fork leaves both processes
 * with what was in it.
 *
 * madvise and mmap are ours here: they do as the kernel would that has no transparent huge pages, a pool of explicit
 * ones or none, or no memory.
 */
#define _GNU_SOURCE
#include "../shim/arena.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u /* bytes */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* What the kernel pretends to have. */
static struct {
	bool transparent;
	bool pool;
	bool memory;
	bool lazy;      /* says that it has touched pages, and has not */
	size_t largest; /* bytes of a mapping; 0: no limit */
	int64_t now;    /* ms */
	int again;      /* how often it says EAGAIN, which takes a ms, to who asks to collapse */
	int collapsed;  /* how often it was asked to collapse a range, and did */
} kernel;

int madvise(void *address, size_t size, int advice)
{
	if ((advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) && !kernel.transparent) {
		errno = EINVAL;
		return -1;
	}
	if (advice == MADV_COLLAPSE && kernel.again-- > 0) {
		kernel.now++;
		errno = EAGAIN;
		return -1;
	}
	kernel.collapsed += advice == MADV_COLLAPSE;
	if (advice == MADV_COLLAPSE || advice == MADV_HUGEPAGE)
		return 0; /* so that the tests do not depend on what the kernel can find */
	if (advice == MADV_POPULATE_WRITE && kernel.lazy)
		return 0;
	if (advice == MADV_POPULATE_WRITE && !kernel.memory) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, size, advice);
}

/* Time passes as the tests say. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	*time = (struct timespec){.tv_sec = kernel.now / 1000, .tv_nsec = kernel.now % 1000 * 1000000};
	return 0;
}

/* A pool that is empty: the kernel has unmapped the old range by the time it finds out. */
void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (kernel.largest && size > kernel.largest) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if ((flags & MAP_HUGETLB) && !kernel.pool) {
		if (flags & MAP_FIXED)
			munmap(address, size);
		errno = ENOMEM;
		return MAP_FAILED;
	}
	flags &= (int)~(MAP_HUGETLB | 63u << 26); /* and the size of the page, which is in the flags' upper bits */
	return (void *)syscall(SYS_mmap, address, size, prot, flags, fd, offset);
}

static struct stingy_arena arena;
static pid_t tester;

/* Bytes of all arenas. */
static size_t room(void)
{
	return arena.count * arena.stride;
}

static int set_up(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = true;
	kernel.lazy = false;
	kernel.again = 0;
	kernel.largest = 0;
	memset(&arena, 0, sizeof(arena));
	return 0;
}

/* A child in which an assertion failed must not go on with the tests that follow. */
static int tear_down(void **state)
{
	(void)state;
	if (getpid() != tester)
		_exit(1);
	return arena.base ? munmap(arena.low - PAGE, PAGE + (size_t)(arena.base - arena.low) + room()) : 0;
}

/* Whether the address can be read: the kernel says so without a signal. */
static bool is_there(const char *address)
{
	int ends[2];

	if (pipe(ends) != 0)
		return false;
	bool there = write(ends[1], address, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return there;
}

static void fill(unsigned char seed)
{
	for (size_t i = 0; i < room(); i += 64)
		arena.base[i] = (char)(seed + i / 64);
}

/* For the arena of that number alone. */
static bool is_filled_at(unsigned number, unsigned char seed)
{
	for (size_t i = number * arena.stride; i < (number + 1) * arena.stride; i += 64)
		if (arena.base[i] != (char)(seed + i / 64))
			return false;
	return true;
}

static bool is_filled(unsigned char seed)
{
	for (unsigned i = 0; i < arena.count; i++)
		if (!is_filled_at(i, seed))
			return false;
	return true;
}

/* Whether all of it is there, and nothing in it. */
static bool is_empty(void)
{
	for (size_t i = 0; i < room(); i += 64)
		if (arena.base[i] != 0)
			return false;
	return is_there(arena.base) && is_there(arena.base + room() - 1);
}

#define EXPLICIT true  /* for who asks */
#define DEFAULT  false /* for who does not */

#define SLAB  3000000u /* bytes; two huge pages */
#define HIGH  2000000u /* bytes; more than what is left of them */
#define COUNT 3u

/* Makes the arenas, and checks that a reason is given exactly where the pages are not what they should be. */
static void make(bool is_explicit, enum stingy_live_pages wanted)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .high = HIGH, .count = COUNT, .is_explicit = is_explicit};

	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(arena.pages, wanted);
	assert_int_equal(arena.why == NULL, wanted == (is_explicit ? STINGY_PAGES_EXPLICIT : STINGY_PAGES_TRANSPARENT));
	assert_int_equal(arena.stride, 3 * STINGY_HUGE_PAGE);
	assert_int_equal(arena.huge, 2 * STINGY_HUGE_PAGE);
	assert_int_equal((uintptr_t)arena.base % STINGY_HUGE_PAGE, 0);
	assert_true(is_empty());
	fill(1);
	assert_true(is_filled(1));
}

/* Bytes wanted of both slabs, and the huge pages from one arena to the next, and those of a cache slab. */
static const struct {
	size_t slab, high, stride, huge;
} sizes[] = {
	{1, 0, 1, 1},
	{STINGY_HUGE_PAGE, 0, 1, 1},
	{STINGY_HUGE_PAGE + 1, 0, 2, 2},
	{STINGY_HUGE_PAGE - 1024, 1024, 1, 1},
	{STINGY_HUGE_PAGE - 1023, 1024, 2, 1},
	{1024, 5 * STINGY_HUGE_PAGE, 6, 1},
	{256ul << 20, 0, 128, 128},
	{0, 1024, 1, 0},
};

static void check_sizes(size_t i, unsigned count)
{
	const struct stingy_arena_plan plan = {.slab = sizes[i].slab, .high = sizes[i].high, .count = count};

	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(arena.stride, sizes[i].stride * STINGY_HUGE_PAGE);
	assert_int_equal(arena.huge, sizes[i].huge * STINGY_HUGE_PAGE);
	assert_int_equal(arena.slab, (sizes[i].slab + 1023) / 1024 * 1024);
	assert_true(arena.slab + arena.high <= arena.stride);
	assert_int_equal((uintptr_t)arena.base % STINGY_HUGE_PAGE, 0);
	assert_ptr_equal(arena.low, arena.base);
	assert_true(arena.origin < arena.base);
	assert_ptr_equal(arena.origin + arena.span, arena.base + room());
	for (unsigned k = 0; k < count; k++)
		assert_true(is_there(stingy_arena_at(&arena, k)));
	assert_true(is_there(arena.origin + arena.span - 1));
	assert_false(is_there(arena.origin)); /* the guard page */
	assert_false(is_there(arena.base - 1));
	assert_int_equal(munmap(arena.base - PAGE, PAGE + room()), 0);
	arena.base = NULL;
}

static void test_sizes(void **state)
{
	(void)state;
	kernel.lazy = true;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		check_sizes(i, 1);
		check_sizes(i, sizes[i].stride > 8 ? 8 : STINGY_ARENAS_MAX);
	}
}

/* A manifest without regions. */
static void test_nothing_wanted(void **state)
{
	const struct stingy_arena_plan plan = {.count = 1};

	(void)state;
	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(arena.stride, 0);
	assert_false(is_there(arena.base - 1));
}

static void test_transparent_pages_are_the_default(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
}

static void test_explicit_pages_are_for_who_asks(void **state)
{
	(void)state;
	make(EXPLICIT, STINGY_PAGES_EXPLICIT);
}

static void test_explicit_pages_are_never_the_default(void **state)
{
	(void)state;
	kernel.transparent = false;
	make(DEFAULT, STINGY_PAGES_SMALL);
}

static void test_transparent_pages_where_the_pool_is_empty(void **state)
{
	(void)state;
	kernel.pool = false;
	make(EXPLICIT, STINGY_PAGES_TRANSPARENT);
}

static void test_small_pages_come_last(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = false;
	make(EXPLICIT, STINGY_PAGES_SMALL);
}

static void test_no_memory(void **state)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .count = COUNT};

	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = false;
	assert_int_equal(stingy_arena_init(&arena, &plan), -1);
	assert_int_equal(arena.span, 0); /* or its addresses would be taken for objects */
	kernel.memory = true;
	make(DEFAULT, STINGY_PAGES_SMALL);
}

static void test_no_memory_for_explicit_pages(void **state)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .count = COUNT, .is_explicit = true};

	(void)state;
	kernel.memory = false; /* the pool has a page to give, which cannot be touched */
	kernel.transparent = false;
	assert_int_equal(stingy_arena_init(&arena, &plan), -1);
	assert_int_equal(arena.span, 0);
}

#define ALL  ((1ul << COUNT) - 1) /* sets of arenas in which objects live */
#define NONE 0ul

/* Forks with the arena's hooks. Returns the pid, 0 in the child. */
static pid_t fork_with_hooks(uint64_t live)
{
	stingy_arena_before_fork(&arena, live);
	bool is_hidden = arena.snapshot != NULL;
	pid_t pid = fork();
	if (pid == 0 && is_hidden == is_there(arena.base))
		_exit(99);
	if (pid == 0)
		stingy_arena_after_fork_in_child(&arena, live);
	else
		stingy_arena_after_fork_in_parent(&arena, live);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* In the child: 0, or the number of the claim that does not hold. */
static int check_copy(enum stingy_live_pages wanted)
{
	if (arena.pages != wanted || arena.snapshot)
		return 1;
	if (!is_filled(1))
		return 2;
	fill(7);
	return is_filled(7) ? 0 : 3;
}

/* wanted: the child's pages; the parent's stay what they are. */
static void fork_and_keep(enum stingy_live_pages wanted)
{
	enum stingy_live_pages before = arena.pages;

	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = fork_with_hooks(ALL);

		if (pid == 0)
			_exit(check_copy(wanted));
		assert_true(is_filled(1));
		assert_null(arena.snapshot);
		assert_int_equal(arena.pages, before);
		assert_int_equal(status_of(pid), 0);
		assert_true(is_filled(1));
	}
}

static void test_fork_keeps_contents_of_transparent_pages(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	fork_and_keep(STINGY_PAGES_TRANSPARENT);
}

/* An explicit page must not be shared with the child: a copy on write with an empty pool would kill it. */
static void fork_and_hide(enum stingy_live_pages wanted)
{
	make(EXPLICIT, STINGY_PAGES_EXPLICIT);
	kernel.pool = false; /* none is left for the child */
	stingy_arena_before_fork(&arena, ALL);
	assert_non_null(arena.snapshot);
	stingy_arena_after_fork_in_parent(&arena, ALL);
	fork_and_keep(wanted);
}

static void test_fork_keeps_contents_of_explicit_pages(void **state)
{
	(void)state;
	fork_and_hide(STINGY_PAGES_TRANSPARENT);
}

static void test_fork_keeps_contents_of_explicit_pages_on_small_ones(void **state)
{
	(void)state;
	kernel.transparent = false;
	fork_and_hide(STINGY_PAGES_SMALL);
}

static void test_fork_keeps_contents_of_small_pages(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = false;
	make(DEFAULT, STINGY_PAGES_SMALL);
	fork_and_keep(STINGY_PAGES_SMALL);
}

/* Only arenas that may be in use are worth the time; and what the kernel refuses is asked for again at the next fork.
 */
static void test_fork_mends_the_arenas_in_use(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	kernel.collapsed = 0;
	stingy_arena_after_fork_in_parent(&arena, 1ul << 1);
	assert_int_equal(kernel.collapsed, 1);
	kernel.transparent = false;
	stingy_arena_after_fork_in_parent(&arena, 1ul << 2);
	assert_int_equal(arena.pages, STINGY_PAGES_SMALL);
	assert_non_null(arena.why);
	kernel.transparent = true;
	stingy_arena_after_fork_in_parent(&arena, 1ul << 1);
	assert_int_equal(kernel.collapsed, 1); /* but not at once */
	kernel.now += 300000;
	stingy_arena_after_fork_in_parent(&arena, 1ul << 1);
	assert_int_equal(kernel.collapsed, 3);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	assert_null(arena.why);
	assert_true(is_filled(1));
}

/* What the stack lies in is written to, whether or not objects live there. */
static void test_fork_mends_what_the_stack_lies_in(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	kernel.collapsed = 0;
	stingy_arena_after_fork_in_parent(&arena, NONE);
	assert_int_equal(kernel.collapsed, 0);
	arena.stack = STINGY_PAGE;
	stingy_arena_after_fork_in_parent(&arena, NONE);
	assert_int_equal(kernel.collapsed, 1);
}

/* While the other process is at the same pages; not for ever, if it is something else. */
static void test_fork_tries_again(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	kernel.collapsed = 0;
	kernel.again = 5;
	stingy_arena_after_fork_in_parent(&arena, 1);
	assert_int_equal(kernel.collapsed, 1);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	kernel.again = INT32_MAX;
	stingy_arena_after_fork_in_parent(&arena, 1);
	assert_int_equal(kernel.collapsed, 1);
	assert_int_equal(arena.pages, STINGY_PAGES_SMALL);
}

/* One that forks for each request pays for a part of the forks only; an hour later it is as at first. */
static void test_forks_are_mended_for_a_while(void **state)
{
	int first;

	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	kernel.collapsed = 0;
	for (unsigned i = 0; i < 1000; i++)
		stingy_arena_after_fork_in_parent(&arena, 1);
	first = kernel.collapsed;
	assert_in_range(first, 10, 100);
	assert_int_equal(arena.pages, STINGY_PAGES_SMALL);
	assert_non_null(arena.why);
	for (unsigned i = 0; i < 100; i++, kernel.now += 100) /* ms: for 10 s */
		stingy_arena_after_fork_in_parent(&arena, 1);
	assert_in_range(kernel.collapsed - first, 50, 200);
	kernel.now += 3600000;
	kernel.collapsed = 0;
	stingy_arena_after_fork_in_parent(&arena, 1);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	for (unsigned i = 1; i < 1000; i++)
		stingy_arena_after_fork_in_parent(&arena, 1);
	assert_int_equal(kernel.collapsed, first);
}

static void *wait_for_the_end(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

/* Beside other threads a copy by hand could be torn: then it is the kernel's business. */
static void test_fork_beside_threads_keeps_contents_of_explicit_pages(void **state)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	(void)state;
	make(EXPLICIT, STINGY_PAGES_EXPLICIT);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_the_end, &barrier), 0);
	stingy_arena_before_fork(&arena, ALL);
	assert_null(arena.snapshot);
	stingy_arena_after_fork_in_parent(&arena, ALL);
	fork_and_keep(STINGY_PAGES_EXPLICIT);
	pthread_barrier_wait(&barrier);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Nothing lives in it: the child's copy goes back, and it begins afresh. */
static int check_fresh(enum stingy_live_pages wanted)
{
	if (arena.pages != wanted || arena.snapshot)
		return 1;
	if (!is_empty())
		return 2;
	fill(9);
	return is_filled(9) ? 0 : 3;
}

static void fork_unused(bool is_explicit, enum stingy_live_pages before, enum stingy_live_pages wanted)
{
	make(is_explicit, before);
	pid_t pid = fork_with_hooks(NONE);
	if (pid == 0)
		_exit(check_fresh(wanted));
	assert_int_equal(status_of(pid), 0);
	assert_true(is_filled(1));
}

static void test_fork_of_unused_arenas(void **state)
{
	(void)state;
	fork_unused(DEFAULT, STINGY_PAGES_TRANSPARENT, STINGY_PAGES_TRANSPARENT);
}

static void test_fork_of_unused_arenas_on_explicit_pages(void **state)
{
	(void)state;
	fork_unused(EXPLICIT, STINGY_PAGES_EXPLICIT, STINGY_PAGES_TRANSPARENT);
}

/* The child must not claim pages that the parent could not have. */
static void test_fork_of_unused_arenas_on_small_pages(void **state)
{
	(void)state;
	kernel.transparent = false;
	fork_unused(DEFAULT, STINGY_PAGES_SMALL, STINGY_PAGES_SMALL);
}

/* One keeps what it holds, high slab and all; the others are emptied. */
static int check_second(void)
{
	for (size_t i = 0; i < arena.stride; i += 64)
		if (arena.base[i] != 0 || stingy_arena_at(&arena, 2)[i] != 0)
			return 1;
	return !is_filled_at(1, 1);
}

static void fork_one_in_use(bool is_explicit, enum stingy_live_pages pages)
{
	make(is_explicit, pages);
	pid_t pid = fork_with_hooks(1ul << 1);
	if (pid == 0)
		_exit(check_second());
	assert_int_equal(status_of(pid), 0);
	assert_true(is_filled(1));
}

static void test_fork_of_one_arena_in_use(void **state)
{
	(void)state;
	fork_one_in_use(DEFAULT, STINGY_PAGES_TRANSPARENT);
}

static void test_fork_of_one_arena_in_use_on_explicit_pages(void **state)
{
	(void)state;
	fork_one_in_use(EXPLICIT, STINGY_PAGES_EXPLICIT);
}

#define STACK 65536u      /* bytes of the slab for the stack */
#define LOW   (80u << 20) /* bytes below it, by the limit of the moment */
#define GUARD (1u << 20)  /* bytes below those */

static void make_with_stack(void)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .high = HIGH, .count = COUNT, .stack = STACK};
	struct rlimit limit, before;

	assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
	limit = before;
	limit.rlim_cur = LOW - 1;
	assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
}

/* The low slab is as deep as the limit, and what is deeper is not there. */
static void test_room_for_a_stack(void **state)
{
	(void)state;
	make_with_stack();
	assert_int_equal(arena.stack, STACK);
	assert_null(arena.why);
	assert_ptr_equal(arena.low, arena.base - LOW);
	assert_true(is_there(arena.low));
	assert_false(is_there(arena.low - 1));
	assert_false(is_there(arena.low - GUARD));
	assert_true(arena.low < arena.origin); /* no object's address is in it */
	assert_true(is_empty());
}

static void test_no_room_for_a_stack(void **state)
{
	(void)state;
	kernel.largest = LOW + (10u << 20); /* enough for the arenas */
	make_with_stack();
	assert_int_equal(arena.stack, 0);
	assert_non_null(arena.why);
	assert_ptr_equal(arena.low, arena.base);
	assert_true(is_empty());
	stingy_arena_after_fork_in_parent(&arena, ALL);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	assert_non_null(arena.why);
}

/* It is in use whatever objects there are. */
static void test_fork_keeps_the_stack(void **state)
{
	(void)state;
	make_with_stack();
	fill(1);
	pid_t pid = fork_with_hooks(NONE);
	if (pid == 0)
		_exit(!is_filled_at(0, 1) || is_filled_at(1, 1));
	assert_int_equal(status_of(pid), 0);
}

/* As a program's coroutine may do, whose stack is an object. */
static ucontext_t outside, inside;
static pid_t child;

static void fork_inside(void)
{
	child = fork_with_hooks(1);
	if (child == 0)
		_exit(arena.snapshot != NULL);
}

static void fork_on_a_stack_in_the_arena(bool is_explicit, enum stingy_live_pages pages)
{
	make(is_explicit, pages);
	memset(arena.base, 0, room());
	assert_int_equal(getcontext(&inside), 0);
	inside.uc_stack.ss_sp = arena.base;
	inside.uc_stack.ss_size = SLAB;
	inside.uc_link = &outside;
	makecontext(&inside, fork_inside, 0);
	assert_int_equal(swapcontext(&outside, &inside), 0);
	assert_int_equal(status_of(child), 0);
}

static void test_fork_on_a_stack_in_the_arena(void **state)
{
	(void)state;
	fork_on_a_stack_in_the_arena(DEFAULT, STINGY_PAGES_TRANSPARENT);
}

static void test_fork_on_a_stack_in_the_arena_on_explicit_pages(void **state)
{
	(void)state;
	fork_on_a_stack_in_the_arena(EXPLICIT, STINGY_PAGES_EXPLICIT);
}

/* A page that is hidden from fork is no place for it. */
static void test_no_explicit_pages_for_a_stack(void **state)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .count = 1, .stack = STACK, .is_explicit = true};

	(void)state;
	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	assert_int_equal(arena.stack, STACK);
	assert_non_null(arena.why);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_sizes),
		CASE(test_nothing_wanted),
		CASE(test_transparent_pages_are_the_default),
		CASE(test_explicit_pages_are_for_who_asks),
		CASE(test_explicit_pages_are_never_the_default),
		CASE(test_transparent_pages_where_the_pool_is_empty),
		CASE(test_small_pages_come_last),
		CASE(test_no_memory),
		CASE(test_no_memory_for_explicit_pages),
		CASE(test_fork_keeps_contents_of_transparent_pages),
		CASE(test_fork_keeps_contents_of_explicit_pages),
		CASE(test_fork_keeps_contents_of_explicit_pages_on_small_ones),
		CASE(test_fork_keeps_contents_of_small_pages),
		CASE(test_fork_mends_the_arenas_in_use),
		CASE(test_fork_mends_what_the_stack_lies_in),
		CASE(test_fork_tries_again),
		CASE(test_forks_are_mended_for_a_while),
		CASE(test_fork_of_unused_arenas),
		CASE(test_fork_of_unused_arenas_on_explicit_pages),
		CASE(test_fork_of_unused_arenas_on_small_pages),
		CASE(test_fork_of_one_arena_in_use),
		CASE(test_fork_of_one_arena_in_use_on_explicit_pages),
		CASE(test_room_for_a_stack),
		CASE(test_no_room_for_a_stack),
		CASE(test_fork_keeps_the_stack),
		CASE(test_no_explicit_pages_for_a_stack),
		CASE(test_fork_on_a_stack_in_the_arena),
		CASE(test_fork_on_a_stack_in_the_arena_on_explicit_pages),
		CASE(test_fork_beside_threads_keeps_contents_of_explicit_pages),
	};

	tester = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
