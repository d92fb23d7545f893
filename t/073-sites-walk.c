/*
 * The set of sites, at random: thousands of them against a search that looks at every one; and the quick walk by
 * itself, which is never led where it must not read.
 */
#define _GNU_SOURCE
#include "made-sites.h"
#include "seed.h"

#include <time.h>

#define SITES   10000u
#define QUERIES 3000u

struct known {
	uint32_t places[DEPTH_MAX];
	uint32_t depth, limit;
};

static struct known known[SITES];

/* What is to be found: the longest of all that the stack begins with. Looks at every site. */
static uint32_t expected_limit(const uint32_t *places)
{
	uint32_t depth = 0, limit = 0;

	for (uint32_t i = 0; i < SITES; i++)
		if (known[i].depth > depth && memcmp(known[i].places, places, known[i].depth * sizeof(*places)) == 0) {
			depth = known[i].depth;
			limit = known[i].limit;
		}
	return limit;
}

/* A random chain; few addresses outside, many inside, so that sites share beginnings. */
static void random_chain(uint32_t *places)
{
	places[0] = below(100);
	for (uint32_t i = 1; i < DEPTH_MAX; i++)
		places[i] = below(i == 1 ? 40 : 20);
}

static void fill_with_random_sites(void)
{
	for (uint32_t n = 0; n < SITES;) {
		struct known *site = &known[n];

		random_chain(site->places);
		site->depth = below(100) == 0 ? 1 : 2 + below(3);
		site->limit = n + 1;
		bool is_new = true;
		for (uint32_t i = 0; i < n && is_new; i++)
			is_new = known[i].depth != site->depth ||
				 memcmp(known[i].places, site->places, site->depth * sizeof(*site->places)) != 0;
		/* It must be refused exactly if it was there before. */
		assert_int_equal(add(site->places, site->depth, n % 3, site->limit), is_new ? 0 : -1);
		n += is_new;
	}
}

static void test_ten_thousand_sites(void **state)
{
	uint32_t found[DEPTH_MAX + 1] = {0};

	(void)state;
	seed_random((unsigned)time(NULL));
	make();
	memset(known, 0, sizeof(known));
	fill_with_random_sites();
	settle_and_bind();
	for (uint32_t i = 0; i < QUERIES; i++) {
		uint32_t places[DEPTH_MAX], limit;

		random_chain(places);
		if (i % 3 == 0) /* one that is there */
			memcpy(places, known[below(SITES)].places, sizeof(places));
		limit = limit_of(match(places, DEPTH_MAX));
		assert_int_equal(limit, expected_limit(places));
		found[limit ? known[limit - 1].depth : 0]++;
	}
	for (uint32_t depth = 0; depth <= DEPTH_MAX; depth++)
		assert_true(found[depth] > 0);
	print_message("# %lu quick hits, %lu quick misses, %lu others\n", quick_hits, quick_misses, not_quick);
	assert_true(quick_hits > 30 && quick_misses > 30 && not_quick > 0);
}

/* Where no site is the beginning of another, the quick walk says all, over forks and where there is but one way on. */
static void test_the_quick_walk_alone(void **state)
{
	unsigned long before = not_quick;
	uint32_t n = 0, n_found = 0;

	(void)state;
	seed_random((unsigned)time(NULL));
	make();
	memset(known, 0, sizeof(known));
	for (unsigned i = 0; i < 1500; i++) {
		struct known *site = &known[n];

		random_chain(site->places);
		site->depth = DEPTH_MAX;
		site->limit = n + 1;
		n += add(site->places, site->depth, n % 3, site->limit) == 0;
	}
	settle_and_bind();
	for (uint32_t i = 0; i < QUERIES; i++) {
		uint32_t places[DEPTH_MAX];

		random_chain(places);
		if (i % 2 == 0)
			memcpy(places, known[below(n)].places, sizeof(places));
		if (i % 4 == 0)
			places[1 + below(DEPTH_MAX - 1)] = 45000; /* where nobody has been */
		uint32_t limit = limit_of(match(places, DEPTH_MAX));
		assert_int_equal(limit, expected_limit(places));
		n_found += limit != 0;
	}
	assert_true(n_found > QUERIES / 8);
	assert_int_equal(not_quick, before);
}

static const uint32_t fork_a[] = {1, 2}, fork_b[] = {1, 3}, far[] = {4, 9, 14, 19};

/* Where the quick walk leads that finds this on the stack, in the frame of place 1; NULL: nowhere. Further out, a walk
 * from place 4 would go on to its end. */
static const struct stingy_node *walk_on(uintptr_t word)
{
	uintptr_t words[64] = {0};
	const struct stingy_node *first = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(1));

	assert_true(first->next_at != 0 && first->fork != 0);
	words[first->next_at / sizeof(uintptr_t)] = word;
	const struct stingy_node *node = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(far[0]));
	for (unsigned i = 1; i < 4; i++, node++)
		words[node->next_at / sizeof(uintptr_t)] = address_of(far[i]);
	const struct stingy_node *end = stingy_sites_walk(&sites, first, (uintptr_t)words);
	return end == &stingy_sites_unmanaged ? NULL : end;
}

static void make_fork(void)
{
	make();
	assert_int_equal(add(fork_a, 2, 0, 100), 0);
	assert_int_equal(add(fork_b, 2, 0, 200), 0);
	assert_int_equal(add(far, 4, 0, 300), 0);
	settle_and_bind();
	assert_int_equal(walk_on(address_of(2))->quick, 101);
	assert_int_equal(walk_on(address_of(3))->quick, 201);
}

/* By a rule that is wrong, anything may stand where a return address should. */
static void test_what_is_no_return_address_leads_nowhere(void **state)
{
	(void)state;
	make_fork();
	uint64_t key = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(1))->fork;
	for (uintptr_t word = 0; word < 1000; word++) {
		assert_null(walk_on(word));
		assert_null(walk_on(-word));
		assert_null(walk_on(word - key)); /* adds up to the key of an empty place */
	}
}

/* A reader that was held up may be led to any node, but never reads further than it has been looked at whether it may.
 */
static void test_who_is_led_astray_goes_no_further(void **state)
{
	(void)state;
	make_fork();
	const struct stingy_node *other = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(4));
	const struct stingy_node *right = walk_on(address_of(2));
	for (uint64_t i = 0; i <= sites.mask; i++)
		if (sites.edges[i].to == right)
			sites.edges[i].to = other;
	assert_null(walk_on(address_of(2)));
	assert_int_equal(walk_on(address_of(3))->quick, 201);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_thousand_sites),
		cmocka_unit_test(test_the_quick_walk_alone),
		cmocka_unit_test(test_what_is_no_return_address_leads_nowhere),
		cmocka_unit_test(test_who_is_led_astray_goes_no_further),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
