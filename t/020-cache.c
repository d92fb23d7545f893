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
		"",
		"1M",
		"1M,8",
		"1M,8,",
		"1M,8,64,",
		"1M,8,64 ",
		"-1M,8,64",
		" 1M,8,64",
		"1M,0,64",
		"0,8,64",
		"1M,8,0",
		"1M,8,48",
		"1M,7,64",
		"1M,8,8",
		"1M,8,4096",
		"1MM,8,64",
		"1G,8,64",
		"5000M,8,64",
		"4294967296,8,64",
		"x,8,64",
		"1M;8;64",
		"99999999999999999999,8,64",
	};
	struct stingy_cache cache;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (stingy_cache_parse(bad[i], &cache) != -1)
			fail_msg("'%s' was taken", bad[i]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_sizes_with_suffixes),
		cmocka_unit_test(refuses_what_is_no_cache),
		cmocka_unit_test(detects_what_it_would_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
