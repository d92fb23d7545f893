/* What the tuner does as a server's load changes: it sleeps, rests and searches again; and what it makes of what it
 * expects. */
#include "made-clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Nothing to win: the tuner sleeps nearly all the time, until far more is ready at once than before. */
static void test_sleeps(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 100, 0, 20000, 2);
	run(&model, 3000000);
	settle(&model);
	assert_int_equal(model.tuner.chosen, 0);
	model.n_turns = model.n_asleep = 0;
	run(&model, 10000000);
	printf("# %.1f%% of the turns slept through\n", 100.0 * (double)model.n_asleep / (double)model.n_turns);
	assert_true(model.n_asleep * 10 > model.n_turns * 8);
	while (model.tuner.sleep < 100)
		turn(&model);
	model.clients = 350;
	turn(&model);
	assert_int_not_equal(model.tuner.sleep, 0);
	model.clients = 2500;
	turn(&model);
	assert_int_equal(model.tuner.sleep, 0);
}

static void test_few(void **state)
{
	struct model model;
	(void)state;
	for (uint32_t clients = 1; clients < 16; clients++) {
		begin(&model, clients, 2, 20000, 0);
		run(&model, 300000);
		assert_int_equal(model.n_bounded, 0);
		assert_int_equal(model.tuner.n_duels, 0);
	}
}

static void test_rests(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 2500, 16, 20000, 0);
	run(&model, 1000000);
	settle(&model);
	uint32_t chosen = model.tuner.chosen;
	assert_int_not_equal(chosen, 0);
	model.clients = chosen / 2;
	run(&model, 64 * chosen);
	assert_true(model.tuner.is_resting);
	assert_int_equal(model.tuner.bound, chosen);
	model.clients = 2500;
	turn(&model);
	assert_false(model.tuner.is_resting);
	assert_int_equal(model.tuner.bound, chosen);
}

static void test_fixed(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 2500, 0, 20000, 0);
	stingy_tuner_init(&model.tuner, read_clock, 10, STINGY_TUNER_FIX);
	run(&model, 2500);
	assert_int_equal(model.tuner.bound, 10);
	run(&model, 2000000);
	assert_int_equal(model.tuner.bound, 10);
	assert_int_equal(model.tuner.n_duels, 0);
}

/* What there was to win is there no more, and comes back. */
static void test_changes(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 2500, 16, 20000, 2);
	run(&model, 1000000);
	settle(&model);
	assert_int_not_equal(model.tuner.chosen, 0);
	model.best = 0;
	run(&model, 10000000);
	settle(&model);
	assert_int_equal(model.tuner.chosen, 0);
	model.best = 16;
	run(&model, 10000000);
	settle(&model);
	assert_int_not_equal(model.tuner.chosen, 0);
}

/* A crowd comes while nothing was to be won by few: it is not waited for the end of the patience. */
static void test_crowd(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 40, 0, 20000, 2);
	run(&model, 5000000);
	assert_int_equal(model.tuner.chosen, 0);
	model.clients = 2500;
	model.best = 16;
	run(&model, 300000);
	settle(&model);
	assert_int_not_equal(model.tuner.chosen, 0);
}

/* An expected bound is in force at once, but looks at nothing before it matters. */
static void expect(struct model *model, uint32_t clients, uint32_t best, uint32_t bound)
{
	begin(model, clients, best, 20000, 2);
	stingy_tuner_init(&model->tuner, read_clock, bound, STINGY_TUNER_EXPECT);
	assert_int_equal(model->tuner.bound, bound);
	assert_true(model->tuner.is_resting);
	turn(model);
	assert_int_equal(model->tuner.bound, bound);
}

static void test_expected(void **state)
{
	struct model model;
	(void)state;
	expect(&model, 2500, 16, 16);
	assert_false(model.tuner.is_resting);
	run(&model, 100000);
	settle(&model);
	assert_in_range(model.tuner.chosen, 8, 32);
	assert_int_equal(model.n_requests > model.n_bounded * 2, 0);
}

/* What was expected is not to be had, be it that the bound is much too large, or that nothing is to be won. */
static void test_expected_too_much(void **state)
{
	struct model model;
	(void)state;
	expect(&model, 2500, 16, 256);
	run(&model, 2000000);
	settle(&model);
	assert_in_range(model.tuner.chosen, 8, 32);
	expect(&model, 2500, 0, 64);
	run(&model, 100000);
	settle(&model);
	assert_int_equal(model.tuner.chosen, 0);
}

static void test_expected_few(void **state)
{
	struct model model;
	(void)state;
	for (uint32_t clients = 1; clients < 24; clients++) {
		expect(&model, clients, 0, 24);
		run(&model, 300000);
		assert_true(model.tuner.is_resting);
		assert_int_equal(model.tuner.n_duels, 0);
	}
}

static void test_expected_is_bounded(void **state)
{
	struct stingy_tuner tuner;
	(void)state;
	stingy_tuner_init(&tuner, read_clock, 1, STINGY_TUNER_EXPECT);
	assert_int_equal(tuner.bound, STINGY_TUNER_LEAST);
	stingy_tuner_init(&tuner, read_clock, 1000000, STINGY_TUNER_EXPECT);
	assert_int_equal(tuner.bound, 1024);
}

/* What a turn was not allowed to have is no sign of few clients. */
static void test_short_turns(void **state)
{
	struct model model;
	(void)state;
	expect(&model, 2500, 16, 16);
	for (int i = 0; i < 30; i++) {
		const struct stingy_tuner_turn limited = {.ticks = 1, .events = 5, .units = 5, .most = 5};
		stingy_tuner_turn(&model.tuner, &limited);
		assert_false(model.tuner.is_resting);
		assert_int_equal(model.tuner.slack, 0);
	}
}

/* The arena gets too small for the bound that was best: it comes down, though that wins nothing else. */
static void test_refused(void **state)
{
	struct model model;
	(void)state;
	begin(&model, 2500, 64, 20000, 0);
	run(&model, 1000000);
	settle(&model);
	uint32_t chosen = model.tuner.chosen, duels = model.tuner.n_duels;
	assert_in_range(chosen, 64, 128);
	model.room = chosen / 2 - 2;
	run(&model, 100000);
	settle(&model);
	assert_true(model.tuner.n_duels > duels);
	assert_int_equal(model.tuner.chosen, chosen / 2);
	duels = model.tuner.n_duels;
	model.room = 0;
	run(&model, 100000);
	assert_int_equal(model.tuner.n_duels, duels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),          cmocka_unit_test(test_rests),
		cmocka_unit_test(test_fixed),        cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_changes),      cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_expected),     cmocka_unit_test(test_expected_too_much),
		cmocka_unit_test(test_expected_few), cmocka_unit_test(test_expected_is_bounded),
		cmocka_unit_test(test_short_turns),  cmocka_unit_test(test_refused),
	};
	seed_random(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
