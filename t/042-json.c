/* json: what a string may hold, and what UTF-8 may not. */
#include "../solver/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_prints(const char *text, const char *wanted)
{
	char *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);

	assert_non_null(out);
	stingy_json_string(out, text);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, wanted);
	free(got);
}

static void test_plain(void **state)
{
	(void)state;
	assert_prints("", "\"\"");
	assert_prints("/usr/sbin/nginx", "\"/usr/sbin/nginx\"");
}

static void test_escapes(void **state)
{
	(void)state;
	assert_prints("a\"b\\c", "\"a\\\"b\\\\c\"");
	assert_prints("\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
}

static void test_utf8(void **state)
{
	(void)state;
	assert_prints("\xc3\xa9", "\"\xc3\xa9\"");
	assert_prints("\xe2\x82\xac", "\"\xe2\x82\xac\"");
	assert_prints("\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
	assert_prints("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
}

static void test_no_utf8(void **state)
{
	(void)state;
	assert_prints("\x80", "\"\\ufffd\"");                                  /* continues nothing */
	assert_prints("\xff", "\"\\ufffd\"");                                  /* begins nothing */
	assert_prints("\xc3", "\"\\ufffd\"");                                  /* cut off by the end */
	assert_prints("\xe2\x82x", "\"\\ufffd\\ufffdx\"");                     /* cut off by another */
	assert_prints("\xc0\xaf", "\"\\ufffd\\ufffd\"");                       /* longer than needed */
	assert_prints("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"");            /* longer than needed */
	assert_prints("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");            /* half of a surrogate pair */
	assert_prints("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond the last character */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_no_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
