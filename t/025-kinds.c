/* Object kinds: the shortest keys that keep apart what differs, no key past what a walker cannot pass. */
#include "../solver/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define CHAINS_MAX 8u
#define MANY       100u

/* A census by hand: chains with what became of their objects. */
struct made {
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_census census;
	uint32_t itself[CHAINS_MAX];
	struct stingy_kinds kinds;
};

static int begin(void **state)
{
	static struct made made;

	stingy_places_init(&made.places);
	stingy_chains_init(&made.chains);
	for (uint32_t i = 0; i < CHAINS_MAX; i++)
		made.itself[i] = i;
	stingy_census_init(&made.census, CHAINS_MAX, made.itself, 2, false);
	*state = &made;
	return 0;
}

static int end(void **state)
{
	struct made *made = *state;

	stingy_kinds_fini(&made->kinds);
	stingy_census_fini(&made->census);
	stingy_chains_fini(&made->chains);
	stingy_places_fini(&made->places);
	return 0;
}

/* A chain of return addresses; those below 0x10 have no rule, those above lead on. */
static uint32_t chain(struct made *made, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t offset[] = {a, b, c};
	uint32_t place[3], depth = 0;

	for (; depth < 3 && offset[depth]; depth++) {
		struct stingy_trace_frame frame = {.offset = offset[depth]};

		if (offset[depth] >= 0x10)
			frame.rule = (struct stingy_rule){.cfa = 16, .base = STINGY_RULE_SP};
		place[depth] = stingy_places_add(&made->places, 0, &frame);
	}
	return stingy_chains_add(&made->chains, place, depth, true);
}

static void allocate(struct made *made, uint32_t chain_number, uint64_t n, uint64_t size, enum stingy_fate fate)
{
	struct stingy_run run = {.stage = 0};
	struct stingy_object object = {.address = 16, .unit = chain_number, .serving = true};

	for (uint64_t i = 0; i < n; i++) {
		stingy_census_begin(&made->census, &object, size, 1, &run);
		stingy_census_end(&made->census, &object, fate, &run);
	}
	stingy_run_fini(&run);
}

static void set_up(struct made *made, uint32_t chain_number, uint64_t n)
{
	struct stingy_object object = {.address = 16, .unit = chain_number};

	for (uint64_t i = 0; i < n; i++) {
		stingy_census_begin(&made->census, &object, 64, 1, NULL);
		stingy_census_left(&made->census, &object, STINGY_FATE_UNKNOWN);
	}
}

static void find_kinds(struct made *made)
{
	stingy_kinds_init(&made->kinds, &made->census, &made->chains, &made->places, 99, 1 << 20);
}

static void one_frame_is_enough_where_all_agree(void **state)
{
	struct made *made = *state;

	allocate(made, chain(made, 0x10, 0x20, 0x30), MANY, 64, STINGY_FATE_TASK);
	allocate(made, chain(made, 0x10, 0x20, 0x31), MANY, 64, STINGY_FATE_TASK);
	allocate(made, chain(made, 0x10, 0x21, 0x30), MANY, 60, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_kinds, 1);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 1);
}

static void sizes_are_kept_apart(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x10, 0x20, 0x30), b = chain(made, 0x10, 0x20, 0x31);
	uint32_t c = chain(made, 0x10, 0x21, 0x30);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	allocate(made, b, MANY, 512, STINGY_FATE_TASK);
	allocate(made, c, MANY, 64, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 3);
	assert_int_equal(made->kinds.site[0].depth, 3);
	assert_int_equal(made->kinds.site[1].depth, 3);
	assert_int_equal(made->kinds.site[2].depth, 2);
	/* The two of one size and lifetime are one kind, at two sites. */
	assert_int_equal(made->kinds.n_kinds, 2);
	assert_int_equal(made->kinds.kind_of[a], made->kinds.kind_of[c]);
	assert_int_not_equal(made->kinds.kind_of[a], made->kinds.kind_of[b]);
}

static void what_stays_is_kept_out(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x10, 0x20, 0), b = chain(made, 0x10, 0x21, 0);
	uint32_t c = chain(made, 0x10, 0x22, 0), d = chain(made, 0x10, 0x23, 0);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	set_up(made, b, MANY);
	allocate(made, c, MANY, 64, STINGY_FATE_LEFT);
	set_up(made, d, 1); /* rare, but for good */
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 2);
	assert_int_equal(made->kinds.kind_of[a], 0);
	assert_int_equal(made->kinds.kind_of[b], STINGY_NO_UNIT);
	assert_int_equal(made->kinds.kind_of[c], STINGY_NO_UNIT);
	assert_int_equal(made->kinds.kind_of[d], STINGY_NO_UNIT);
}

static void rare_chains_go_with_their_neighbours(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x10, 0x20, 0), b = chain(made, 0x10, 0x21, 0);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	allocate(made, b, 2, 4096, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 1);
	assert_int_equal(made->kinds.kind_of[b], 0);
}

static void no_key_leads_past_an_unknown_rule(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x1, 0x20, 0), b = chain(made, 0x1, 0x21, 0);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	allocate(made, b, MANY / 2, 512, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 1);
}

static void the_majority_decides_what_cannot_be_kept_apart(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x1, 0x20, 0), b = chain(made, 0x1, 0x21, 0);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	set_up(made, b, MANY + 1);
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 0);
	assert_int_equal(made->kinds.n_kinds, 0);
}

/* The heaviest chain is of the lesser signature. */
static void the_majority_is_one_of_signatures(void **state)
{
	struct made *made = *state;

	allocate(made, chain(made, 0x1, 0x20, 0), MANY, 64, STINGY_FATE_TASK_END);
	allocate(made, chain(made, 0x1, 0x21, 0), MANY - 10, 64, STINGY_FATE_TASK);
	allocate(made, chain(made, 0x1, 0x22, 0), MANY - 10, 64, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_kinds, 1);
	assert_int_equal(made->kinds.kind[0].class, STINGY_CLASS_PER_TASK);
}

static void set_up_objects_that_stay_count(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x10, 0x20, 0);

	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	set_up(made, a, MANY / 2);
	find_kinds(made);
	assert_int_equal(made->kinds.n_kinds, 0);
}

static void no_key_leads_past_a_disputed_rule(void **state)
{
	struct made *made = *state;
	struct stingy_trace_frame frame = {.offset = 0x10, .rule = {.cfa = 32, .base = STINGY_RULE_SP}};
	uint32_t a = chain(made, 0x10, 0x20, 0), b = chain(made, 0x10, 0x21, 0);

	stingy_places_add(&made->places, 0, &frame);
	allocate(made, a, MANY, 64, STINGY_FATE_TASK);
	allocate(made, b, MANY / 2, 512, STINGY_FATE_TASK);
	find_kinds(made);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 1);
}

static void kinds_are_not_grouped_beyond_a_tasks_bytes(void **state)
{
	struct made *made = *state;

	allocate(made, chain(made, 0x10, 0, 0), MANY, 64, STINGY_FATE_TASK);
	allocate(made, chain(made, 0x11, 0, 0), MANY, 64, STINGY_FATE_TASK);
	allocate(made, chain(made, 0x12, 0, 0), MANY, 64, STINGY_FATE_TASK);
	stingy_kinds_init(&made->kinds, &made->census, &made->chains, &made->places, 99, 128);
	assert_int_equal(made->kinds.n_sites, 3);
	assert_int_equal(made->kinds.n_kinds, 2);
}

/* One of a chain has ended unseen: that is left alone, and so is what cannot be told from it. */
static void what_ends_unseen_is_never_managed(void **state)
{
	struct made *made = *state;
	uint32_t a = chain(made, 0x1, 0x20, 0), b = chain(made, 0x1, 0x21, 0);
	uint32_t c = chain(made, 0x10, 0x20, 0), d = chain(made, 0x10, 0x21, 0);

	allocate(made, a, 1, 64, STINGY_FATE_TASK);
	allocate(made, b, MANY, 64, STINGY_FATE_TASK);
	allocate(made, c, 1, 64, STINGY_FATE_TASK);
	allocate(made, d, MANY, 64, STINGY_FATE_TASK);
	made->census.unit[a].unseen_ends = made->census.unit[c].unseen_ends = 1;
	find_kinds(made);
	assert_int_equal(made->kinds.kind_of[a], STINGY_NO_UNIT);
	assert_int_equal(made->kinds.kind_of[b], STINGY_NO_UNIT);
	assert_int_equal(made->kinds.kind_of[c], STINGY_NO_UNIT);
	assert_int_equal(made->kinds.kind_of[d], 0);
	assert_int_equal(made->kinds.n_sites, 1);
	assert_int_equal(made->kinds.site[0].depth, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_frame_is_enough_where_all_agree),
		TEST(sizes_are_kept_apart),
		TEST(what_stays_is_kept_out),
		TEST(rare_chains_go_with_their_neighbours),
		TEST(no_key_leads_past_an_unknown_rule),
		TEST(the_majority_decides_what_cannot_be_kept_apart),
		TEST(the_majority_is_one_of_signatures),
		TEST(set_up_objects_that_stay_count),
		TEST(no_key_leads_past_a_disputed_rule),
		TEST(what_ends_unseen_is_never_managed),
		TEST(kinds_are_not_grouped_beyond_a_tasks_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
