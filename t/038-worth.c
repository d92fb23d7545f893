/* Whether a manifest is worth its while: what the tasks keep against the slab, the prediction, and the order. */
#include "../solver/worth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TASKS 100u
#define SIZE  1024u /* bytes of the object that each keeps: all of them are 100 KiB */
#define FIT   20u   /* tasks, by all that one keeps */

#define SMALL (64u << 10) /* caches, all of which are slab */
#define LARGE (256u << 10)

/* One kind, of which each task kept an object; and a load that is the traces'. */
struct made {
	struct stingy_solve solve;
	struct stingy_solve_options options;
	struct stingy_kind kind;
	struct stingy_served served;
	struct stingy_unit unit;
	struct stingy_account account;
};

static void make(struct made *made, uint32_t cache, double avoided)
{
	*made = (struct made){
		.options = {.share = 1000000},
		.unit = {.served = &made->served, .max_live = TASKS, .estimate = SIZE, .max_align = 16},
	};
	made->solve.options = &made->options;
	made->solve.cache = (struct stingy_cache){.size = cache, .ways = 8, .line = 64};
	made->solve.kinds.kind = &made->kind;
	made->solve.kinds.n_kinds = 1;
	made->solve.census.unit = &made->unit;
	made->solve.census.max_tasks = made->solve.census.max_tasks_in_thread = TASKS;
	made->solve.census.serving = made->solve.served = TASKS;
	made->solve.schedule = (struct stingy_schedule){.is_wanted = true, .fit = FIT, .crowd = 1000};
	made->account.solve = &made->solve;
	made->account.n_loads = 1;
	made->account.load[0] = (struct stingy_account_load){.tasks = TASKS, .avoided = avoided};
}

static struct stingy_worth worth_of(const struct made *made)
{
	struct stingy_worth worth;

	stingy_worth_init(&worth, &made->account);
	return worth;
}

static void assert_reason(const struct stingy_worth *worth, const char *wanted)
{
	char text[512];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	stingy_worth_print_reason(worth, out);
	fclose(out);
	if (!strstr(text, wanted))
		fail_msg("no '%s' in '%s'", wanted, text);
}

static void misses_to_avoid_are_worth_it(void **state)
{
	struct made made;
	struct stingy_worth worth;

	(void)state;
	make(&made, SMALL, 3);
	worth = worth_of(&made);
	assert_int_equal(worth.answer, STINGY_WORTH_RUN);
	assert_true(stingy_worth_is_advised(&worth));
	assert_reason(&worth, ": 64 fit; 100.0% of the allocations are expected from the arena, and 3 misses a task");
	made.solve.served = 0;
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_ORDER);
}

static void what_fits_is_not(void **state)
{
	struct made made;
	struct stingy_worth worth;

	(void)state;
	make(&made, LARGE, 3);
	worth = worth_of(&made);
	assert_int_equal(worth.answer, STINGY_WORTH_FITS);
	assert_false(stingy_worth_is_advised(&worth));
	assert_reason(&worth, "they fit by themselves; ask again for more than 256 tasks at once");
}

/* squid: what its connections keep lies outside the arena, and yet fewer tasks under way find the cache warmer. */
static void order_is_worth_a_try(void **state)
{
	struct made made;
	struct stingy_worth worth;

	(void)state;
	make(&made, SMALL, 0);
	worth = worth_of(&made);
	assert_int_equal(worth.answer, STINGY_WORTH_TRY);
	assert_true(stingy_worth_is_advised(&worth));
	assert_reason(&worth,
		      "at most 100 tasks at once kept 100 KiB, 1024 bytes each, and 64 KiB of the cache are for "
		      "them: 64 fit; the arena by itself is predicted to avoid hardly a miss");
	made.solve.served = 0;
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_ORDER);
}

static void where_there_is_something_to_order(void **state)
{
	struct made made;
	struct stingy_worth worth;

	(void)state;
	make(&made, SMALL, 0);
	made.solve.schedule.fit = TASKS;
	worth = worth_of(&made);
	assert_int_equal(worth.answer, STINGY_WORTH_FITS);
	assert_reason(&worth, ": the arena is predicted to avoid hardly a miss");
	made.solve.schedule.fit = FIT;
	made.solve.census.max_tasks_in_thread = FIT; /* of several, each of which has as many as fit */
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_FITS);
	made.solve.census.max_tasks_in_thread = TASKS;
	made.solve.schedule.why_not = "no loop";
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_FITS);
	made.solve.schedule.why_not = NULL;
	made.solve.schedule.is_wanted = false;
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_FITS);
}

static void nothing_to_hold(void **state)
{
	struct made made;

	(void)state;
	make(&made, SMALL, 3);
	made.solve.nothing = "no allocations";
	assert_int_equal(worth_of(&made).answer, STINGY_WORTH_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misses_to_avoid_are_worth_it),
		cmocka_unit_test(what_fits_is_not),
		cmocka_unit_test(order_is_worth_a_try),
		cmocka_unit_test(where_there_is_something_to_order),
		cmocka_unit_test(nothing_to_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
