/* Stages inferred from call chains: the scheduler found, dispatchers looked through, doubtful chains left alone. */
#include "../solver/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Functions are at multiples of 0x1000; the return addresses of a function are behind its first byte. */
enum {
	MAIN = 0x1000,
	LOOP = 0x2000,
	POLL = 0x3000,
	DISPATCH = 0x4000,
	READ = 0x5000,
	WRITE = 0x6000,
	ALLOC = 0x7000,
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
	}
	return stingy_chains_add(&program->chains, place, depth, complete);
}

#define CHAIN(program, ...) chain(program, true, (const uint64_t[]){__VA_ARGS__, 0})

static void note(struct program *program, uint32_t wait, uint32_t allocation)
{
	stingy_stages_note(&program->stages, &program->places, &program->chains, wait, allocation);
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
	stingy_stages_settle(&program->stages, &program->places);
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
	stingy_stages_settle(&program->stages, &program->places);
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
	stingy_stages_settle(&program->stages, &program->places);
	assert_int_equal(stage_of(program, wait, in_read), READ);
}

static void is_below_a_dispatcher_that_fans_out(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, DISPATCH + 1, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, WRITE + 1, DISPATCH + 2, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	stingy_stages_settle(&program->stages, &program->places);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
}

static void is_the_outermost_function_if_nothing_fans_out(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, LOOP + 1, MAIN + 1);
	uint32_t here = CHAIN(program, ALLOC + 1, READ + 1, LOOP + 2, MAIN + 1);
	uint32_t there = CHAIN(program, ALLOC + 1, READ + 2, LOOP + 2, MAIN + 1);

	note(program, wait, here);
	note(program, wait, there);
	stingy_stages_settle(&program->stages, &program->places);
	assert_int_equal(stage_of(program, wait, here), READ);
	assert_int_equal(stage_of(program, wait, there), READ);
}

/* Between the loop and the stages is one function of which not even the beginning is known. */
static void is_below_an_unknown_function_that_fans_out(void **state)
{
	struct program *program = *state;
	uint32_t wait = CHAIN(program, POLL + 1, LOOP + 1, MAIN + 1);
	uint32_t in_read = CHAIN(program, ALLOC + 1, READ + 1, UNKNOWN, LOOP + 2, MAIN + 1);
	uint32_t in_write = CHAIN(program, WRITE + 1, UNKNOWN, LOOP + 2, MAIN + 1);

	note(program, wait, in_read);
	note(program, wait, in_write);
	stingy_stages_settle(&program->stages, &program->places);
	assert_int_equal(stage_of(program, wait, in_read), READ);
	assert_int_equal(stage_of(program, wait, in_write), WRITE);
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
	stingy_stages_settle(&program->stages, &program->places);
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
		TEST(is_below_a_dispatcher_that_fans_out),
		TEST(is_below_an_unknown_function_that_fans_out),
		TEST(is_the_outermost_function_if_nothing_fans_out),
		TEST(is_not_inferred_from_half_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
