/* Frame rules: which are valid, and that text and rule are each other's inverse. */
#include "../manifests/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char *page_end; /* what lies here must not be read */

static int set_up(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	page_end = pages + page;
	return pages == MAP_FAILED || mprotect(page_end, page, PROT_NONE);
}

/* Parses the text where an overread faults. */
static int parse(const char *text, struct stingy_rule *rule)
{
	size_t len = strlen(text);

	return stingy_rule_parse(memcpy(page_end - len, text, len), page_end, rule) == page_end ? 0 : -1;
}

static const struct {
	struct stingy_rule rule;
	const char *text;
} good[] = {
	{{0, 0, STINGY_RULE_NONE}, "none"},
	{{0, 0, STINGY_RULE_END}, "end"},
	{{8, 0, STINGY_RULE_SP}, "sp+8"},
	{{24, 0, STINGY_RULE_SP}, "sp+24"},
	{{56, -16, STINGY_RULE_SP}, "sp+56/bp-16"},
	{{16, -16, STINGY_RULE_BP}, "bp+16/bp-16"},
	{{16, 0, STINGY_RULE_BP}, "bp+16"},
	{{INT32_MAX - 7, INT16_MIN, STINGY_RULE_BP}, "bp+2147483640/bp-32768"},
};

static void test_text_and_rule_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct stingy_rule rule;
		char text[STINGY_RULE_TEXT];

		assert_true(stingy_rule_is_valid(&good[i].rule));
		assert_ptr_equal(stingy_rule_print(&good[i].rule, text), text);
		assert_string_equal(text, good[i].text);
		assert_int_equal(parse(text, &rule), 0);
		assert_int_equal(rule.base, good[i].rule.base);
		assert_int_equal(rule.cfa, good[i].rule.cfa);
		assert_int_equal(rule.bp, good[i].rule.bp);
	}
}

static void test_bad_rules_are_refused(void **state)
{
	static const struct stingy_rule bad[] = {
		{8, 0, STINGY_RULE_NONE},        {0, -16, STINGY_RULE_END}, {0, 0, STINGY_RULE_SP},
		{-8, 0, STINGY_RULE_SP},         {12, 0, STINGY_RULE_SP},   {0, 0, STINGY_RULE_BP},
		{INT32_MIN, 0, STINGY_RULE_BP},  {24, 16, STINGY_RULE_SP},  {24, -8, STINGY_RULE_SP},
		{24, -20, STINGY_RULE_SP},       {16, 8, STINGY_RULE_BP},   {16, 0, STINGY_RULE_BP + 1},
		{16, INT16_MAX, STINGY_RULE_BP}, {16, 0, UINT8_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(stingy_rule_is_valid(&bad[i]));
}

static void test_bad_texts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"n",
		"non",
		"nonee",
		"None",
		"en",
		"ends",
		"s",
		"sp",
		"sp+",
		"sp24",
		"sp-24",
		"sp+0",
		"sp+4",
		"sp+25",
		" sp+24",
		"sp+24 ",
		"sp+24/",
		"sp++24",
		"sp+2x",
		"sp+0x18",
		"sp+24/bp",
		"sp+24/bp-",
		"sp+24/bp-0",
		"sp+24/bp-8",
		"sp+24/bp-17",
		"sp+24/bp+16",
		"sp+24/sp-16",
		"sp+24bp-16",
		"sp+24//bp-16",
		"bp+16/bp-16/",
		"bp+16/bp-16/bp-16",
		"bp+16/bp-32776",
		"bp+16/bp-65552",
		"sp+2147483648",
		"sp+4294967304",
		"sp+18446744073709551640",
		"ap+16",
		"/bp-16",
		"xp+16/bp-16",
	};
	static const char behind[] = "sp+24\0";
	struct stingy_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(bad[i], &rule) == 0)
			fail_msg("accepted '%s'", bad[i]);
	assert_ptr_equal(stingy_rule_parse(behind, behind + 6, &rule), behind + 5);
}

/* Printing must stay within its buffer and never pass for another rule, whatever it is given. */
static void test_random_rules(void **state)
{
	unsigned seed = getenv("STINGY_TEST_SEED") ? (unsigned)atoi(getenv("STINGY_TEST_SEED")) : (unsigned)time(NULL);

	(void)state;
	printf("# seed %u (set STINGY_TEST_SEED to repeat)\n", seed);
	srand(seed);
	for (int i = 0; i < 100000; i++) {
		struct stingy_rule rule = {.base = (uint8_t)(rand() % 5)}, again;
		char text[STINGY_RULE_TEXT];
		int valid;

		rule.cfa = (int32_t)((unsigned)rand() << (rand() % 32));
		rule.bp = (int16_t)((unsigned)rand() << (rand() % 16));
		valid = stingy_rule_is_valid(&rule);
		assert_in_range(strlen(stingy_rule_print(&rule, text)), 3, STINGY_RULE_TEXT - 1);
		if (rule.base != STINGY_RULE_SP && rule.base != STINGY_RULE_BP)
			continue;
		assert_int_equal(parse(text, &again), valid ? 0 : -1);
		if (valid)
			assert_true(again.base == rule.base && again.cfa == rule.cfa && again.bp == rule.bp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_and_rule_agree),
		cmocka_unit_test(test_bad_rules_are_refused),
		cmocka_unit_test(test_bad_texts_are_refused),
		cmocka_unit_test(test_random_rules),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
