/* demangle: names of C++, other names, and ones that only look like it. */
#include "../solver/demangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_becomes(const char *mangled, const char *wanted)
{
	char name[128];

	strcpy(name, mangled);
	assert_ptr_equal(stingy_demangle(name, sizeof(name)), name);
	assert_string_equal(name, wanted);
}

static void test_readable(void **state)
{
	(void)state;
	assert_becomes("_ZN6Server12readSomeDataEv", "Server::readSomeData");
	assert_becomes("_ZN12ACLChecklistC2Ev#2", "ACLChecklist::ACLChecklist#2");
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

static void test_cut(void **state)
{
	char name[12] = "_ZN1A2bbEv";

	(void)state;
	assert_string_equal(stingy_demangle(name, sizeof(name)), "A::bb");
	strcpy(name, "_ZSt4swapv"); /* as long as there is room */
	assert_string_equal(stingy_demangle(name, 5), "std:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
