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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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
	bool lazy; /* says that it has touched pages, and has not */
} kernel;

int madvise(void *address, size_t size, int advice)
{
	if ((advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) && !kernel.transparent) {
		errno = EINVAL;
		return -1;
	}
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

/* A pool that is empty: the kernel has unmapped the old range by the time it finds out. */
void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
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

static int set_up(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = true;
	kernel.lazy = false;
	memset(&arena, 0, sizeof(arena));
	return 0;
}

/* A child in which an assertion failed must not go on with the tests that follow. */
static int tear_down(void **state)
{
	(void)state;
	if (getpid() != tester)
		_exit(1);
	return arena.base ? munmap(arena.base, arena.size) : 0;
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
	for (size_t i = 0; i < arena.size; i += 64)
		arena.base[i] = (char)(seed + i / 64);
}

static bool is_filled(unsigned char seed)
{
	for (size_t i = 0; i < arena.size; i += 64)
		if (arena.base[i] != (char)(seed + i / 64))
			return false;
	return true;
}

/* Whether all of it is there, and nothing in it. */
static bool is_empty(void)
{
	for (size_t i = 0; i < arena.size; i += 64)
		if (arena.base[i] != 0)
			return false;
	return is_there(arena.base) && is_there(arena.base + arena.size - 1);
}

#define EXPLICIT true  /* for who asks */
#define DEFAULT  false /* for who does not */

/* Makes the arena, and checks that the reason is given exactly where the pages are not what they should be. */
static void make(bool is_explicit, enum stingy_live_pages wanted)
{
	const char *why = "untouched";

	assert_int_equal(stingy_arena_init(&arena, 3000000, is_explicit, &why), 0);
	assert_int_equal(arena.pages, wanted);
	assert_int_equal(why == NULL, wanted == (is_explicit ? STINGY_PAGES_EXPLICIT : STINGY_PAGES_TRANSPARENT));
	assert_int_equal(arena.size, 2 * STINGY_HUGE_PAGE);
	assert_int_equal((uintptr_t)arena.base % STINGY_HUGE_PAGE, 0);
	assert_true(is_empty());
	fill(1);
	assert_true(is_filled(1));
}

static void test_sizes(void **state)
{
	static const size_t slabs[][2] = {{1, 1}, {STINGY_HUGE_PAGE, 1}, {STINGY_HUGE_PAGE + 1, 2}, {256ul << 20, 128}};

	(void)state;
	kernel.lazy = true;
	for (size_t i = 0; i < sizeof(slabs) / sizeof(*slabs); i++) {
		struct stingy_arena other;
		const char *why;

		assert_int_equal(stingy_arena_init(&other, slabs[i][0], DEFAULT, &why), 0);
		assert_int_equal(other.size, slabs[i][1] * STINGY_HUGE_PAGE);
		assert_int_equal((uintptr_t)other.base % STINGY_HUGE_PAGE, 0);
		assert_true(is_there(other.base));
		assert_true(is_there(other.base + other.size - 1));
		assert_int_equal(munmap(other.base, other.size), 0);
	}
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
	const char *why;

	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = false;
	assert_int_equal(stingy_arena_init(&arena, 3000000, DEFAULT, &why), -1);
	assert_int_equal(arena.size, 0); /* or its addresses would be taken for objects */
	kernel.memory = true;
	make(DEFAULT, STINGY_PAGES_SMALL);
}

static void test_no_memory_for_explicit_pages(void **state)
{
	const char *why;

	(void)state;
	kernel.memory = false; /* the pool has a page to give, which cannot be touched */
	kernel.transparent = false;
	assert_int_equal(stingy_arena_init(&arena, 3000000, EXPLICIT, &why), -1);
	assert_int_equal(arena.size, 0);
}

/* Forks with the arena's hooks. Returns the pid, 0 in the child. */
static pid_t fork_with_hooks(bool is_unused)
{
	stingy_arena_before_fork(&arena);
	bool is_hidden = arena.snapshot != NULL;
	pid_t pid = fork();
	if (pid == 0 && is_hidden == is_there(arena.base))
		_exit(99);
	if (pid == 0)
		stingy_arena_after_fork_in_child(&arena, is_unused);
	else
		stingy_arena_after_fork_in_parent(&arena);
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

/* wanted: the child's pages. */
static void fork_and_keep(enum stingy_live_pages wanted)
{
	enum stingy_live_pages before = arena.pages;

	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = fork_with_hooks(false);

		if (pid == 0)
			_exit(check_copy(wanted));
		assert_true(is_filled(1));
		assert_null(arena.snapshot);
		if (before == STINGY_PAGES_EXPLICIT)
			assert_int_equal(arena.pages, before);
		assert_int_equal(status_of(pid), 0);
		assert_true(is_filled(1));
	}
}

static void test_fork_keeps_contents_of_transparent_pages(void **state)
{
	(void)state;
	make(DEFAULT, STINGY_PAGES_TRANSPARENT);
	fork_and_keep(STINGY_PAGES_SMALL);
}

/* An explicit page must not be shared with the child: a copy on write with an empty pool would kill it. */
static void test_fork_keeps_contents_of_explicit_pages(void **state)
{
	(void)state;
	make(EXPLICIT, STINGY_PAGES_EXPLICIT);
	kernel.pool = false; /* none is left for the child */
	stingy_arena_before_fork(&arena);
	assert_non_null(arena.snapshot);
	stingy_arena_after_fork_in_parent(&arena);
	fork_and_keep(STINGY_PAGES_SMALL);
}

static void test_fork_keeps_contents_of_small_pages(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = false;
	make(DEFAULT, STINGY_PAGES_SMALL);
	fork_and_keep(STINGY_PAGES_SMALL);
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
	stingy_arena_before_fork(&arena);
	assert_null(arena.snapshot);
	stingy_arena_after_fork_in_parent(&arena);
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
	pid_t pid = fork_with_hooks(true);
	if (pid == 0)
		_exit(check_fresh(wanted));
	assert_int_equal(status_of(pid), 0);
	assert_true(is_filled(1));
}

static void test_fork_of_an_unused_arena(void **state)
{
	(void)state;
	fork_unused(DEFAULT, STINGY_PAGES_TRANSPARENT, STINGY_PAGES_TRANSPARENT);
}

static void test_fork_of_an_unused_arena_on_explicit_pages(void **state)
{
	(void)state;
	fork_unused(EXPLICIT, STINGY_PAGES_EXPLICIT, STINGY_PAGES_SMALL);
}

/* The child must not claim pages that the parent could not have. */
static void test_fork_of_an_unused_arena_on_small_pages(void **state)
{
	(void)state;
	kernel.transparent = false;
	fork_unused(DEFAULT, STINGY_PAGES_SMALL, STINGY_PAGES_SMALL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_sizes),
		CASE(test_transparent_pages_are_the_default),
		CASE(test_explicit_pages_are_for_who_asks),
		CASE(test_explicit_pages_are_never_the_default),
		CASE(test_transparent_pages_where_the_pool_is_empty),
		CASE(test_small_pages_come_last),
		CASE(test_no_memory),
		CASE(test_no_memory_for_explicit_pages),
		CASE(test_fork_keeps_contents_of_transparent_pages),
		CASE(test_fork_keeps_contents_of_explicit_pages),
		CASE(test_fork_keeps_contents_of_small_pages),
		CASE(test_fork_of_an_unused_arena),
		CASE(test_fork_of_an_unused_arena_on_explicit_pages),
		CASE(test_fork_of_an_unused_arena_on_small_pages),
		CASE(test_fork_beside_threads_keeps_contents_of_explicit_pages),
	};

	tester = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
