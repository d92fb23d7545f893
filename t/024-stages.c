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

/* A chain of the return addresses given, from the call outwards, that ends with a 0. */
static uint32_t chain(struct program *program, bool complete, const uint64_t *offset)
{
	uint32_t place[STINGY_CHAIN_MAX], depth = 0;

	for (; offset[depth]; depth++) {
		struct stingy_trace_frame frame = {.offset = offset[depth], .function = offset[depth] & ~0xfffull};

		place[depth] = stingy_places_add(&program->places, 0, &frame);
		program->places.place[place[depth]].indirect = offset[depth] & POINTER;
	}
	return stingy_chains_add(&program->chains, place, depth, complete);
}

#define CHAIN(program, ...) chain(program, true, (const uint64_t[]){__VA_ARGS__, 0})

static void note(struct program *program, uint32_t wait, uint32_t allocation)
{
	stingy_stages_note(&program->stages, &program->places, &program->chains, wait, allocation, 1, 0);
}

static void note_calls(struct program *program, uint32_t wait, uint32_t at, uint64_t n, uint32_t call)
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

static void is_called_by_the_function_that_waits(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, WRITE + 1, LOOP + 3, MAIN + 1);
	uint32_t in_loop = CHAIN(program, LOOP + 4, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	note(program, wait, in_loop);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
	assert_int_equal(stage_of(program, wait, in_loop), 0);
}

/* As nginx does: the loop calls a function that waits, and handlers from another place. */
static void is_called_by_a_function_further_out(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, ALLOC + 1, WRITE + 1, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
}

/* One call by pointer runs everything, the wait too. */
static void is_called_through_one_pointer(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 1, MAIN + 1);

	note(program, wait, in_read);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
}

/* As libevent does, by two ways. */
static void is_below_a_dispatcher(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, WRITE + 1, PERSIST + POINTER, DISPATCH + 2, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
}

/* Though there is but one for it to call. */
static void is_below_a_dispatcher_of_one(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
}

/* A handler that does all by one pointer, or by several one after the other, as haproxy's listener_accept. */
static void is_what_the_loop_calls_by_pointer(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t one = CHAIN(program, ALLOC + 1, READ + 1, PERSIST + POINTER, LOOP + POINTER, MAIN + 1);
	uint32_t first = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1);
	uint32_t second = CHAIN(program, ALLOC + 1, WRITE + 1, DISPATCH + POINTER + 1, LOOP + POINTER, MAIN + 1);

	note(program, wait, one);
	note(program, wait, first);
	note(program, wait, second);
	settle(program);
	assert_int_equal(stage_of(program, wait, one), PERSIST);
	assert_int_equal(stage_of(program, wait, first), DISPATCH);
	assert_int_equal(stage_of(program, wait, second), DISPATCH);
}

/* As squid's calls to the methods of a job. */
static void is_a_method_that_is_called_back(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1);
	uint32_t in_write = CHAIN(program, ALLOC + 1, WRITE + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
}

/* As haproxy does with process_stream: the most frequent one is called directly, after a compare. */
static void is_called_directly_by_a_dispatcher(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, ALLOC + 1, WRITE + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);
	uint32_t in_poll = CHAIN(program, ALLOC + 1, POLL + 1, DISPATCH + 1, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	note(program, wait, in_poll);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
	assert_int_equal(stage_of(program, wait, in_poll), POLL);
}

/* As squid's queue: a direct call of a function that jumps on through a pointer shows in all that it leads to. */
static void is_jumped_to(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint64_t function[] = {READ, WRITE, POLL, PERSIST};
	uint32_t in[4];

	for (unsigned i = 0; i < 4; i++) {
		in[i] = CHAIN(program, ALLOC + 1, function[i] + 1, DISPATCH + 1, LOOP + 2, MAIN + 1);
		note(program, wait, in[i]);
	}
	settle(program);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(stage_of(program, wait, in[i]), function[i]);
}

/* As lighttpd's state machine, which calls its plugins by pointer; or a function that does it too far below. */
static void is_not_below_one_that_works(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t itself = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t plugin = CHAIN(program, WRITE + 1, READ + POINTER, LOOP + 2, MAIN + 1);
	uint32_t deep = CHAIN(program, WRITE + 1, POLL + POINTER, POLL + 2, POLL + 3, POLL + 4, DISPATCH + 1, LOOP + 3,
			      MAIN + 1);

	note(program, wait, itself);
	note_calls(program, wait, plugin, 9, 1);
	note(program, wait, deep);
	settle(program);
	assert_int_equal(stage_of(program, wait, itself), READ);
	assert_int_equal(stage_of(program, wait, plugin), READ);
	assert_int_equal(stage_of(program, wait, deep), DISPATCH);
}

/* A little of its own does not make it one that works. */
static void is_below_a_dispatcher_that_hardly_works(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t itself = CHAIN(program, DISPATCH + 1, LOOP + 2, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);

	note(program, wait, itself);
	note_calls(program, wait, in_read, 49, 1);
	settle(program);
	assert_int_equal(stage_of(program, wait, itself), DISPATCH);
	assert_int_equal(stage_of(program, wait, in_read), READ);
}

/* As memcached's event_handler, which reads and writes by pointer: c->read is tcp_read. */
static void is_not_a_method_that_reads(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t reads = CHAIN(program, READ + 1, DISPATCH + POINTER, LOOP + POINTER, MAIN + 1);
	uint32_t allocates = CHAIN(program, ALLOC + 1, DISPATCH + 1, LOOP + POINTER, MAIN + 1);

	note_calls(program, wait, reads, 1000, 1);
	note(program, wait, allocates);
	settle(program);
	assert_int_equal(stage_of(program, wait, reads), DISPATCH);
	assert_int_equal(stage_of(program, wait, allocates), DISPATCH);
}

/* As lighttpd's state machine, which reads and writes by pointer, in functions that it calls. */
static void is_not_a_method_further_below(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t reads = CHAIN(program, READ + 1, ALLOC + POINTER, DISPATCH + 1, LOOP + 2, MAIN + 1);
	uint32_t writes = CHAIN(program, POLL + 1, WRITE + 1, PERSIST + POINTER, DISPATCH + 2, LOOP + 2, MAIN + 1);

	note_calls(program, wait, reads, 1000, 1);
	note_calls(program, wait, writes, 1000, 2);
	settle(program);
	assert_int_equal(stage_of(program, wait, reads), DISPATCH);
	assert_int_equal(stage_of(program, wait, writes), DISPATCH);
}

/* Handlers that only read, or only write, are handlers all the same. */
static void is_a_handler_that_only_reads(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t reads = CHAIN(program, READ + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);
	uint32_t writes = CHAIN(program, WRITE + 1, DISPATCH + POINTER, LOOP + 2, MAIN + 1);

	note_calls(program, wait, reads, 1000, 1);
	note_calls(program, wait, writes, 1000, 2);
	settle(program);
	assert_int_equal(stage_of(program, wait, reads), READ);
	assert_int_equal(stage_of(program, wait, writes), WRITE);
}

/* Between the loop and the stages is one function of which not even the beginning is known. */
static void is_below_an_unknown_function(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, UNKNOWN, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, WRITE + 1, UNKNOWN, LOOP + 2, MAIN + 1);
	uint32_t in_itself = CHAIN(program, UNKNOWN, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	note(program, wait, in_itself);
	settle(program);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
	assert_int_equal(stage_of(program, wait, in_itself), 0);
}

static void is_the_outermost_function(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t here = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t there = CHAIN(program, ALLOC + 1, READ + 2, LOOP + 2, MAIN + 1);

	note(program, wait, here);
	note(program, wait, there);
	settle(program);
	assert_int_equal(stage_of(program, wait, here), READ);
	assert_int_equal(stage_of(program, wait, there), READ);
}

/* What only queues others leaves no other trace: whether it is a stage is for the user to say. */
static void is_seen_to_queue_if_it_was_declared(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t reads = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t in_read = CHAIN(program, READ + 2, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, DISPATCH + 1, WRITE + 1, LOOP + 3, MAIN + 1);
	uint32_t in_persist = CHAIN(program, PERSIST + 1, LOOP + 4, MAIN + 1);

	program->places.place[program->chains.chain[in_write].place[1]].declared = STINGY_PLACE_STAGE;
	note(program, wait, reads);
	note_calls(program, wait, in_read, 5, STINGY_STAGES_QUEUED);
	note_calls(program, wait, in_write, 5, STINGY_STAGES_QUEUED);
	note_calls(program, wait, in_persist, 5, STINGY_STAGES_QUEUED);
	settle(program);
	assert_int_equal(stage_of(program, wait, reads), READ);
	assert_int_equal(stage_of(program, wait, in_read), 0);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
	assert_int_equal(stage_of(program, wait, in_persist), 0);
	assert_int_equal(program->stages.n_stages, 3);
}

static void is_not_inferred_from_half_a_chain(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t half = chain(program, false, (const uint64_t[]){READ + 1, LOOP + 2, MAIN + 1, 0});
	uint32_t elsewhere = CHAIN(program, READ + 1, WRITE + 1);
	uint32_t empty = chain(program, true, (const uint64_t[]){0});

	note(program, wait, half);
	note(program, wait, elsewhere);
	note(program, wait, empty);
	note(program, empty, half);
	note(program, wait, wait);
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
