/* demangle: names of C++, other names, and ones that only look like it. */
#include "../solver/demangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_becomes(const char *mangled, const char *wanted)
{
	char *name = stingy_demangle(mangled, strlen(mangled));

	assert_string_equal(name, wanted);
	free(name);
}

static void test_readable(void **state)
{
	(void)state;
	assert_becomes("_ZN6Server12readSomeDataEv", "Server::readSomeData");
	assert_becomes("_ZN12ACLChecklistC2Ev", "ACLChecklist::ACLChecklist");
	assert_becomes("_ZNK10HttpHeader7getListEN4Http7HdrTypeE", "HttpHeader::getList");
	assert_becomes("_Z17httpHeaderPutStrfP10HttpHeaderN4Http7HdrTypeEPKcz", "httpHeaderPutStrf");
	assert_becomes("_ZN1AclEv", "A::operator()");
}

static void test_left(void **state)
{
	(void)state;
	assert_becomes("", "");
	assert_becomes("ngx_palloc", "ngx_palloc");
	assert_becomes("squid+0x436265", "squid+0x436265");
	assert_becomes("_Zonk", "_Zonk");
	assert_becomes("_ZN6Serv", "_ZN6Serv");
}

/* A few bytes that stand for gigabytes, and a name longer than any that is read. */
static void test_too_much(void **state)
{
	char text[2048] = "_Z1fDpT_";

	(void)state;
	memset(text + 2, 'a', sizeof(text) - 3);
	assert_becomes(text, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
