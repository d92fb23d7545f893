/* escape: what has a meaning in HTML, and what is no text at all. */
#include "../solver/escape.h"
#include "assert-prints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_html(void **state)
{
	(void)state;
	assert_prints(stingy_escape_html, "", "");
	assert_prints(stingy_escape_html, "std::map<a&b>", "std::map&lt;a&amp;b&gt;");
	assert_prints(stingy_escape_html, "\"'", "&quot;&#39;");
	assert_prints(stingy_escape_html, "a\nb\x7f",
		      "a\xef\xbf\xbd"
		      "b\xef\xbf\xbd");
	assert_prints(stingy_escape_html, "\xc3\xa9\xff\xe2\x82", "\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_label(void **state)
{
	(void)state;
	assert_prints(stingy_escape_label, "a\\b\"c\nd<e>", "a\\\\b\\\"c\\nd<e>");
	assert_prints(stingy_escape_label, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
