/* The arena and fork: both processes have what was in it, on the pages that the kernel has to give. */
#define _GNU_SOURCE
#include "made-arena.h"

#include <pthread.h>
#include <sys/wait.h>
#include <ucontext.h>

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
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
		CASE(test_fork_keeps_the_stack),
		CASE(test_fork_on_a_stack_in_the_arena),
		CASE(test_fork_on_a_stack_in_the_arena_on_explicit_pages),
		CASE(test_fork_beside_threads_keeps_contents_of_explicit_pages),
	};

	tester = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
