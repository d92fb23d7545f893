/* The cache's geometry: what --cache takes and refuses, and that the machine's own passes the same check. */
#include "../solver/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void takes_sizes_with_suffixes(void **state)
{
	struct stingy_cache cache;

	(void)state;
	assert_int_equal(stingy_cache_parse("1048576,8,64", &cache), 0);
	assert_int_equal(cache.size, 1048576);
	assert_int_equal(cache.ways, 8);
	assert_int_equal(cache.line, 64);
	assert_int_equal(stingy_cache_parse("32K,8,64", &cache), 0);
	assert_int_equal(cache.size, 32768);
	assert_int_equal(stingy_cache_parse("1m,16,128", &cache), 0);
	assert_int_equal(cache.size, 1048576);
	assert_int_equal(stingy_cache_parse("28672,7,64", &cache), 0);
}

static void refuses_what_is_no_cache(void **state)
{
	static const char *const bad[] = {
		"",         "1M,",        "1000",
		"L2",       "1M,8",       "1M,8,",
		"1M,8,64,", "1M,8,64 ",   "-1M,8,64",
		" 1M,8,64", "1M,0,64",    "0,8,64",
		"1M,8,0",   "1M,8,48",    "1M,7,64",
		"1M,8,8",   "1M,8,4096",  "1MM,8,64",
		"1G,8,64",  "5000M,8,64", "4294967296,8,64",
		"x,8,64",   "1M;8;64",    "99999999999999999999,8,64",
	};
	struct stingy_cache cache;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (stingy_cache_parse(bad[i], &cache) != -1)
			fail_msg("'%s' was taken", bad[i]);
}

static void gives_a_slab_what_it_can_have(void **state)
{
	(void)state;
	assert_int_equal(stingy_cache_slab(&(struct stingy_cache){1 << 20, 8, 64}, 750000), 768 << 10);
	assert_int_equal(stingy_cache_slab(&(struct stingy_cache){10000, 1, 16}, 500000), 4096);
	assert_int_equal(stingy_cache_slab(&(struct stingy_cache){1 << 30, 16, 64}, 750000), STINGY_SLAB_MAX);
	assert_int_equal(stingy_cache_slab(&(struct stingy_cache){1000, 1, 8}, 750000), 0);
}

static void detects_what_it_would_take(void **state)
{
	struct stingy_cache detected, parsed;
	char text[64];

	(void)state;
	assert_int_equal(stingy_cache_detect(99, &detected), -1);
	if (stingy_cache_detect(2, &detected) < 0)
		skip();
	snprintf(text, sizeof(text), "%u,%u,%u", detected.size, detected.ways, detected.line);
	assert_int_equal(stingy_cache_parse(text, &parsed), 0);
	assert_memory_equal(&detected, &parsed, sizeof(parsed));
}

/* The ways and the line of the machine's, or the usual ones: of 8 ways and lines of 64 a mebibyte has whole ones. */
static void takes_a_size_alone(void **state)
{
	struct stingy_cache cache, here;
	char text[32];

	(void)state;
	if (stingy_cache_detect(2, &here) < 0)
		here = (struct stingy_cache){.size = 65536, .ways = 8, .line = 64};
	assert_int_equal(stingy_cache_parse("1048575", &cache), -1);
	snprintf(text, sizeof(text), "%u", 2 * here.ways * here.line);
	assert_int_equal(stingy_cache_parse(text, &cache), 0);
	assert_int_equal(cache.size, 2 * here.ways * here.line);
	assert_int_equal(cache.ways, here.ways);
	assert_int_equal(cache.line, here.line);
}

static void takes_the_name_of_a_level(void **state)
{
	static const char *const others[] = {"", "L", "L0", "L4", "L22", "2", "L2,8,64"};
	struct stingy_cache cache, here;
	unsigned level = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(stingy_cache_named(others[i], &level, &cache), 0);
	assert_true(stingy_cache_sharers(2) >= 1);
	assert_int_equal(stingy_cache_sharers(99), 1);
	if (stingy_cache_detect(2, &here) < 0)
		skip();
	assert_int_equal(stingy_cache_named("L2", &level, &cache), 1);
	assert_int_equal(level, 2);
	assert_memory_equal(&cache, &here, sizeof(here));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_sizes_with_suffixes),
		cmocka_unit_test(refuses_what_is_no_cache),
		cmocka_unit_test(takes_a_size_alone),
		cmocka_unit_test(takes_the_name_of_a_level),
		cmocka_unit_test(gives_a_slab_what_it_can_have),
		cmocka_unit_test(detects_what_it_would_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
