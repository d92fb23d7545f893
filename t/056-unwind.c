/*
 * What libunwind teaches: the rules learnt for return addresses of this very program lead, on the real stack, to the
 * return addresses that the functions themselves know. Frames of all sorts, with what their rules must look like.
 */
#define _GNU_SOURCE
#pragma GCC optimize("O2", "omit-frame-pointer") /* the frames are to be what they are called, whatever the flags */
#include "../profiler/unwind.h"
#include "../shim/modules.h"
#include "../shim/walk.h"

#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEEPEST 64

static struct stingy_stack stack;
static uintptr_t known[DEEPEST]; /* return addresses, from the outermost in, as the functions see them */
static unsigned n_known;
static struct stingy_rule rules[DEEPEST]; /* of the last probe's walk, from the call outwards */

static int find_tables(const struct stingy_module *module, void *data)
{
	struct stingy_unwind_tables *tables = data;

	if (!stingy_module_contains(module, tables->low))
		return 0;
	*tables = (struct stingy_unwind_tables){module->eh_frame_hdr, module->segment[0].low, module->segment[0].high};
	return 1;
}

static bool find(uintptr_t address, struct stingy_unwind_tables *tables, void *unused)
{
	(void)unused;
	*tables = (struct stingy_unwind_tables){.low = address};
	stingy_modules_each(find_tables, tables);
	return tables->eh_frame_hdr != 0;
}

static struct stingy_unwind_answer learn(uintptr_t ra)
{
	struct stingy_unwind_tables tables;

	find(ra, &tables, NULL);
	return stingy_unwind_learn(ra, &tables);
}

/* Walks from its caller's call outwards by rules learnt on the way, and compares with what is known. */
static __attribute__((noinline)) void probe(void)
{
	struct stingy_frame frame = STINGY_HERE();

	for (unsigned i = 0; i < n_known; i++) {
		rules[i] = learn(frame.ra).rule;
		assert_true(stingy_walk_step(&frame, &rules[i], &stack));
		assert_int_equal(frame.ra, known[n_known - 1 - i]);
	}
}

#define NOTE()   (known[n_known++] = (uintptr_t)__builtin_return_address(0))
#define FORGET() (n_known--)
#define NOINLINE __attribute__((noinline, noclone, no_sanitize("address", "undefined")))

static void (*next)(void); /* what the frame under test calls */

static NOINLINE void plain(void)
{
	NOTE();
	next();
	FORGET();
}

static NOINLINE void with_room(void)
{
	char room[3000];

	NOTE();
	__asm__ volatile("" : : "r"(room) : "memory");
	next();
	FORGET();
}

static NOINLINE __attribute__((optimize("no-omit-frame-pointer"))) void with_frame_pointer(void)
{
	char room[100];

	NOTE();
	__asm__ volatile("" : : "r"(room) : "memory");
	next();
	FORGET();
}

static NOINLINE void with_alloca(void)
{
	NOTE();
	char *room = alloca(n_known * 100);
	memset(room, 1, n_known * 100);
	__asm__ volatile("" : : "r"(room) : "memory");
	next();
	FORGET();
}

/* The frame pointer is used for something else: whoever walks past must find the caller's in memory. */
static NOINLINE void with_another_use_of_it(void)
{
	NOTE();
	__asm__ volatile("xorl %%ebp, %%ebp" : : : "rbp");
	next();
	FORGET();
}

static NOINLINE void with_a_misaligned_frame(void)
{
	_Alignas(64) char room[256];

	NOTE();
	__asm__ volatile("" : : "r"(room) : "memory");
	next();
	FORGET();
}

/* probe's caller; after it, the frame under test. */
static NOINLINE void innermost(void)
{
	NOTE();
	probe();
	FORGET();
}

static void check_rule(void (*function)(void), uint8_t base)
{
	next = innermost;
	n_known = 0;
	function();
	assert_int_equal(rules[1].base, base);
	assert_true(stingy_rule_is_valid(&rules[1]));
	assert_int_equal(n_known, 0);
}

static void test_rules_of_known_frames(void **state)
{
	(void)state;
	check_rule(plain, STINGY_RULE_SP);
	assert_true(rules[1].cfa >= 8 && rules[1].cfa < 100);
	check_rule(with_room, STINGY_RULE_SP);
	assert_true(rules[1].cfa > 3000 && rules[1].cfa < 3200);
	check_rule(with_frame_pointer, STINGY_RULE_BP);
	assert_int_equal(rules[1].cfa, 16);
	assert_int_equal(rules[1].bp, -16);
	check_rule(with_alloca, STINGY_RULE_BP);
	assert_int_equal(rules[1].cfa, 16);
	assert_int_equal(rules[1].bp, -16);
	check_rule(with_another_use_of_it, STINGY_RULE_SP);
	assert_true(rules[1].bp < 0);
}

/* A frame that realigns the stack has no fixed distance to its caller by the stack pointer; it may have one by rbp. */
static void test_a_realigned_frame(void **state)
{
	(void)state;
	check_rule(with_a_misaligned_frame, STINGY_RULE_BP);
}

static jmp_buf back;

static NOINLINE __attribute__((noreturn)) void never_returns(void)
{
	NOTE();
	probe();
	longjmp(back, 1);
}

/* Its last instruction is a call: the return address is that of what follows, another function or nothing. */
static NOINLINE void with_a_call_at_its_end(void)
{
	char room[500];

	NOTE();
	__asm__ volatile("" : : "r"(room) : "memory");
	never_returns();
}

static void test_a_call_that_does_not_return(void **state)
{
	(void)state;
	n_known = 0;
	if (setjmp(back) == 0)
		with_a_call_at_its_end();
	assert_int_equal(n_known, 2);
	assert_int_equal(rules[1].base, STINGY_RULE_SP);
	assert_true(rules[1].cfa > 500 && rules[1].cfa < 700);
}

static void (*const kinds[])(void) = {plain, with_room, with_frame_pointer, with_alloca, with_another_use_of_it};
static unsigned mixed_left;

/* Between two frames under test: goes on with another one, so that all stand in all orders on one stack. */
static NOINLINE void mix(void)
{
	NOTE();
	if (mixed_left == 0) {
		probe();
	} else {
		unsigned kind = mixed_left * mixed_left % 5;

		mixed_left--;
		kinds[kind]();
	}
	FORGET();
}

static void test_mixed_frames(void **state)
{
	(void)state;
	next = mix;
	for (unsigned depth = 1; depth < DEEPEST / 2; depth++) {
		n_known = 0;
		mixed_left = depth - 1;
		mix();
		assert_int_equal(n_known, 0);
	}
}

static int compare_and_probe(const void *left, const void *right)
{
	NOTE();
	uintptr_t chain[DEEPEST];
	bool ended;
	uintptr_t here = learn((uintptr_t)__builtin_return_address(0)).function;
	size_t n = stingy_unwind_walk((uintptr_t)__builtin_return_address(0), chain, DEEPEST, &ended, find, NULL);

	assert_true(here != 0 && here < known[n_known - 1]);
	assert_true(ended);
	assert_true(n > 3);
	assert_int_equal(chain[0], known[n_known - 1]);
	FORGET();
	return *(const int *)left - *(const int *)right;
}

/* Through the C library, to the outermost frame, by libunwind's own walk and by rules. */
static void test_through_the_c_library(void **state)
{
	int numbers[] = {2, 1};

	(void)state;
	n_known = 0;
	qsort(numbers, 2, sizeof(*numbers), compare_and_probe);
	assert_int_equal(numbers[0], 1);
}

static NOINLINE void walk_out(void)
{
	struct stingy_frame frame = STINGY_HERE();
	struct stingy_rule rule;
	uintptr_t chain[DEEPEST];
	bool ended;
	size_t n = stingy_unwind_walk(frame.ra, chain, DEEPEST, &ended, find, NULL), i = 0;

	assert_true(ended);
	do {
		assert_true(i < n);
		assert_int_equal(frame.ra, chain[i++]);
		rule = learn(frame.ra).rule;
	} while (stingy_walk_step(&frame, &rule, &stack));
	assert_int_equal(i, n);
	assert_int_equal(rule.base, STINGY_RULE_END);
}

static void test_both_walks_end_at_the_same_place(void **state)
{
	(void)state;
	walk_out();
}

static void test_functions_begin_where_they_do(void **state)
{
	(void)state;
	next = innermost;
	n_known = 0;
	plain();
	/* The return address of innermost's caller is in plain. */
	uintptr_t ra = known[1];
	assert_int_equal(learn(ra).function, (uintptr_t)plain);
	assert_int_equal(learn((uintptr_t)probe + 1).function, (uintptr_t)probe);
}

static void test_without_tables_there_is_no_rule(void **state)
{
	struct stingy_unwind_tables tables;
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);

	(void)state;
	assert_true(find(ra, &tables, NULL));
	assert_true(stingy_unwind_learn(ra, &tables).rule.base >= STINGY_RULE_SP);
	struct stingy_unwind_tables none = tables, other = tables;
	none.eh_frame_hdr = 0;
	assert_int_equal(stingy_unwind_learn(ra, &none).rule.base, STINGY_RULE_NONE);
	other.low = other.high = ra + 100; /* of addresses elsewhere */
	assert_int_equal(stingy_unwind_learn(ra, &other).rule.base, STINGY_RULE_NONE);
	static const char noise[64] = "no index of unwind tables at all";
	other = tables;
	other.eh_frame_hdr = (uintptr_t)noise;
	assert_int_equal(stingy_unwind_learn(ra, &other).rule.base, STINGY_RULE_NONE);
}

static int set_up(void **state)
{
	(void)state;
	stingy_walk_init();
	stack = stingy_stack_of_thread();
	return stingy_unwind_init();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_known_frames),
		cmocka_unit_test(test_a_realigned_frame),
		cmocka_unit_test(test_a_call_that_does_not_return),
		cmocka_unit_test(test_mixed_frames),
		cmocka_unit_test(test_through_the_c_library),
		cmocka_unit_test(test_both_walks_end_at_the_same_place),
		cmocka_unit_test(test_functions_begin_where_they_do),
		cmocka_unit_test(test_without_tables_there_is_no_rule),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
