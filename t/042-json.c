/* json: what a string may hold, and what UTF-8 may not. */
#include "../solver/json.h"
#include "assert-prints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_plain(void **state)
{
	(void)state;
	assert_prints(stingy_json_string, "", "\"\"");
	assert_prints(stingy_json_string, "/usr/sbin/nginx", "\"/usr/sbin/nginx\"");
}

static void test_escapes(void **state)
{
	(void)state;
	assert_prints(stingy_json_string, "a\"b\\c", "\"a\\\"b\\\\c\"");
	assert_prints(stingy_json_string, "\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
}

static void test_utf8(void **state)
{
	(void)state;
	assert_prints(stingy_json_string, "\xc3\xa9", "\"\xc3\xa9\"");
	assert_prints(stingy_json_string, "\xe2\x82\xac", "\"\xe2\x82\xac\"");
	assert_prints(stingy_json_string, "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
	assert_prints(stingy_json_string, "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
}

static void test_no_utf8(void **state)
{
	(void)state;
	assert_prints(stingy_json_string, "\x80", "\"\\ufffd\"");                       /* continues nothing */
	assert_prints(stingy_json_string, "\xff", "\"\\ufffd\"");                       /* begins nothing */
	assert_prints(stingy_json_string, "\xc3", "\"\\ufffd\"");                       /* cut off by the end */
	assert_prints(stingy_json_string, "\xe2\x82x", "\"\\ufffd\\ufffdx\"");          /* cut off by another */
	assert_prints(stingy_json_string, "\xc0\xaf", "\"\\ufffd\\ufffd\"");            /* longer than needed */
	assert_prints(stingy_json_string, "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\""); /* longer than needed */
	assert_prints(stingy_json_string, "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* half of a surrogate pair */
	assert_prints(stingy_json_string, "\xf4\x90\x80\x80",
		      "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond the last character */
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
