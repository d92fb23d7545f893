/*
 * The set of sites: the longest chain that matches is found, whatever else is in it; what contradicts itself is
 * refused; memory does not grow with the addresses that are not managed.
 *
 * Chains are made of real addresses, of the C library's text, as sites are bound to loaded modules; the stack they are
 * found on is made up.
 */
#define _GNU_SOURCE
#include "../shim/sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#define PROGRAM   0u
#define LIBC      1u
#define STRANGER  2u /* a module that is not loaded */
#define MODULES   4u
#define ADDRESSES 50000u
#define DEPTH_MAX 4u /* of random chains */

static struct stingy_sites sites;
static size_t memory_size;
static struct stingy_manifest_module named[MODULES];
static uint64_t libc_text; /* file offset of libc's text, */
static size_t libc_size;   /* and how many bytes of it */
static uintptr_t libc_low;
static struct stingy_sites_kind kinds[ADDRESSES + 10];
static uint32_t n_kinds;
static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static int name_module(const struct stingy_module *module, void *data)
{
	bool is_libc = strstr(module->path, "/libc.so.6") != NULL;
	struct stingy_manifest_module *name = &named[module->is_program ? PROGRAM : LIBC];

	(void)data;
	if (!module->is_program && !is_libc)
		return 0;
	name->id_len = module->id_len;
	memcpy(name->id, module->id, module->id_len);
	if (is_libc) {
		libc_text = module->segment[0].offset;
		libc_low = module->segment[0].low;
		libc_size = module->segment[0].high - module->segment[0].low;
	}
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	stingy_modules_each(name_module, NULL);
	named[STRANGER].id_len = 20;
	named[STRANGER + 1].id_len = 20;
	return libc_size > 500000 && named[PROGRAM].id_len ? 0 : -1;
}

static void make(void)
{
	if (memory_size)
		munmap(sites.tables[0], memory_size);
	memory_size = stingy_sites_memory(ADDRESSES, MODULES);
	void *at = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	n_kinds = 0;
	stingy_sites_init(&sites, ADDRESSES, MODULES, kinds, at);
	for (unsigned i = 0; i < MODULES; i++)
		stingy_sites_add_module(&sites, &named[i]);
}

static uint64_t offset_of(uint32_t place)
{
	return libc_text + 16 + place;
}

static uintptr_t address_of(uint32_t place)
{
	return libc_low + 16 + place;
}

/* The frame of each place has a size of its own. */
static unsigned frame_words(uint32_t place)
{
	return 2 + place % 5;
}

static struct stingy_manifest_site site_of(const uint32_t *places, uint32_t depth)
{
	struct stingy_manifest_site site = {.depth = depth};

	for (uint32_t i = 0; i < depth; i++) {
		site.chain[i] = (struct stingy_address){.module = LIBC, .offset = offset_of(places[i])};
		if (i + 1 < depth)
			site.chain[i].rule = (struct stingy_rule){.cfa = (int32_t)(8 * frame_words(places[i])),
								  .base = STINGY_RULE_SP};
	}
	return site;
}

/* Adds the site, of a kind of its own. */
static int add_site(struct stingy_manifest_site *site, uint32_t region, uint32_t limit)
{
	site->kind = n_kinds;
	kinds[n_kinds++] = (struct stingy_sites_kind){.limit = limit, .region = region, .high = UINT32_MAX};
	return stingy_sites_add(&sites, site);
}

static int add(const uint32_t *places, uint32_t depth, uint32_t region, uint32_t limit)
{
	struct stingy_manifest_site site = site_of(places, depth);

	return add_site(&site, region, limit);
}

/* Which sort of answer the quick walk has given, so often. */
static unsigned long quick_hits, quick_misses, not_quick;

#define REGION_SIZE 128u

/* The quick walk must say what the whole one says, or that it cannot tell. */
static void check_quick(const struct stingy_node *node, const struct stingy_frame *call,
			const struct stingy_stack *stack, const struct stingy_sites_kind *found)
{
	if (node->next_at != 0) {
		assert_true(call->sp + node->next_ends <= stack->high);
		node = stingy_sites_walk(&sites, node, call->sp);
	}
	if (node->quick != 0) {
		assert_int_equal(node->quick, found->limit + 1);
		assert_int_equal(node->region, found->region * REGION_SIZE);
		quick_hits++;
	} else if (node == &stingy_sites_unmanaged) {
		assert_null(found);
		quick_misses++;
	} else {
		not_quick++;
	}
}

/* Matches a stack on which the places are, from the call outwards. */
static const struct stingy_sites_kind *match(const uint32_t *places, uint32_t depth)
{
	uintptr_t words[2 + 6 * (STINGY_DEPTH_MAX + DEPTH_MAX)] = {0};
	struct stingy_stack stack = {(uintptr_t)words, (uintptr_t)words + sizeof(words)};
	struct stingy_frame call = {.ra = address_of(places[0]), .sp = (uintptr_t)(words + 2)};
	size_t at = 2;

	for (uint32_t i = 1; i < depth; i++) {
		at += frame_words(places[i - 1]);
		words[at - 1] = address_of(places[i]);
	}
	const struct stingy_node *first = stingy_sites_find(&sites, STINGY_ROOT_KEY, call.ra);
	if (!first || first == &stingy_sites_unmanaged)
		return NULL;
	uint32_t kind = stingy_sites_match(&sites, first, &call, &stack);
	const struct stingy_sites_kind *found = kind == UINT32_MAX ? NULL : &kinds[kind];
	check_quick(first, &call, &stack, found);
	return found;
}

/* As at the end of a manifest. */
static void settle_and_bind(void)
{
	stingy_sites_settle(&sites, REGION_SIZE, true);
	stingy_sites_bind(&sites);
}

static uint32_t limit_of(const struct stingy_sites_kind *kind)
{
	return kind ? kind->limit : 0;
}

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
	places[0] = next_random() % 100;
	for (uint32_t i = 1; i < DEPTH_MAX; i++)
		places[i] = next_random() % (i == 1 ? 40 : 20);
}

static void fill_with_random_sites(void)
{
	for (uint32_t n = 0; n < SITES;) {
		struct known *site = &known[n];

		random_chain(site->places);
		site->depth = next_random() % 100 == 0 ? 1 : 2 + next_random() % 3;
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
	print_message("# seed %u\n", random_state);
	make();
	memset(known, 0, sizeof(known));
	fill_with_random_sites();
	settle_and_bind();
	for (uint32_t i = 0; i < QUERIES; i++) {
		uint32_t places[DEPTH_MAX], limit;

		random_chain(places);
		if (i % 3 == 0) /* one that is there */
			memcpy(places, known[next_random() % SITES].places, sizeof(places));
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
	print_message("# seed %u\n", random_state);
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
			memcpy(places, known[next_random() % n].places, sizeof(places));
		if (i % 4 == 0)
			places[1 + next_random() % (DEPTH_MAX - 1)] = 45000; /* where nobody has been */
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
		cmocka_unit_test(test_ten_thousand_sites),
		cmocka_unit_test(test_the_quick_walk_alone),
		cmocka_unit_test(test_what_is_no_return_address_leads_nowhere),
		cmocka_unit_test(test_who_is_led_astray_goes_no_further),
		cmocka_unit_test(test_one_address_behind_many),
		cmocka_unit_test(test_unmanaged_addresses_are_bounded),
		cmocka_unit_test(test_the_table_is_never_more_than_half_full),
		cmocka_unit_test(test_modules_that_are_not_loaded),
	};

	random_state = (uint32_t)time(NULL) | 1;
	return cmocka_run_group_tests(tests, set_up, NULL);
}
