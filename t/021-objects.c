/* The table of live objects against a plain array, and the sizes that cover a share of the allocations. */
#include "../solver/objects.h"
#include "../solver/sizes.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 5000u
#define STEPS     200000u

/* Addresses that differ as a heap's do, so that some have the same home. */
static uint64_t address_of(unsigned i)
{
	return UINT64_C(0x555555554010) + (uint64_t)i * 48;
}

static void is_what_an_array_is(void **state)
{
	static uint32_t run_of[ADDRESSES]; /* 0: not there */
	struct stingy_objects objects = {.n_slots = 0};
	struct stingy_object object;
	size_t n = 0;

	(void)state;
	seed_random(21);
	for (uint32_t step = 1; step <= STEPS; step++) {
		unsigned i = below(ADDRESSES);
		bool there = run_of[i] != 0;

		if (!there && (step / 50000) % 2 == 0) {
			object = (struct stingy_object){.address = address_of(i), .run = step};
			stingy_objects_put(&objects, &object);
			run_of[i] = step;
			n++;
			continue;
		}
		assert_int_equal(stingy_objects_take(&objects, address_of(i), &object), there);
		if (there) {
			assert_int_equal(object.run, run_of[i]);
			run_of[i] = 0;
			n--;
		}
		assert_int_equal(objects.n_objects, n);
	}
	for (unsigned i = 0; i < ADDRESSES; i++)
		assert_int_equal(stingy_objects_take(&objects, address_of(i), &object), run_of[i] != 0);
	assert_int_equal(objects.n_objects, 0);
	stingy_objects_fini(&objects);
}

static void address_0_is_never_there(void **state)
{
	struct stingy_objects objects = {.n_slots = 0};
	struct stingy_object object = {.address = 16};

	(void)state;
	assert_false(stingy_objects_take(&objects, 0, &object));
	stingy_objects_put(&objects, &object);
	assert_false(stingy_objects_take(&objects, 0, &object));
	stingy_objects_fini(&objects);
}

static void covers_a_share(void **state)
{
	struct stingy_sizes sizes;

	(void)state;
	memset(&sizes, 0, sizeof(sizes));
	assert_int_equal(stingy_sizes_cover(&sizes, 99), 0);
	for (unsigned i = 0; i < 99; i++)
		stingy_sizes_add(&sizes, 100);
	stingy_sizes_add(&sizes, 5000);
	assert_int_equal(stingy_sizes_cover(&sizes, 99), 112);
	assert_int_equal(stingy_sizes_cover(&sizes, 100), 5008);
}

/* However large, one fixed size gets a slot of its own size. */
static void a_fixed_size_is_exact(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < 3000000; size = size * 9 / 8 + 1) {
		struct stingy_sizes sizes;
		uint64_t wanted = size ? (size + 15) / 16 * 16 : 16;

		memset(&sizes, 0, sizeof(sizes));
		stingy_sizes_add(&sizes, size);
		assert_int_equal(stingy_sizes_cover(&sizes, 99), wanted);
	}
}

static void steps_rise_with_the_size(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < 4000000; size++)
		if (stingy_sizes_step(size) > stingy_sizes_step(size + 1))
			fail_msg("step of %ju is above the next one's", (uintmax_t)size);
	assert_in_range(stingy_sizes_step(UINT64_MAX), 0, STINGY_SIZES_STEPS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_an_array_is),      cmocka_unit_test(address_0_is_never_there),
		cmocka_unit_test(covers_a_share),           cmocka_unit_test(a_fixed_size_is_exact),
		cmocka_unit_test(steps_rise_with_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
