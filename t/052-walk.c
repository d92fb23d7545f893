/* The walk: each rule leads where it should, and no rule, however wrong, leads out of the stack or in a circle. */
#include "../shim/walk.h"
#include "seed.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE  4096u
#define WORDS (4 * PAGE / sizeof(uintptr_t))

static uintptr_t *words; /* a stack of WORDS words, between two pages that must not be read */
static struct stingy_stack stack;
static int set_up(void **state)
{
	char *pages = mmap(NULL, 6 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (pages == MAP_FAILED || mprotect(pages + PAGE, 4 * PAGE, PROT_READ | PROT_WRITE) != 0)
		return -1;
	stingy_walk_init();
	words = (uintptr_t *)(pages + PAGE);
	stack = (struct stingy_stack){(uintptr_t)words, (uintptr_t)(words + WORDS)};
	return 0;
}

/* Each word says where it is. */
static void number_words(void)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = 1000000 + i;
}

static struct stingy_frame at(size_t sp, size_t bp)
{
	return (struct stingy_frame){.ra = 1, .sp = (uintptr_t)(words + sp), .bp = (uintptr_t)(words + bp)};
}

/* Calls note(frame) with bp in the frame pointer, and puts the stack pointer just after the return into *sp. */
void call_note(struct stingy_frame *frame, uintptr_t *sp, uintptr_t bp);
extern const char returned[];

__asm__(".text\n"
	"call_note:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	sub $8, %rsp\n"
	"	mov %rsi, %rbx\n"
	"	mov %rdx, %rbp\n"
	"	call note\n"
	"returned:\n"
	"	mov %rsp, (%rbx)\n"
	"	add $8, %rsp\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n");

static uintptr_t known_ra; /* to begin at; 0: not known before */

static __attribute__((used, noinline)) void note(struct stingy_frame *frame) __asm__("note");

static void note(struct stingy_frame *frame)
{
	*frame = known_ra ? STINGY_HERE_AT(known_ra) : STINGY_HERE();
}

static void test_begins_behind_the_call(void **state)
{
	uintptr_t sp;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct stingy_frame frame = {0};

		known_ra = i == 0 ? 0 : (uintptr_t)returned;
		call_note(&frame, &sp, 11);
		assert_int_equal(frame.ra, (uintptr_t)returned);
		assert_int_equal(frame.sp, sp);
		assert_int_equal(frame.bp, 11);
	}
}

/* Another call than the enclosing function's: its return address is known, and its frame is not. */
static void test_begins_nowhere_for_another_call(void **state)
{
	static const struct stingy_rule rules[] = {{8, 0, STINGY_RULE_SP}, {16, -16, STINGY_RULE_BP}};
	const struct stingy_stack own = stingy_stack_of_thread();
	struct stingy_frame frame = {0};
	uintptr_t sp;

	(void)state;
	known_ra = (uintptr_t)returned + 1;
	call_note(&frame, &sp, sp);
	assert_int_equal(frame.ra, (uintptr_t)returned + 1);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		assert_false(stingy_walk_step(&frame, &rules[i], &own));
		assert_int_equal(frame.ra, (uintptr_t)returned + 1);
	}
}

static void test_steps(void **state)
{
	/* From a frame with the stack pointer at word 10 and the frame pointer at word 20. */
	static const struct {
		struct stingy_rule rule;
		size_t cfa; /* word; 0: no step */
		size_t bp;  /* word in which the caller's frame pointer is; 0: unchanged */
	} table[] = {
		{{8, 0, STINGY_RULE_SP}, 11, 0},
		{{24, 0, STINGY_RULE_SP}, 13, 0},
		{{24, -16, STINGY_RULE_SP}, 13, 11},
		{{80, -80, STINGY_RULE_SP}, 20, 10},
		{{16, -16, STINGY_RULE_BP}, 22, 20},
		{{16, 0, STINGY_RULE_BP}, 22, 0},
		{{8, -88, STINGY_RULE_BP}, 21, 10},
		{{(int32_t)(WORDS - 10) * 8, 0, STINGY_RULE_SP}, WORDS, 0}, /* the outermost frame there can be */
		{{0, 0, STINGY_RULE_NONE}, 0, 0},
		{{0, 0, STINGY_RULE_END}, 0, 0},
		{{(int32_t)(WORDS - 9) * 8, 0, STINGY_RULE_SP}, 0, 0}, /* a word too far */
		{{INT32_MAX - 7, 0, STINGY_RULE_SP}, 0, 0},
		{{INT32_MIN, 0, STINGY_RULE_SP}, 0, 0},
		{{0, 0, STINGY_RULE_SP}, 0, 0}, /* would stay where it is */
		{{-8, 0, STINGY_RULE_SP}, 0, 0},
		{{12, 0, STINGY_RULE_SP}, 0, 0},   /* between two words */
		{{24, -20, STINGY_RULE_SP}, 0, 0}, /* likewise */
		{{24, -32, STINGY_RULE_SP}, 0, 0}, /* saved below the frame */
		{{24, INT16_MIN, STINGY_RULE_SP}, 0, 0},
		{{-80, 0, STINGY_RULE_BP}, 0, 0}, /* down */
		{{-72, 0, STINGY_RULE_BP}, 11, 0},
		{{INT32_MIN, INT16_MIN, STINGY_RULE_BP}, 0, 0},
	};

	(void)state;
	number_words();
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct stingy_frame frame = at(10, 20), before = frame;
		bool more = stingy_walk_step(&frame, &table[i].rule, &stack);

		assert_int_equal(more, table[i].cfa != 0);
		if (!more) {
			assert_memory_equal(&frame, &before, sizeof(frame));
			continue;
		}
		assert_int_equal(frame.sp, (uintptr_t)(words + table[i].cfa));
		assert_int_equal(frame.ra, 1000000 + table[i].cfa - 1);
		assert_int_equal(frame.bp, table[i].bp ? 1000000 + table[i].bp : before.bp);
	}
}

static void test_no_step_outside_the_stack(void **state)
{
	static const struct stingy_rule rule = {8, 0, STINGY_RULE_SP};
	static const struct stingy_stack none = {0, 0};
	struct stingy_frame frame = at(10, 20);

	(void)state;
	assert_false(stingy_walk_step(&frame, &rule, &none));
	frame.sp = stack.high;
	assert_false(stingy_walk_step(&frame, &rule, &stack));
	frame.sp = stack.low - 8;
	assert_false(stingy_walk_step(&frame, &rule, &stack));
	frame.sp = 0;
	assert_false(stingy_walk_step(&frame, &rule, &stack));
	frame.sp = UINTPTR_MAX - 7;
	assert_false(stingy_walk_step(&frame, &rule, &stack));
	frame.sp = stack.high - 8;
	assert_true(stingy_walk_step(&frame, &rule, &stack));
	assert_false(stingy_walk_step(&frame, &rule, &stack));
}

/* A value as a rule, a register or a word of the stack might have it: sensible, nearly, or not at all. */
static uint64_t random_value(void)
{
	uint64_t wide = (uint64_t)random_word() << 32 | random_word();

	switch (below(5)) {
	case 0:
		return stack.low + below(4 * PAGE);
	case 1:
		return stack.low + below(WORDS) * 8;
	case 2:
		return stack.high - 16 + below(32);
	case 3:
		return stack.low - 16 + below(32);
	default:
		return wide;
	}
}

static struct stingy_rule random_rule(void)
{
	struct stingy_rule rule = {.base = (uint8_t)below(6)};

	rule.cfa = below(4) ? (int32_t)below(64) * 8 - 32 : (int32_t)random_word();
	rule.bp = below(4) ? (int16_t)(-(int)below(64) * 8) : (int16_t)random_word();
	return rule;
}

static void test_random_rules_stay_inside(void **state)
{
	unsigned long steps = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct stingy_frame frame = {.sp = random_value(), .bp = random_value()};

		for (unsigned i = 0; i < 8; i++)
			words[below(WORDS)] = random_value();
		for (;;) {
			struct stingy_rule rule = random_rule();
			uintptr_t sp = frame.sp;

			if (!stingy_walk_step(&frame, &rule, &stack))
				break;
			steps++;
			assert_true(frame.sp > sp);
			assert_true(frame.sp <= stack.high);
		}
	}
	assert_true(steps > 1000);
}

static int contains(struct stingy_stack bounds, const void *address)
{
	return (uintptr_t)address >= bounds.low && (uintptr_t)address < bounds.high;
}

static void *in_thread(void *main_local)
{
	struct stingy_stack own = stingy_stack_of_thread();
	volatile char here = 0;

	/* All of it can be read, up to its end. */
	here = *(volatile char *)(own.high - 1);
	return (void *)(uintptr_t)(contains(own, (const void *)&here) && !contains(own, main_local) &&
				   own.high % sizeof(uintptr_t) == 0);
}

/* The main thread's is as large as its limit allows, or as much of it as is worth looking at. */
static void test_bounds_follow_the_limit(void **state)
{
	struct rlimit before, limit;
	struct stingy_stack small, large;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
	limit = before;
	limit.rlim_cur = 4 << 20;
	assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
	stingy_walk_init();
	small = stingy_stack_of_thread();
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
	stingy_walk_init();
	large = stingy_stack_of_thread();
	assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
	stingy_walk_init();
	assert_int_equal(small.high - small.low, 4 << 20);
	assert_int_equal(small.high, large.high);
	assert_in_range(large.high - large.low, 4 << 20, 64 << 20);
	assert_true(contains(small, &before) && contains(large, &before));
}

static void test_bounds_of_threads(void **state)
{
	struct stingy_stack own = stingy_stack_of_thread(), again = stingy_stack_of_thread();
	pthread_t thread;
	void *result;
	char here;

	(void)state;
	assert_true(contains(own, &here));
	assert_true(contains(own, __builtin_frame_address(0)));
	assert_int_equal(own.low, again.low);
	assert_int_equal(own.high, again.high);
	assert_int_equal(pthread_create(&thread, NULL, in_thread, &here), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_non_null(result);
}

static void *fork_in_thread(void *status)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(!contains(stingy_stack_of_thread(), &pid));
	return waitpid(pid, status, 0) == pid ? status : NULL;
}

/* The child's only thread is then its first, on a stack that was not the first thread's. */
static void test_bounds_in_the_child_of_a_thread(void **state)
{
	pthread_t thread;
	int status = -1;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, fork_in_thread, &status), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(status, 0);
}

static ucontext_t caller, coroutine;
static struct stingy_stack of_coroutine;

static void in_coroutine(void)
{
	of_coroutine = stingy_stack_of_thread();
}

/* There the thread's own bounds are the answer: every step checks that it is in them, and they hold when it is back. */
static void test_bounds_on_a_coroutine(void **state)
{
	static char other[256 << 10];
	char here;

	(void)state;
	assert_int_equal(getcontext(&coroutine), 0);
	coroutine.uc_stack = (stack_t){.ss_sp = other, .ss_size = sizeof(other)};
	coroutine.uc_link = &caller;
	makecontext(&coroutine, in_coroutine, 0);
	assert_int_equal(swapcontext(&caller, &coroutine), 0);
	assert_true(contains(of_coroutine, &here));
	assert_false(contains(of_coroutine, other));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_behind_the_call),
		cmocka_unit_test(test_begins_nowhere_for_another_call),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_no_step_outside_the_stack),
		cmocka_unit_test(test_random_rules_stay_inside),
		cmocka_unit_test(test_bounds_follow_the_limit),
		cmocka_unit_test(test_bounds_of_threads),
		cmocka_unit_test(test_bounds_in_the_child_of_a_thread),
		cmocka_unit_test(test_bounds_on_a_coroutine),
	};

	seed_random((unsigned)time(NULL));
	return cmocka_run_group_tests(tests, set_up, NULL);
}
