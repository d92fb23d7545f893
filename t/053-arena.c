/* The arena: whatever pages the kernel has to give, there is memory or a clean refusal. */
#define _GNU_SOURCE
#include "made-arena.h"

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
		CASE(test_room_for_a_stack),
		CASE(test_no_room_for_a_stack),
		CASE(test_no_explicit_pages_for_a_stack),
	};

	tester = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
