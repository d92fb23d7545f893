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
} kernel;

int madvise(void *address, size_t size, int advice)
{
	if ((advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) && !kernel.transparent) {
		errno = EINVAL;
		return -1;
	}
	if (advice == MADV_COLLAPSE || advice == MADV_HUGEPAGE)
		return 0; /* so that the tests do not depend on what the kernel can find */
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
	return stingy_arena_reserve(&arena, 3000000);
}

/* A child in which an assertion failed must not go on with the tests that follow. */
static int tear_down(void **state)
{
	(void)state;
	if (getpid() != tester)
		_exit(1);
	return munmap(arena.base, arena.size);
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

static void make(enum stingy_live_pages wanted)
{
	const char *why = "untouched";

	assert_int_equal(stingy_arena_make(&arena, &why), 0);
	assert_int_equal(arena.pages, wanted);
	assert_true(arena.is_made);
	assert_false(arena.is_copied);
	assert_int_equal(why != NULL, wanted == STINGY_PAGES_SMALL);
	fill(1);
	assert_true(is_filled(1));
}

static void test_reserves_addresses_only(void **state)
{
	(void)state;
	assert_int_equal(arena.size, 2 * STINGY_HUGE_PAGE);
	assert_int_equal((uintptr_t)arena.base % STINGY_HUGE_PAGE, 0);
	assert_false(arena.is_made);
	assert_int_equal(arena.pages, STINGY_PAGES_NONE);
	assert_false(is_there(arena.base));
	assert_false(is_there(arena.base + arena.size - 1));
}

static void test_sizes(void **state)
{
	static const size_t slabs[][2] = {{1, 1}, {STINGY_HUGE_PAGE, 1}, {STINGY_HUGE_PAGE + 1, 2}, {256ul << 20, 128}};

	(void)state;
	for (size_t i = 0; i < sizeof(slabs) / sizeof(*slabs); i++) {
		struct stingy_arena other;

		assert_int_equal(stingy_arena_reserve(&other, slabs[i][0]), 0);
		assert_int_equal(other.size, slabs[i][1] * STINGY_HUGE_PAGE);
		assert_int_equal((uintptr_t)other.base % STINGY_HUGE_PAGE, 0);
		assert_int_equal(munmap(other.base, other.size), 0);
	}
}

static void test_transparent_pages_come_first(void **state)
{
	(void)state;
	make(STINGY_PAGES_TRANSPARENT);
}

static void test_explicit_pages_come_second(void **state)
{
	(void)state;
	kernel.transparent = false;
	make(STINGY_PAGES_EXPLICIT);
}

static void test_small_pages_come_last(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = false;
	make(STINGY_PAGES_SMALL);
}

static void test_no_memory(void **state)
{
	const char *why;

	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = false;
	assert_int_equal(stingy_arena_make(&arena, &why), -1);
	assert_false(arena.is_made); /* or the next to ask would be given what is not there */
	kernel.memory = true;
	make(STINGY_PAGES_SMALL);
}

/* Forks with the arena's hooks. Returns the pid, 0 in the child. */
static pid_t fork_with_hooks(bool is_empty)
{
	stingy_arena_before_fork(&arena);
	pid_t pid = fork();
	/* An explicit page must not be shared with the child: a copy on write with an empty pool would kill it. */
	if (pid == 0 && arena.pages == STINGY_PAGES_EXPLICIT && is_there(arena.base))
		_exit(99);
	if (pid == 0)
		stingy_arena_after_fork_in_child(&arena, is_empty);
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
static int check_copy(void)
{
	const char *why;

	if (!arena.is_copied || !arena.is_made)
		return 1;
	if (!is_filled(1))
		return 2;
	if (stingy_arena_make(&arena, &why) != 0 || arena.is_copied)
		return 3;
	if (!is_filled(1))
		return 4;
	fill(7);
	return is_filled(7) ? 0 : 5;
}

static void fork_and_keep(void)
{
	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = fork_with_hooks(false);

		if (pid == 0)
			_exit(check_copy());
		assert_true(is_filled(1));
		assert_false(arena.is_copied);
		assert_null(arena.snapshot);
		assert_int_equal(status_of(pid), 0);
		assert_true(is_filled(1));
	}
}

static void test_fork_keeps_contents_of_transparent_pages(void **state)
{
	(void)state;
	make(STINGY_PAGES_TRANSPARENT);
	fork_and_keep();
}

static void test_fork_keeps_contents_of_explicit_pages(void **state)
{
	(void)state;
	kernel.transparent = false;
	make(STINGY_PAGES_EXPLICIT);
	kernel.pool = false; /* none is left for the child */
	fork_and_keep();
}

static void test_fork_keeps_contents_of_small_pages(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = false;
	make(STINGY_PAGES_SMALL);
	fork_and_keep();
}

static void test_fork_before_there_is_an_arena(void **state)
{
	(void)state;
	pid_t pid = fork_with_hooks(true);
	if (pid == 0) {
		make(STINGY_PAGES_TRANSPARENT);
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
	assert_false(is_there(arena.base));
	make(STINGY_PAGES_TRANSPARENT);
}

/* Nothing lives in it: the child's copy goes back, and a fresh one may be had, huge pages and all. */
static int check_empty(enum stingy_live_pages wanted)
{
	const char *why;

	if (arena.is_made || arena.is_copied || arena.pages != STINGY_PAGES_NONE || is_there(arena.base))
		return 1;
	if (stingy_arena_make(&arena, &why) != 0 || arena.pages != wanted)
		return 2;
	fill(9);
	return is_filled(9) ? 0 : 3;
}

static void test_fork_of_an_empty_arena(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		kernel.transparent = i == 0;
		kernel.pool = i == 1;
		enum stingy_live_pages wanted = i == 0   ? STINGY_PAGES_TRANSPARENT
						: i == 1 ? STINGY_PAGES_EXPLICIT
							 : STINGY_PAGES_SMALL;
		assert_int_equal(stingy_arena_reserve(&arena, 3000000), 0);
		make(wanted);
		pid_t pid = fork_with_hooks(true);
		if (pid == 0)
			_exit(check_empty(wanted));
		assert_int_equal(status_of(pid), 0);
		assert_true(is_filled(1));
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_reserves_addresses_only),
		CASE(test_sizes),
		CASE(test_transparent_pages_come_first),
		CASE(test_explicit_pages_come_second),
		CASE(test_small_pages_come_last),
		CASE(test_no_memory),
		CASE(test_fork_keeps_contents_of_transparent_pages),
		CASE(test_fork_keeps_contents_of_explicit_pages),
		CASE(test_fork_keeps_contents_of_small_pages),
		CASE(test_fork_before_there_is_an_arena),
		CASE(test_fork_of_an_empty_arena),
	};

	tester = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
