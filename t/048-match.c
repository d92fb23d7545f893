/* binary, code, match: a program and its next build, as files; and whatever else a file may hold. */
#include "../solver/match.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MUTATIONS 300u
#define FLIPS     40u /* bytes, at most */

static const char *program(const char *name)
{
	static char path[2][4096];
	static unsigned next;
	const char *directory = getenv("PROGDIR");
	char *mine = path[next++ % 2];

	snprintf(mine, sizeof(*path), "%s/%s", directory ? directory : "t/prog", name);
	return mine;
}

static void open_program(struct stingy_binary *binary, const char *name)
{
	if (stingy_binary_init(binary, program(name)) < 0)
		fail_msg("cannot read '%s'", program(name));
}

/* Functions lie one behind the other, and each is found by its first and its last byte. */
static void test_functions(void **state)
{
	struct stingy_binary binary;

	(void)state;
	open_program(&binary, "rebuilt-1");
	assert_true(binary.n_functions >= 10);
	for (uint32_t i = 0; i < binary.n_functions; i++) {
		const struct stingy_function *function = &binary.function[i];

		assert_int_equal(stingy_binary_find(&binary, function->address), i);
		assert_int_equal(stingy_binary_find(&binary, function->address + function->size - 1), i);
		assert_true(i == 0 || function->address >= function[-1].address + function[-1].size);
		assert_int_equal(stingy_binary_address(&binary, stingy_binary_offset(&binary, function->address)),
				 function->address);
	}
	assert_int_equal(stingy_binary_find(&binary, 0), STINGY_NO_FUNCTION);
	assert_int_equal(stingy_binary_find(&binary, UINT64_MAX), STINGY_NO_FUNCTION);
	stingy_binary_fini(&binary);
}

static void test_itself(void **state)
{
	struct stingy_binary binary;
	struct stingy_match match;

	(void)state;
	open_program(&binary, "rebuilt-1");
	stingy_match_init(&match, &binary, &binary);
	for (uint32_t i = 0; i < binary.n_functions; i++) {
		assert_int_equal(match.to[i], i);
		assert_true(stingy_match_is_same(&match, i));
	}
	stingy_match_fini(&match);
	stingy_binary_fini(&binary);
}

/* Nothing of the old is carried to the same place of the new twice, and every call that is carried is behind a call. */
static void assert_one_to_one(const struct stingy_match *match)
{
	for (uint32_t i = 0; i < match->old->n_functions; i++) {
		const struct stingy_code *code = &match->old_code[i];
		uint64_t last = 0;

		if (match->to[i] != STINGY_NO_FUNCTION)
			assert_int_equal(match->from[match->to[i]], i);
		for (uint32_t j = 0; j < code->n_references; j++) {
			uint64_t new = 0, old = match->old->function[i].address + code->reference[j].after;

			if (!code->reference[j].is_call || stingy_match_return(match, old, &new))
				continue;
			assert_int_equal(stingy_binary_find(match->new, new - 1), match->to[i]);
			assert_int_not_equal(new, last);
			last = new;
		}
	}
}

static void test_next_build(void **state)
{
	struct stingy_binary old, new;
	struct stingy_match match;
	unsigned n_same = 0, n_paired = 0;

	(void)state;
	open_program(&old, "rebuilt-1");
	open_program(&new, "rebuilt-2");
	stingy_match_init(&match, &old, &new);
	for (uint32_t i = 0; i < old.n_functions; i++) {
		n_paired += match.to[i] != STINGY_NO_FUNCTION;
		n_same += stingy_match_is_same(&match, i);
	}
	assert_true(n_paired > n_same); /* those that have changed are found, too */
	assert_true(n_same >= 8);
	assert_one_to_one(&match);
	stingy_match_fini(&match);
	stingy_binary_fini(&new);
	stingy_binary_fini(&old);
}

/* Asks all there is to be asked. */
static void go_through(const struct stingy_binary *binary, const struct stingy_binary *old)
{
	struct stingy_match match;
	struct stingy_rule rule;

	for (uint32_t i = 0; i < binary->n_functions; i++)
		stingy_binary_rule(binary, binary->function[i].address + binary->function[i].size / 2 + 1, &rule);
	stingy_match_init(&match, old, binary);
	assert_one_to_one(&match);
	stingy_match_fini(&match);
}

static void test_damaged_files(void **state)
{
	char path[] = "/tmp/stingy-match.XXXXXX";
	int fd = mkstemp(path);
	FILE *from = fopen(program("rebuilt-2"), "re");
	static uint8_t bytes[1 << 20], copy[1 << 20];
	size_t size = fread(bytes, 1, sizeof(bytes), from);
	struct stingy_binary old;
	unsigned n_read = 0;

	(void)state;
	assert_true(fd >= 0 && size > 4096 && size < sizeof(bytes));
	fclose(from);
	open_program(&old, "rebuilt-1");
	seed_random(48);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct stingy_binary binary;
		size_t left = i % 3 ? size : below((unsigned)size); /* some are cut */

		memcpy(copy, bytes, size);
		for (unsigned j = below(FLIPS); j; j--)
			copy[below(j % 2 ? (unsigned)size : 1024)] = (uint8_t)random();
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, copy, left, 0), left);
		if (stingy_binary_init(&binary, path) < 0)
			continue;
		go_through(&binary, &old);
		stingy_binary_fini(&binary);
		n_read++;
	}
	stingy_binary_fini(&old);
	close(fd);
	unlink(path);
	assert_true(n_read > 0 && n_read < MUTATIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_next_build),
		cmocka_unit_test(test_damaged_files),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
