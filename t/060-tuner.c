/*
 * Where the search for a bound comes to, against made-up servers: what a request costs there follows from the bound and
 * from how many requests are ready, and there is noise. No clock is looked at.
 */
#include "../shim/tuner.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define REQUEST 30000u /* ticks of a request that hits the cache */

/* A server with so many clients, each of whom asks again when it has been answered. */
struct model {
	struct stingy_tuner tuner;
	uint32_t clients;
	uint32_t best;       /* bound at which a request costs least; 0: it costs the same with any */
	uint32_t per_turn;   /* ticks of a turn, whatever is in it */
	uint32_t noise;      /* per cent */
	uint32_t room;       /* events at a time that find room in the arena; 0: any number */
	bool is_in_step;     /* without a bound it reads in one turn, and answers in the next */
	bool has_answered;   /* in the last of them */
	bool has_clock;      /* that does not go on while others have the processor */
	uint64_t n_requests; /* in all */
	uint64_t n_bounded;  /* of these, while there was a bound */
	uint64_t ticks;      /* in all, without the noise */
	uint64_t n_turns;    /* in all */
	uint64_t n_asleep;   /* of these, that the tuner did not need to know of */
};

/* Twice as dear where far more tasks than `best` are begun at a time; fewer win nothing more. */
static uint64_t cost(const struct model *model, uint32_t n)
{
	if (model->best == 0 || n <= model->best)
		return REQUEST;
	uint64_t over = n - model->best;
	return REQUEST + REQUEST * over / (over + model->best);
}

/* A server for which any bound of at most 16 saves so much, on a machine on which blocks vary so much, per cent. */
struct wind {
	int gain, noise;
};

static uint64_t clocked; /* what the processor clock would say; 0: there is none */

static uint64_t read_clock(void)
{
	return clocked;
}

static void turn(struct model *model)
{
	bool is_asleep = stingy_tuner_sleeps(&model->tuner);
	uint32_t bound = model->tuner.bound;
	uint32_t n = bound != 0 && bound < model->clients ? bound : model->clients;
	uint64_t ticks = model->per_turn + n * cost(model, n);
	bool is_reading = model->is_in_step && bound == 0 && model->has_answered;
	if (model->is_in_step && bound == 0)
		ticks /= 2;
	model->has_answered = !is_reading;
	model->n_requests += is_reading ? 0 : n;
	model->n_bounded += bound != 0 ? n : 0;
	model->ticks += ticks;
	clocked = model->has_clock ? clocked + ticks : 0;
	int percent = model->noise ? (int)below(2 * model->noise + 1) - (int)model->noise : 0;
	ticks += (uint64_t)((int64_t)ticks * percent / 100);
	const struct stingy_tuner_turn turn = {
		.ticks = ticks,
		.events = n,
		.units = is_reading ? 0 : n,
		.refused = model->room && n > model->room ? n - model->room : 0,
	};
	if (is_asleep)
		stingy_tuner_heard(&model->tuner, (int)n);
	else
		stingy_tuner_turn(&model->tuner, &turn);
	model->n_turns++;
	model->n_asleep += is_asleep;
}

static void run(struct model *model, uint64_t requests)
{
	uint64_t end = model->n_requests + requests;
	while (model->n_requests < end)
		turn(model);
}

/* On to the end of a search, if there is one. */
static void settle(struct model *model)
{
	while (model->tuner.phase != STINGY_TUNER_HOLDING)
		turn(model);
}

/* The model, begun anew. */
static void begin(struct model *model, uint32_t clients, uint32_t best, uint32_t per_turn, uint32_t noise)
{
	*model = (struct model){.clients = clients, .best = best, .per_turn = per_turn, .noise = noise};
	stingy_tuner_init(&model->tuner, read_clock, 32, STINGY_TUNER_SEARCH);
}

static void test_finds(void **state)
{
	static const uint32_t bests[] = {8, 16, 32, 64, 128, 256};
	struct model model;
	(void)state;
	for (size_t i = 0; i < sizeof(bests) / sizeof(*bests); i++) {
		begin(&model, 2500, bests[i], 20000, 2);
		run(&model, 1000000);
		settle(&model);
		uint32_t chosen = model.tuner.chosen;
		assert_int_not_equal(chosen, 0);
		assert_true(model.per_turn / chosen + cost(&model, chosen) < REQUEST * 110 / 100);
		assert_true(model.n_bounded * 10 > model.n_requests * 8);
		assert_in_range(model.tuner.saved, 5, 60);
	}
}

/* A hundred histories without anything to win; the time that the search costs is counted, too. */
static void leaves_alone(uint32_t noise, bool has_clock, unsigned wrong)
{
	unsigned n_wrong = 0;
	uint64_t bare = 0, ticks = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct model model;
		begin(&model, 2500, 0, 20000, noise);
		model.has_clock = has_clock;
		run(&model, 2000000);
		settle(&model);
		n_wrong += model.tuner.chosen != 0;
		bare += model.n_requests / 2500 * (20000 + 2500ull * REQUEST);
		ticks += model.ticks;
	}
	printf("# noise %u%%: %u of 100 wrong, %.2f%% of the time lost\n", noise, n_wrong,
	       100.0 * (double)ticks / (double)bare - 100.0);
	assert_true(ticks < bare + bare / 50);
	assert_in_range(n_wrong, 0, wrong);
}

static void test_leaves_alone(void **state)
{
	(void)state;
	leaves_alone(0, false, 0);
	leaves_alone(3, false, 0);
}

/* All clients in step: a turn that only reads is no dear one, nor is one that only answers cheap. */
static void test_in_step(void **state)
{
	int least = 100, most = -100;
	(void)state;
	for (uint32_t clients = 2000; clients < 6000; clients += 100) {
		struct model model;
		begin(&model, clients, 0, 20000, 1);
		model.is_in_step = model.has_clock = true;
		run(&model, 500000);
		settle(&model);
		assert_int_equal(model.tuner.chosen, 0);
		least = model.tuner.saved < least ? model.tuner.saved : least;
		most = model.tuner.saved > most ? model.tuner.saved : most;
	}
	printf("# saved, where there is nothing to win: %d%% to %d%%\n", least, most);
	assert_in_range(most + 100, 90, 100);
}

/* Half of the processor is somebody else's, now and then. */
static void test_noise(void **state)
{
	(void)state;
	leaves_alone(80, true, 0);
	leaves_alone(80, false, 60); /* a wrong one has to win again in the next search */
}

/* About normal, with a standard deviation of a hundred; one of ten is four times as far off, as on a shared machine. */
static int shiver(void)
{
	int sum = 0;
	for (int i = 0; i < 12; i++)
		sum += (int)below(201) - 100;
	return below(10) == 0 ? sum * 2 : sum / 2;
}

/* On to the end of a search, of turns that each are a block or the pause before one. Returns the bound it comes to. */
static uint32_t search(const struct wind *wind, uint64_t *n_blocks)
{
	struct stingy_tuner tuner;
	uint64_t end = 1000;
	stingy_tuner_init(&tuner, read_clock, 16, STINGY_TUNER_SEARCH);
	for (clocked = 1; tuner.n_duels == 0 || tuner.phase != STINGY_TUNER_HOLDING; end--) {
		int64_t percent = tuner.bound != 0 && tuner.bound <= 16 ? 100 - wind->gain : 100;
		int64_t ticks = (1 << 28) / 10000 * (percent * 100 + wind->noise * shiver());
		const struct stingy_tuner_turn turn = {.ticks = 1 << 28, .events = 2500, .units = 2500};
		assert_int_not_equal(end, 0); /* what a search may cost is bounded */
		clocked += ticks > 0 ? (uint64_t)ticks : 1;
		*n_blocks += tuner.block.is_counting;
		stingy_tuner_turn(&tuner, &turn);
	}
	return tuner.chosen;
}

/* Of a thousand searches: how many come to a bound, and what they cost. */
static void error_rate(int gain, int noise, unsigned least, unsigned most)
{
	const struct wind wind = {gain, noise};
	unsigned n_found = 0;
	uint64_t n_blocks = 0;
	for (int i = 0; i < 1000; i++)
		n_found += search(&wind, &n_blocks) != 0;
	printf("# saves %+d%%, blocks vary by %d%%: a bound in %u of 1000 searches, of %.1f blocks\n", gain, noise,
	       n_found, (double)n_blocks / 1000);
	assert_in_range(n_found, least, most);
}

static void test_error_rates(void **state)
{
	(void)state;
	error_rate(6, 2, 990, 1000);
	error_rate(6, 4, 900, 1000);
	error_rate(8, 4, 980, 1000);
	error_rate(8, 7, 850, 1000);
	error_rate(0, 2, 0, 15);
	error_rate(0, 4, 0, 120);
	error_rate(0, 7, 0, 250);
	error_rate(-3, 2, 0, 10);
	error_rate(-3, 4, 0, 60);
	error_rate(-3, 7, 0, 150);
}

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
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_leaves_alone),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_rests),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_in_step),
		cmocka_unit_test(test_error_rates),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_expected_too_much),
		cmocka_unit_test(test_expected_few),
		cmocka_unit_test(test_expected_is_bounded),
		cmocka_unit_test(test_short_turns),
		cmocka_unit_test(test_refused),
	};
	seed_random(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
