/* Samples of sizes, and what they cluster around. */
#include "../solver/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(struct stingy_spread *spread, uint64_t value, unsigned times)
{
	while (times--)
		stingy_spread_add(spread, value);
}

static void has_nothing_at_first(void **state)
{
	struct stingy_spread spread = {.n = 0};
	struct stingy_spread_cluster cluster[2];

	(void)state;
	assert_int_equal(stingy_spread_most(&spread), 0);
	assert_int_equal(stingy_spread_clusters(&spread, cluster, 2), 0);
	stingy_spread_fini(&spread);
}

static void keeps_each_value_once_and_in_order(void **state)
{
	struct stingy_spread spread = {.n = 0};

	(void)state;
	add(&spread, 300, 2);
	add(&spread, 100, 1);
	add(&spread, 200, 3);
	add(&spread, 100, 4);
	assert_int_equal(spread.n, 3);
	assert_int_equal(spread.count, 10);
	assert_int_equal(spread.at[0].value, 100);
	assert_int_equal(spread.at[0].count, 5);
	assert_int_equal(spread.at[2].value, 300);
	assert_int_equal(stingy_spread_most(&spread), 300);
	stingy_spread_fini(&spread);
}

/* Of a hundred values one may be beyond what covers 99 percent, two may not. */
static void most_values_are_covered(void **state)
{
	struct stingy_spread spread = {.n = 0};

	(void)state;
	assert_int_equal(stingy_spread_cover(&spread, 99), 0);
	add(&spread, 100, 99);
	add(&spread, 900, 1);
	assert_int_equal(stingy_spread_cover(&spread, 99), 100);
	assert_int_equal(stingy_spread_cover(&spread, 100), 900);
	add(&spread, 900, 1);
	assert_int_equal(stingy_spread_cover(&spread, 99), 900);
	stingy_spread_fini(&spread);
}

/* 1,000 and 1,100 are near each other, 1,500 is not: it is more than an eighth away. 10,000 and 11,000 are near. */
static void values_cluster_by_gaps(void **state)
{
	struct stingy_spread spread = {.n = 0};
	struct stingy_spread_cluster cluster[4];

	(void)state;
	add(&spread, 1000, 3);
	add(&spread, 1100, 1);
	add(&spread, 1500, 2);
	add(&spread, 10000, 1);
	add(&spread, 11000, 1);
	assert_int_equal(stingy_spread_clusters(&spread, cluster, 4), 3);
	assert_int_equal(cluster[0].least, 1000);
	assert_int_equal(cluster[0].most, 1100);
	assert_int_equal(cluster[0].mean, 1025);
	assert_int_equal(cluster[0].count, 4);
	assert_int_equal(cluster[1].mean, 1500);
	assert_int_equal(cluster[2].mean, 10500);
	stingy_spread_fini(&spread);
}

static void small_values_are_near_each_other(void **state)
{
	struct stingy_spread spread = {.n = 0};
	struct stingy_spread_cluster cluster[4];

	(void)state;
	add(&spread, 0, 1);
	add(&spread, STINGY_SPREAD_GAP, 1);
	add(&spread, 2 * STINGY_SPREAD_GAP + 1, 1);
	assert_int_equal(stingy_spread_clusters(&spread, cluster, 4), 2);
	assert_int_equal(cluster[0].most, STINGY_SPREAD_GAP);
	stingy_spread_fini(&spread);
}

static void the_largest_clusters_are_told_in_order(void **state)
{
	struct stingy_spread spread = {.n = 0};
	struct stingy_spread_cluster cluster[2];

	(void)state;
	add(&spread, 1000, 1);
	add(&spread, 2000, 5);
	add(&spread, 4000, 2);
	add(&spread, 8000, 7);
	assert_int_equal(stingy_spread_clusters(&spread, cluster, 2), 4);
	assert_int_equal(cluster[0].mean, 2000);
	assert_int_equal(cluster[1].mean, 8000);
	assert_int_equal(stingy_spread_clusters(&spread, cluster, 0), 4);
	stingy_spread_fini(&spread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_nothing_at_first),
		cmocka_unit_test(keeps_each_value_once_and_in_order),
		cmocka_unit_test(most_values_are_covered),
		cmocka_unit_test(values_cluster_by_gaps),
		cmocka_unit_test(small_values_are_near_each_other),
		cmocka_unit_test(the_largest_clusters_are_told_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
