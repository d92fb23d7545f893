/* interface: every declaration, and each way in which a line can be wrong, by its message and its number. */
#include "../profiler/interface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START "stingy-interface 1\n"

/* Reads a text of one declaration behind the first line; at its exact size, so that a sanitizer sees what is beyond. */
static struct stingy_declaration one(const char *text)
{
	static char *copy;
	struct stingy_interface_reader reader;
	struct stingy_declaration declaration, more;
	size_t len = strlen(text);

	free(copy);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, text, len);
	stingy_interface_reader_init(&reader, copy, len);
	if (stingy_interface_next(&reader, &declaration) != 1)
		fail_msg("%u: %s", reader.line, reader.error ? reader.error : "no declaration");
	assert_int_equal(stingy_interface_next(&reader, &more), 0);
	return declaration;
}

static void assert_text(struct stingy_text text, const char *wanted)
{
	assert_int_equal(text.len, strlen(wanted));
	assert_memory_equal(text.at, wanted, text.len);
}

static void assert_role(const struct stingy_role *role, char what, unsigned argument, int offset)
{
	assert_int_equal(role->what, what);
	assert_int_equal(role->argument, argument);
	assert_int_equal(role->is_inside, offset >= 0);
	assert_int_equal(role->offset, offset >= 0 ? offset : 0);
}

static void test_roles(void **state)
{
	struct stingy_declaration d = one(START "# what queues\n\n  queue f T X S \t X # comment\n");

	(void)state;
	assert_int_equal(d.type, STINGY_DECLARE_QUEUE);
	assert_text(d.name, "f");
	assert_text(d.text, "queue f T X S \t X");
	assert_int_equal(d.n_roles, 2);
	assert_role(&d.role[0], 'T', 0, -1);
	assert_role(&d.role[1], 'S', 2, -1);
	d = one(START "queue f X T,S[24] S[0]\n");
	assert_int_equal(d.n_roles, 3);
	assert_role(&d.role[0], 'T', 1, -1);
	assert_role(&d.role[1], 'S', 1, 24);
	assert_role(&d.role[2], 'S', 2, 0);
	d = one(START "queue f X X X X X H\n");
	assert_role(&d.role[0], 'H', 5, -1);
	d = one(START "assign f S T returns=H\n");
	assert_int_equal(d.type, STINGY_DECLARE_ASSIGN);
	assert_role(&d.role[2], 'H', STINGY_ARGUMENTS_MAX, -1);
}

static void test_functions(void **state)
{
	struct stingy_declaration d = one(START "wrapper lib.so.1:f\r\n");

	(void)state;
	assert_text(d.module, "lib.so.1");
	assert_text(d.name, "f");
	assert_true(stingy_declaration_is_in(&d, "/usr/lib/lib.so.1", false));
	assert_false(stingy_declaration_is_in(&d, "/usr/lib/lib.so.2", true));
	d = one(START "stage program+0x1aF0\n");
	assert_int_equal(d.name.len, 0);
	assert_int_equal(d.offset, 0x1af0);
	assert_true(stingy_declaration_is_in(&d, "/usr/sbin/nginx", true));
	assert_false(stingy_declaration_is_in(&d, "/usr/sbin/nginx", false));
	d = one(START "scheduler g++-a%20b+0x5\n");
	assert_true(stingy_declaration_is_in(&d, "g++-a b", false));
	d = one(START "leave-out f\n");
	assert_true(stingy_declaration_is_in(&d, "anything", false));
}

static void test_others(void **state)
{
	struct stingy_declaration d = one(START "malloc f size=2 count=1\n");

	(void)state;
	assert_int_equal(d.size, 2);
	assert_int_equal(d.count, 1);
	assert_true(stingy_declaration_is_watched(&d));
	d = one(START "free f object=6\n");
	assert_int_equal(d.object, 6);
	d = one(START "estimate f count=3 size=4096\n");
	assert_int_equal(d.bytes, 4096);
	assert_int_equal(d.instances, 3);
	assert_false(stingy_declaration_is_watched(&d));
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *error;
		unsigned line;
	} bad[] = {
		{"", "not an interface file", 1},
		{"\n\n", "not an interface file", 3},
		{"queue f S\n", "not an interface file", 1},
		{"stingy-manifest 1\n", "not an interface file", 1},
		{"stingy-interface\n", "number missing", 1},
		{"stingy-interface 2\n", "version of the format that this program does not know", 1},
		{"stingy-interface 1 x\n", "something follows the version", 1},
		{"stingy-interface 1", "last line is not ended by a line feed", 1},
		{START "queue f S", "last line is not ended by a line feed", 2},
		{START "\nline f\n", "unknown keyword", 3},
		{START "queues f S\n", "unknown keyword", 2},
		{START "queue\n", "function missing", 2},
		{START "queue :f S\n", "module missing", 2},
		{START "queue m: S\n", "function missing", 2},
		{START "queue +0x1 S\n", "module missing", 2},
		{START "queue m+0x1g S\n", "malformed number", 2},
		{START "queue m+0xffffffffffffffff S\n", "number too large", 2},
		{START "queue a%zz S\n", "text with a '%' that two hexadecimal digits do not follow", 2},
		{START "queue f\n", "no stage", 2},
		{START "queue f T X\n", "no stage", 2},
		{START "queue f S Q\n", "role that is not X, T, S or H", 2},
		{START "queue f S XX\n", "role that is not X, T, S or H", 2},
		{START "queue f S,\n", "role that is not X, T, S or H", 2},
		{START "queue f S[\n", "number missing", 2},
		{START "queue f S[x]\n", "malformed number", 2},
		{START "queue f S[1\n", "']' missing", 2},
		{START "queue f S[99999]\n", "number too large", 2},
		{START "queue f S[1]x\n", "malformed role", 2},
		{START "queue f T T S\n", "more than one task", 2},
		{START "queue f H,H\n", "more than one handle", 2},
		{START "queue f X X X X X X S\n", "more than 6 arguments", 2},
		{START "queue f S returns=H\n", "role that is not X, T, S or H", 2},
		{START "queue f S,S,S,S,S,S,S,S,S,S,S,S,S\n", "too many roles", 2},
		{START "assign f S T\n", "no handle", 2},
		{START "assign f H T\n", "no stage", 2},
		{START "assign f H S S\n", "more than one stage", 2},
		{START "assign f H S returns=H\n", "more than one handle", 2},
		{START "assign f S returns=H X\n", "something follows 'returns=H'", 2},
		{START "malloc f\n", "field missing", 2},
		{START "malloc f size=0\n", "argument that is not 1 to 6", 2},
		{START "malloc f size=7\n", "argument that is not 1 to 6", 2},
		{START "malloc f size=1 size=2\n", "field given twice", 2},
		{START "malloc f size=1 x\n", "word that is no field of such a line", 2},
		{START "free f\n", "field missing", 2},
		{START "free f object=\n", "number missing", 2},
		{START "estimate f\n", "field missing", 2},
		{START "estimate f size=0\n", "estimate of 0", 2},
		{START "estimate f count=0\n", "estimate of 0", 2},
		{START "stage f g\n", "something follows the function", 2},
		{START "scheduler\n", "function missing", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct stingy_interface_reader reader;
		struct stingy_declaration declaration;
		size_t len = strlen(bad[i].text);
		char *copy = malloc(len + 1); /* of no bytes there may be none */

		assert_non_null(copy);
		memcpy(copy, bad[i].text, len);
		stingy_interface_reader_init(&reader, copy, len);
		if (stingy_interface_next(&reader, &declaration) != -1)
			fail_msg("taken: '%s'", bad[i].text);
		if (strcmp(reader.error, bad[i].error) != 0 || reader.line != bad[i].line)
			fail_msg("'%s': %u: %s", bad[i].text, reader.line, reader.error);
		assert_int_equal(stingy_interface_next(&reader, &declaration), -1);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
