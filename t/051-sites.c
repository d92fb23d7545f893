/*
 * The set of sites: the longest chain that matches is found, whatever else is in it; what contradicts itself is
 * refused; memory does not grow with the addresses that are not managed.
 */
#define _GNU_SOURCE
#include "made-sites.h"

static void test_longest_match(void **state)
{
	static const uint32_t a[] = {1, 2, 3, 4, 5}, b[] = {1, 2, 9, 4, 5}, c[] = {1, 7, 3, 4, 5},
			      d[] = {2, 1, 3, 4, 5};

	(void)state;
	make();
	assert_int_equal(add(a, 2, 0, 200), 0);
	assert_int_equal(add(a, 4, 1, 400), 0);
	assert_int_equal(add(c, 2, 2, 270), 0);
	settle_and_bind();
	assert_int_equal(limit_of(match(a, 5)), 400);
	assert_int_equal(match(a, 4)->region, 1);
	assert_int_equal(limit_of(match(a, 3)), 200);
	assert_int_equal(limit_of(match(b, 5)), 200);
	assert_int_equal(match(b, 5)->region, 0);
	assert_int_equal(limit_of(match(c, 5)), 270);
	assert_null(match(a, 1));
	assert_null(match(d, 5));
	assert_null(match(a + 1, 4));
}

static void test_depths_of_one_to_sixteen(void **state)
{
	static const uint32_t chain[STINGY_DEPTH_MAX] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};

	(void)state;
	make();
	for (uint32_t depth = 1; depth <= STINGY_DEPTH_MAX; depth++)
		assert_int_equal(add(chain, depth, 0, depth * 16), 0);
	settle_and_bind();
	for (uint32_t depth = 1; depth <= STINGY_DEPTH_MAX; depth++)
		assert_int_equal(limit_of(match(chain, depth)), depth * 16);
}

static void test_contradictions_are_refused(void **state)
{
	static const uint32_t chain[] = {1, 2, 3, 4};

	(void)state;
	make();
	assert_int_equal(add(chain, 3, 0, 16), 0);
	assert_int_equal(add(chain, 3, 0, 16), -1); /* the same again */
	assert_int_equal(add(chain, 3, 1, 32), -1); /* for another kind */
	assert_int_equal(add(chain, 2, 1, 32), 0);
	struct stingy_manifest_site site = site_of(chain, 4);
	site.chain[1].rule.cfa += 8;
	assert_int_equal(add_site(&site, 0, 16), -1);
	site = site_of(chain, 4);
	site.chain[0].rule.bp = -16;
	assert_int_equal(add_site(&site, 0, 16), -1);
	assert_int_equal(add(chain, 4, 0, 64), 0);
}

/* The same address behind every other: which edge it is depends on where it leads from alone. */
static void test_one_address_behind_many(void **state)
{
	const uint32_t last = 40000, n = 20000;

	(void)state;
	make();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t chain[] = {i, i % 2 ? last : last + 1};

		assert_int_equal(add(chain, 2, 0, i + 1), 0);
	}
	settle_and_bind();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t chain[] = {i, last};

		assert_int_equal(limit_of(match(chain, 2)), i % 2 ? i + 1 : 0);
	}
}

/* Of the table, for edges. */
static uint32_t n_places(void)
{
	return (uint32_t)sites.mask + 1;
}

static void test_unmanaged_addresses_are_bounded(void **state)
{
	static const uint32_t chain[] = {1, 2};
	uint32_t used = 0;

	(void)state;
	make();
	assert_int_equal(add(chain, 2, 0, 16), 0);
	settle_and_bind();
	for (uint32_t i = 0; i < 3 * sites.most_unmanaged; i++) {
		assert_ptr_equal(stingy_sites_learn(&sites, address_of(1000 + i)), &stingy_sites_unmanaged);
		assert_ptr_equal(stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(1000 + i)),
				 i < sites.most_unmanaged ? &stingy_sites_unmanaged : NULL);
	}
	for (uint32_t i = 0; i < n_places(); i++)
		used += sites.edges[i].key != 0;
	assert_int_equal(used, sites.most_unmanaged + 1); /* the way on from the only one needs none */
	assert_true(used <= n_places() / 2);
	assert_int_equal(limit_of(match(chain, 2)), 16);
}

static void test_the_table_is_never_more_than_half_full(void **state)
{
	(void)state;
	make();
	for (uint32_t n = 0; n < ADDRESSES; n++)
		assert_int_equal(add(&n, 1, 0, 16), 0);
	settle_and_bind();
	for (uint32_t i = 0; i < sites.most_unmanaged; i++)
		stingy_sites_learn(&sites, address_of(ADDRESSES + i));
	assert_true(sites.most_unmanaged >= STINGY_UNMANAGED_LEAST);
	assert_true(2 * (ADDRESSES + sites.most_unmanaged) <= n_places());
	for (uint32_t n = 0; n < ADDRESSES; n += 997)
		assert_int_equal(limit_of(match(&n, 1)), 16);
}

static void test_modules_that_are_not_loaded(void **state)
{
	static const uint32_t chain[] = {1, 2};
	struct stingy_manifest_site site = site_of(chain, 2), own = site_of(chain, 1);

	(void)state;
	make();
	site.chain[1].module = STRANGER;
	assert_int_equal(add_site(&site, 0, 48), 0);
	own.chain[0].module = STRANGER;
	assert_int_equal(add_site(&own, 0, 32), 0);
	settle_and_bind();
	assert_null(match(chain, 2));
	/* The same offset in another module is another address. */
	make();
	assert_int_equal(add_site(&site, 0, 48), 0);
	assert_int_equal(add_site(&own, 0, 32), 0);
	assert_int_equal(add(chain, 2, 1, 64), 0);
	settle_and_bind();
	assert_int_equal(limit_of(match(chain, 2)), 64);
	assert_int_equal(sites.n_here, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_match),
		cmocka_unit_test(test_depths_of_one_to_sixteen),
		cmocka_unit_test(test_contradictions_are_refused),
		cmocka_unit_test(test_one_address_behind_many),
		cmocka_unit_test(test_unmanaged_addresses_are_bounded),
		cmocka_unit_test(test_the_table_is_never_more_than_half_full),
		cmocka_unit_test(test_modules_that_are_not_loaded),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
