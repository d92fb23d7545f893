/* patch and decode: lengths of instructions, what makes way for a jump, and what must be left alone. */
#include "../profiler/decode.h"
#include "../profiler/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE 4096u

static size_t bytes_of(const char *hex, uint8_t *out)
{
	unsigned byte;
	size_t n = 0;
	int used;

	for (; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
		out[n++] = (uint8_t)byte;
	return n;
}

/* Instructions of many forms, as objdump tells their lengths; each also cut short by a byte. */
static void test_lengths(void **state)
{
	static const char *const known[] = {
		"90",
		"c3",
		"c2 08 00",
		"55",
		"41 57",
		"f3 0f 1e fa",
		"48 89 e5",
		"48 83 ec 18",
		"48 81 ec 00 10 00 00",
		"48 8d 3d 01 02 03 04",
		"48 8b 05 00 00 00 00",
		"48 8b 44 24 08",
		"48 8b 84 24 00 01 00 00",
		"8b 04 25 00 00 00 00",
		"66 b8 01 00",
		"b8 01 00 00 00",
		"48 b8 01 02 03 04 05 06 07 08",
		"48 c7 c0 01 00 00 00",
		"66 c7 00 01 00",
		"f6 c1 01",
		"f6 d1",
		"f7 c1 01 00 00 00",
		"66 f7 c1 01 00",
		"c8 10 00 00",
		"a0 01 02 03 04 05 06 07 08",
		"69 c0 10 27 00 00",
		"6b c0 0a",
		"0f 84 00 01 00 00",
		"74 10",
		"e9 00 00 00 00",
		"ff 24 c5 00 00 00 00",
		"66 0f 1f 84 00 00 00 00 00",
		"0f ba e0 05",
		"66 0f 3a 0f c1 08",
		"66 0f 38 00 c1",
		"f2 0f 10 05 00 00 00 00",
		"66 0f 70 c0 1b",
		"c5 f8 77",
		"c5 f9 70 c0 1b",
		"c4 e2 79 18 05 00 00 00 00",
		"c4 e3 7d 19 c1 01",
		"62 f1 7c 48 10 00",
		"62 f3 7d 48 1f c1 00",
		"62 f1 fe 48 7f 44 24 01",
		"64 48 8b 04 25 28 00 00 00",
		"f0 48 0f b1 15 00 00 00 00",
		"67 8d 04 3f",
		"0f 05",
		"0f 0b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct stingy_instruction instruction;
		uint8_t code[32];
		size_t n = bytes_of(known[i], code);

		if (stingy_decode(code, code + n, &instruction) < 0 || instruction.len != n)
			fail_msg("%s: %u", known[i], instruction.len);
		assert_int_equal(stingy_decode(code, code + n - 1, &instruction), -1);
	}
}

static void test_unknown(void **state)
{
	static const char *const unknown[] = {"06", "60", "9a", "d4", "ea", "0f 04", "0f 3b", "66 e9 00 00 00 00"};
	struct stingy_instruction instruction;

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		uint8_t code[32] = {0};

		bytes_of(unknown[i], code);
		if (stingy_decode(code, code + 16, &instruction) == 0)
			fail_msg("taken: %s", unknown[i]);
	}
}

/* A page of code: the function stands 64 bytes into it, filled up to the next by nops. */
static struct stingy_patch_target make(const char *hex)
{
	static uint8_t *page;
	struct stingy_patch_target target;

	if (!page)
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	memset(page, 0x90, PAGE);
	target = (struct stingy_patch_target){page + 64, page + 64, page, page + PAGE};
	target.end += bytes_of(hex, page + 64);
	return target;
}

static void test_moved(void **state)
{
	struct stingy_patch_target target = make("48 85 ff 74 05 8b 05 10 00 00 00 c3");
	uint8_t *out = (uint8_t *)target.text + 1024; /* it need not be run */
	int32_t distance;
	uint64_t back;

	(void)state;
	assert_null(stingy_patch_move(&target, out, 256));
	assert_memory_equal(out, "\x48\x85\xff\x0f\x84", 5); /* the short branch has become a long one */
	memcpy(&distance, out + 5, 4);
	assert_ptr_equal(out + 9 + distance, target.function + 10);
	memcpy(&back, out + 15, 8);
	assert_ptr_equal((void *)back, target.function + 5);

	target = make("8b 05 10 00 00 00 c3");
	assert_null(stingy_patch_move(&target, out, 256));
	memcpy(&distance, out + 2, 4);
	assert_ptr_equal(out + 6 + distance, target.function + 6 + 16);

	target = make("eb 7f");
	assert_null(stingy_patch_move(&target, out, 256));
	memcpy(&back, out + 6, 8);
	assert_ptr_equal((void *)back, target.function + 2 + 0x7f);
}

static void test_written(void **state)
{
	struct stingy_patch_target target = make("55 48 89 e5 5d c3");
	int32_t distance;

	(void)state;
	assert_null(stingy_patch_write(&target, target.text + 512));
	assert_int_equal(target.function[0], 0xe9);
	memcpy(&distance, target.function + 1, 4);
	assert_ptr_equal(target.function + 5 + distance, target.text + 512);
	assert_non_null(stingy_patch_write(&target, target.text + (UINT64_C(1) << 40)));
	assert_int_equal(mprotect((void *)target.text, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *code, *error;
	} refused[] = {
		{"c3 55 55 55 55 55", "it is too short"},
		{"06 55 55 55 55 c3", "it begins with an instruction that is not known"},
		{"e8 00 00 00 00 c3", "it begins with an instruction that cannot be moved"},
		{"ff d0 90 90 90 c3", "it begins with an instruction that cannot be moved"},
		{"e3 02 90 90 90 c3", "it begins with an instruction that cannot be moved"},
		{"cc 55 55 55 55 c3", "it begins with an instruction that cannot be moved"},
		{"31 c0 ff c0 ff c1 75 fa c3", "it jumps to its own beginning"},
		{"31 c0 ff c0 ff c1 0f 85 f6 ff ff ff c3", "it jumps to its own beginning"},
		{"f3 0f 1e fa 55 ff 24 c5 00 00 00 00", "it has a table of jumps that might lead to its own beginning"},
		{"55 48 89 e5 5d 06 c3", "it has an instruction that is not known"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct stingy_patch_target target = make(refused[i].code);
		const char *error = stingy_patch_move(&target, (uint8_t *)target.text + 1024, 256);

		if (!error || strcmp(error, refused[i].error) != 0)
			fail_msg("%s: %s", refused[i].code, error ? error : "taken");
	}
}

/* What once the stack has moved nothing jumps back to; a jump to the very first byte; and one from elsewhere. */
static void test_jumps(void **state)
{
	struct stingy_patch_target target = make("55 48 89 e5 90 ff 24 c5 00 00 00 00");
	uint8_t *out = (uint8_t *)target.text + 1024, *jump = (uint8_t *)target.text + 2048;
	int32_t distance;

	(void)state;
	assert_null(stingy_patch_move(&target, out, 256));
	target = make("31 c0 ff c0 ff c1 75 f8 c3");
	assert_null(stingy_patch_move(&target, out, 256));
	for (int to = 0; to <= 5; to++) {
		const char *error;

		target = make("31 c0 ff c0 90 90 c3");
		distance = (int32_t)(target.function + to - (jump + 6));
		memcpy(jump, "\x0f\x84", 2);
		memcpy(jump + 2, &distance, 4);
		error = stingy_patch_move(&target, out, 256);
		if (to == 0 || to == 5)
			assert_null(error);
		else
			assert_string_equal(error, "something jumps into its beginning");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_unknown), cmocka_unit_test(test_moved),
		cmocka_unit_test(test_written), cmocka_unit_test(test_refused), cmocka_unit_test(test_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
