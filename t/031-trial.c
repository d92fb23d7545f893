/* A plan tried out: who gets an arena, what is served, and what the high slab is made of. */
#include "../solver/plan.h"
#include "../solver/trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LARGEST 8192u /* bytes that a high slab could hold */

/* One kind, of unit 1, with two slots of 64 bytes for objects of up to 60. */
static const struct stingy_choices choices = {.cover = 99, .head_room = 125};

struct tried {
	uint32_t number[2];
	struct stingy_manifest_region region[2 + STINGY_PLAN_HIGH_MAX];
	struct stingy_plan_kind kind;
	struct stingy_plan plan;
	struct stingy_trial trial;
};

static void begin(struct tried *tried, uint32_t arenas)
{
	*tried = (struct tried){.number = {STINGY_NO_UNIT, 0}};
	tried->region[0] = (struct stingy_manifest_region){.slot = 64, .count = 2};
	tried->kind = (struct stingy_plan_kind){.kind = 1, .size = 60, .high = UINT32_MAX, .n = 2};
	tried->plan = (struct stingy_plan){.slab = {.size = 1024, .arenas = arenas},
					   .region = tried->region,
					   .n_regions = 1,
					   .kind = &tried->kind,
					   .n_kinds = 1,
					   .number = tried->number};
	stingy_trial_init(&tried->trial, &tried->plan, LARGEST);
}

static struct stingy_object make(struct tried *tried, uint16_t thread, uint64_t size, bool serving)
{
	struct stingy_object object = {.address = 16, .unit = 1, .thread = thread, .serving = serving};

	stingy_trial_begin(&tried->trial, &object, size);
	return object;
}

static void the_first_threads_get_the_arenas(void **state)
{
	struct tried tried;

	(void)state;
	begin(&tried, 2);
	assert_int_equal(make(&tried, 7, 60, true).where, STINGY_IN_REGION);
	assert_int_equal(make(&tried, 7, 60, true).where, STINGY_IN_REGION);
	assert_int_equal(make(&tried, 7, 60, true).where, STINGY_BESIDE);
	assert_int_equal(make(&tried, 8, 60, true).where, STINGY_IN_REGION);
	assert_int_equal(make(&tried, 9, 60, true).where, STINGY_NOWHERE);
	assert_int_equal(tried.trial.n_arenas, 2);
	assert_int_equal(tried.trial.served, 3);
	stingy_trial_next(&tried.trial);
	assert_int_equal(make(&tried, 9, 60, true).where, STINGY_IN_REGION);
	assert_int_equal(tried.trial.n_arenas, 2);
	assert_int_equal(tried.trial.served, 4);
	stingy_trial_fini(&tried.trial);
}

/* The second thread never serves: it counts only because it takes an arena before the third. */
static void who_comes_before_a_loop_counts(void **state)
{
	struct tried tried;

	(void)state;
	begin(&tried, 4);
	make(&tried, 1, 60, true);
	make(&tried, 2, 60, false);
	assert_int_equal(tried.trial.n_arenas, 1);
	make(&tried, 3, 60, true);
	make(&tried, 4, 60, false);
	assert_int_equal(tried.trial.n_arenas, 3);
	assert_int_equal(tried.trial.served, 2);
	stingy_trial_fini(&tried.trial);
}

/* A thread's object that another has freed: the slot goes back to where it is from. */
static void slots_go_back_to_their_arena(void **state)
{
	struct stingy_object first, second;
	struct tried tried;

	(void)state;
	begin(&tried, 2);
	first = make(&tried, 0, 60, true);
	second = make(&tried, 0, 60, true);
	make(&tried, 1, 60, true);
	make(&tried, 1, 60, true);
	stingy_trial_end(&tried.trial, &first);
	assert_int_equal(make(&tried, 1, 60, true).where, STINGY_BESIDE);
	assert_int_equal(make(&tried, 0, 60, true).where, STINGY_IN_REGION);
	stingy_trial_end(&tried.trial, &second);
	assert_int_equal(make(&tried, 0, 61, true).where, STINGY_BESIDE);
	assert_int_equal(make(&tried, 0, 60, true).where, STINGY_IN_REGION);
	stingy_trial_fini(&tried.trial);
}

static void units_without_a_place_are_left_alone(void **state)
{
	struct stingy_object object = {.address = 16, .unit = 0, .serving = true};
	struct tried tried;

	(void)state;
	begin(&tried, 1);
	stingy_trial_begin(&tried.trial, &object, 60);
	stingy_trial_end(&tried.trial, &object);
	assert_int_equal(tried.trial.n_arenas, 0);
	assert_int_equal(make(&tried, 0, LARGEST + 1, true).where, STINGY_NOWHERE);
	assert_int_equal(tried.trial.beside[0].allocations, 0);
	stingy_trial_fini(&tried.trial);
}

/* Two are full, one is large; the first ends before the others begin. */
static void the_high_slab_takes_what_was_beside(void **state)
{
	struct stingy_object beside;
	struct tried tried;

	(void)state;
	begin(&tried, 1);
	make(&tried, 0, 60, true);
	make(&tried, 0, 60, true);
	beside = make(&tried, 0, 60, true);
	stingy_trial_end(&tried.trial, &beside);
	make(&tried, 0, 60, true);
	make(&tried, 0, 1001, true);
	assert_int_equal(tried.trial.beside[0].allocations, 3);
	assert_int_equal(tried.trial.beside[0].max_live, 2);
	stingy_plan_add_high(&tried.plan, &tried.trial, &choices, LARGEST);
	stingy_trial_fini(&tried.trial);
	assert_int_equal(tried.plan.n_regions, 2);
	assert_int_equal(tried.kind.high, 1);
	assert_int_equal(tried.region[1].offset, 1024);
	assert_int_equal(tried.region[1].slot, 1008);
	assert_int_equal(tried.region[1].count, 3);
	assert_int_equal(tried.plan.slab.high, 3072);
	stingy_trial_init(&tried.trial, &tried.plan, LARGEST);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(make(&tried, 0, 60, true).where, STINGY_IN_REGION);
	assert_int_equal(make(&tried, 0, 1008, true).where, STINGY_IN_HIGH_REGION);
	assert_int_equal(make(&tried, 0, 1009, true).where, STINGY_BESIDE);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(make(&tried, 0, 60, true).where, STINGY_IN_HIGH_REGION);
	assert_int_equal(make(&tried, 0, 60, true).where, STINGY_BESIDE);
	assert_int_equal(tried.trial.served, 5);
	stingy_trial_fini(&tried.trial);
}

static void it_has_no_more_than_fits(void **state)
{
	struct tried tried;

	(void)state;
	begin(&tried, 1);
	for (unsigned i = 0; i < 100; i++)
		make(&tried, 0, 1024, true);
	stingy_plan_add_high(&tried.plan, &tried.trial, &choices, 3 * 1024);
	assert_int_equal(tried.region[1].count, 3);
	assert_int_equal(tried.plan.slab.high, 3 * 1024);
	stingy_trial_fini(&tried.trial);
	begin(&tried, 1);
	make(&tried, 0, 2048, true);
	stingy_plan_add_high(&tried.plan, &tried.trial, &choices, 1024);
	assert_int_equal(tried.plan.n_regions, 1);
	assert_int_equal(tried.plan.slab.high, 0);
	assert_int_equal(tried.kind.high, UINT32_MAX);
	stingy_trial_fini(&tried.trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_threads_get_the_arenas),
		cmocka_unit_test(who_comes_before_a_loop_counts),
		cmocka_unit_test(slots_go_back_to_their_arena),
		cmocka_unit_test(units_without_a_place_are_left_alone),
		cmocka_unit_test(the_high_slab_takes_what_was_beside),
		cmocka_unit_test(it_has_no_more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
