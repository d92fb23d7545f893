/* Stages inferred from call chains: the scheduler found, dispatchers looked through, doubtful chains left alone. */
#include "../solver/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/*
 * Functions are at multiples of 0x1000; the return addresses of a function are behind its first byte, those of calls by
 * pointer behind POINTER.
 */
enum {
	POINTER = 0x800,
	MAIN = 0x1000,
	LOOP = 0x2000,
	POLL = 0x3000,
	DISPATCH = 0x4000,
	READ = 0x5000,
	WRITE = 0x6000,
	ALLOC = 0x7000,
	PERSIST = 0x8000,
	UNKNOWN = 0x10
};

struct program {
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_stages stages;
};

static int begin(void **state)
{
	static struct program program;

	stingy_places_init(&program.places);
	stingy_chains_init(&program.chains);
	stingy_stages_init(&program.stages);
	*state = &program;
	return 0;
}

static int end(void **state)
{
	struct program *program = *state;

	stingy_stages_fini(&program->stages);
	stingy_chains_fini(&program->chains);
	stingy_places_fini(&program->places);
	return 0;
}

#define DEPTH 10 /* return addresses of a chain here, at most, and a 0 behind them */

/* Where a program was seen, so many times, in what call; and in which function's stage that is, 0 for in none. */
struct seen {
	uint64_t function;
	uint64_t chain[DEPTH];
	uint64_t n;
	uint32_t call; /* 0: an allocation */
};

#define CALLS(n, call, function, ...)                                                                                  \
	{                                                                                                              \
		function, {__VA_ARGS__}, n, call                                                                       \
	}
#define SEEN(function, ...) CALLS(1, 0, function, __VA_ARGS__)
#define CHAIN(...)          ((const uint64_t[DEPTH]){__VA_ARGS__})
#define N_SEEN(seen)        (sizeof(seen) / sizeof(*(seen)))

/* A chain of the return addresses given, from the call outwards, that ends with a 0. */
static uint32_t add_chain(struct program *program, bool complete, const uint64_t *offset)
{
	uint32_t place[STINGY_CHAIN_MAX], depth = 0;

	for (; offset[depth]; depth++) {
		struct stingy_trace_frame frame = {.offset = offset[depth], .function = offset[depth] & ~0xfffull};

		place[depth] = stingy_places_add(&program->places, 0, &frame);
		program->places.place[place[depth]].indirect = offset[depth] & POINTER;
	}
	return stingy_chains_add(&program->chains, place, depth, complete);
}

static void note(struct program *program, uint32_t wait, uint32_t at, uint64_t n, uint32_t call)
{
	stingy_stages_note(&program->stages, &program->places, &program->chains, wait, at, n, call);
}

static void settle(struct program *program)
{
	stingy_stages_settle(&program->stages, &program->places, &program->chains);
}

/* The function of the stage, or 0. */
static uint64_t stage_of(struct program *program, uint32_t wait, uint32_t allocation)
{
	return program->stages.stage[stingy_stages_of(&program->stages, wait, allocation)].function;
}

/* In a program that waits there and was seen in all of these, each is in the stage that it says. */
static void infers(struct program *program, const uint64_t *waits, const struct seen *seen, size_t n)
{
	uint32_t wait = add_chain(program, true, waits), at[8];

	assert_in_range(n, 1, sizeof(at) / sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		at[i] = add_chain(program, true, seen[i].chain);
		note(program, wait, at[i], seen[i].n, seen[i].call);
	}
	settle(program);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(stage_of(program, wait, at[i]), seen[i].function);
}

static void is_called_by_the_function_that_waits(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1),
		SEEN(WRITE, WRITE + 1, LOOP + 3, MAIN + 1),
		SEEN(0, LOOP + 4, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As nginx does: the loop calls a function that waits, and handlers from another place. */
static void is_called_by_a_function_further_out(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1),
		SEEN(WRITE, ALLOC + 1, WRITE + 1, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(POLL + 1, LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* One call by pointer runs everything, the wait too. */
static void is_called_through_one_pointer(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 1, MAIN + 1),
	};

	infers(*state, CHAIN(POLL + 1, LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As libevent does, by two ways. */
static void is_below_a_dispatcher(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
		SEEN(WRITE, WRITE + 1, PERSIST + POINTER, DISPATCH + 2, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(POLL + 1, LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* Though there is but one for it to call. */
static void is_below_a_dispatcher_of_one(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* A handler that does all by one pointer, or by several one after the other, as haproxy's listener_accept. */
static void is_what_the_loop_calls_by_pointer(void **state)
{
	static const struct seen seen[] = {
		SEEN(PERSIST, ALLOC + 1, READ + 1, PERSIST + POINTER, LOOP + POINTER, MAIN + 1),
		SEEN(DISPATCH, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1),
		SEEN(DISPATCH, ALLOC + 1, WRITE + 1, DISPATCH + POINTER + 1, LOOP + POINTER, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As squid's calls to the methods of a job. */
static void is_a_method_that_is_called_back(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1),
		SEEN(WRITE, ALLOC + 1, WRITE + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As haproxy does with process_stream: the most frequent one is called directly, after a compare. */
static void is_called_directly_by_a_dispatcher(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
		SEEN(WRITE, ALLOC + 1, WRITE + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
		SEEN(POLL, ALLOC + 1, POLL + 1, DISPATCH + 1, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As squid's queue: a direct call of a function that jumps on through a pointer shows in all that it leads to. */
static void is_jumped_to(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, DISPATCH + 1, LOOP + 2, MAIN + 1),
		SEEN(WRITE, ALLOC + 1, WRITE + 1, DISPATCH + 1, LOOP + 2, MAIN + 1),
		SEEN(POLL, ALLOC + 1, POLL + 1, DISPATCH + 1, LOOP + 2, MAIN + 1),
		SEEN(PERSIST, ALLOC + 1, PERSIST + 1, DISPATCH + 1, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As lighttpd's state machine, which calls its plugins by pointer; or a function that does it too far below. */
static void is_not_below_one_that_works(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1),
		CALLS(9, 1, READ, WRITE + 1, READ + POINTER, LOOP + 2, MAIN + 1),
		SEEN(DISPATCH, WRITE + 1, POLL + POINTER, POLL + 2, POLL + 3, POLL + 4, DISPATCH + 1, LOOP + 3,
		     MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* A little of its own does not make it one that works. */
static void is_below_a_dispatcher_that_hardly_works(void **state)
{
	static const struct seen seen[] = {
		SEEN(DISPATCH, DISPATCH + 1, LOOP + 2, MAIN + 1),
		CALLS(49, 1, READ, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As memcached's event_handler, which reads and writes by pointer: c->read is tcp_read. */
static void is_not_a_method_that_reads(void **state)
{
	static const struct seen seen[] = {
		CALLS(1000, 1, DISPATCH, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1),
		SEEN(DISPATCH, ALLOC + 1, DISPATCH + 1, LOOP + POINTER, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* As lighttpd's state machine, which reads and writes by pointer, in functions that it calls. */
static void is_not_a_method_further_below(void **state)
{
	static const struct seen seen[] = {
		CALLS(1000, 1, DISPATCH, READ + 1, ALLOC + POINTER, DISPATCH + 1, LOOP + 2, MAIN + 1),
		CALLS(1000, 2, DISPATCH, POLL + 1, WRITE + 1, PERSIST + POINTER, DISPATCH + 2, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* Handlers that only read, or only write, are handlers all the same. */
static void is_a_handler_that_only_reads(void **state)
{
	static const struct seen seen[] = {
		CALLS(1000, 1, READ, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
		CALLS(1000, 2, WRITE, WRITE + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* Between the loop and the stages is one function of which not even the beginning is known. */
static void is_below_an_unknown_function(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, UNKNOWN, LOOP + 2, MAIN + 1),
		SEEN(WRITE, WRITE + 1, UNKNOWN, LOOP + 2, MAIN + 1),
		SEEN(0, UNKNOWN, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(POLL + 1, LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

static void is_the_outermost_function(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1),
		SEEN(READ, ALLOC + 1, READ + 2, LOOP + 2, MAIN + 1),
	};

	infers(*state, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
}

/* What only queues others leaves no other trace: whether it is a stage is for the user to say. */
static void is_seen_to_queue_if_it_was_declared(void **state)
{
	static const struct seen seen[] = {
		SEEN(READ, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1),
		CALLS(5, STINGY_STAGES_QUEUED, 0, READ + 2, LOOP + 2, MAIN + 1),
		CALLS(5, STINGY_STAGES_QUEUED, WRITE, DISPATCH + 1, WRITE + 1, LOOP + 3, MAIN + 1),
		CALLS(5, STINGY_STAGES_QUEUED, 0, PERSIST + 1, LOOP + 4, MAIN + 1),
	};
	struct program *program = *state;
	uint32_t in_write = add_chain(program, true, seen[2].chain);

	program->places.place[program->chains.chain[in_write].place[1]].declared = STINGY_PLACE_STAGE;
	infers(program, CHAIN(LOOP + 1, MAIN + 1), seen, N_SEEN(seen));
	assert_int_equal(program->stages.n_stages, 3);
}

static void is_not_inferred_from_half_a_chain(void **state)
{
	struct program *program = *state;
	uint32_t wait = add_chain(program, true, CHAIN(LOOP + 1, MAIN + 1));
	uint32_t half = add_chain(program, false, CHAIN(READ + 1, LOOP + 2, MAIN + 1));
	uint32_t elsewhere = add_chain(program, true, CHAIN(READ + 1, WRITE + 1));
	uint32_t empty = add_chain(program, true, CHAIN(0));

	note(program, wait, half, 1, 0);
	note(program, wait, elsewhere, 1, 0);
	note(program, wait, empty, 1, 0);
	note(program, empty, half, 1, 0);
	note(program, wait, wait, 1, 0);
	settle(program);
	assert_int_equal(stage_of(program, wait, half), 0);
	assert_int_equal(stage_of(program, wait, elsewhere), 0);
	assert_int_equal(stage_of(program, wait, empty), 0);
	assert_int_equal(stage_of(program, empty, half), 0);
	assert_int_equal(stage_of(program, wait, wait), 0);
	assert_int_equal(program->stages.n_stages, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_called_by_the_function_that_waits),
		TEST(is_called_by_a_function_further_out),
		TEST(is_called_through_one_pointer),
		TEST(is_below_a_dispatcher),
		TEST(is_below_a_dispatcher_of_one),
		TEST(is_what_the_loop_calls_by_pointer),
		TEST(is_a_method_that_is_called_back),
		TEST(is_called_directly_by_a_dispatcher),
		TEST(is_jumped_to),
		TEST(is_not_below_one_that_works),
		TEST(is_below_a_dispatcher_that_hardly_works),
		TEST(is_not_a_method_that_reads),
		TEST(is_not_a_method_further_below),
		TEST(is_a_handler_that_only_reads),
		TEST(is_below_an_unknown_function),
		TEST(is_the_outermost_function),
		TEST(is_seen_to_queue_if_it_was_declared),
		TEST(is_not_inferred_from_half_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
