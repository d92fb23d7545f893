/*
 * Modules: the file offset of an address is where its bytes are in the file, for every module of this program; the list
 * follows dlopen and dlclose.
 */
#define _GNU_SOURCE
#include "../shim/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LATER "libresolv.so.2" /* of the C library, and not loaded yet */

static int count_module(const struct stingy_module *module, void *data)
{
	(void)module;
	++*(unsigned *)data;
	return 0;
}

static void test_the_program_comes_first_and_once(void **state)
{
	unsigned n = 0;

	(void)state;
	stingy_modules_each(count_module, &n);
	assert_true(n >= 4); /* program, vdso, C library, loader, cmocka */
	assert_true(strlen(stingy_program_path()) > 1);
	assert_int_equal(stingy_program_path()[0], '/');
}

static int stop_at_second(const struct stingy_module *module, void *data)
{
	unsigned *n = data;

	assert_int_equal(module->is_program, *n == 0);
	return ++*n == 2;
}

static void test_a_result_ends_the_list(void **state)
{
	unsigned n = 0;

	(void)state;
	stingy_modules_each(stop_at_second, &n);
	assert_int_equal(n, 2);
}

static void compare_with_file(const struct stingy_module *module, int fd, const struct stingy_segment *segment)
{
	size_t size = segment->high - segment->low;

	for (size_t at = 1; at + 16 <= size; at += 1 + size / 50) {
		uintptr_t address = segment->low + at;
		uint64_t offset = stingy_module_offset(module, address);
		char bytes[16];

		assert_true(stingy_module_contains(module, address));
		assert_int_equal(pread(fd, bytes, sizeof(bytes), (off_t)offset), sizeof(bytes));
		assert_memory_equal(bytes, (const void *)address, sizeof(bytes));
		assert_int_equal(stingy_module_address(module, offset), address);
	}
	/* A call that does not return may be the last thing in it: its return address is the end. */
	assert_true(stingy_module_contains(module, segment->high));
	assert_false(stingy_module_contains(module, segment->low));
	assert_int_equal(stingy_module_offset(module, segment->high), segment->offset + size);
	assert_int_equal(stingy_module_address(module, segment->offset + size), segment->high);
}

/* Whether the build-id stands, as a note of that length, in the file's first pages, where linkers put it. */
static bool is_note_in_file(int fd, const struct stingy_module *module)
{
	struct {
		uint32_t name_size, size, type;
		char name[4];
		uint8_t id[STINGY_ID_MAX];
	} note = {4, module->id_len, NT_GNU_BUILD_ID, "GNU", {0}};
	char start[8192];
	ssize_t n = pread(fd, start, sizeof(start), 0);

	memcpy(note.id, module->id, module->id_len);
	return n > 0 && memmem(start, (size_t)n, &note, offsetof(__typeof__(note), id) + module->id_len) != NULL;
}

static int check_module(const struct stingy_module *module, void *data)
{
	int fd = open(module->path, O_RDONLY);
	struct stat st;

	if (fd < 0) /* the vdso has no file */
		return 0;
	++*(unsigned *)data;
	assert_true(module->n_segments > 0);
	for (unsigned i = 0; i < module->n_segments; i++)
		compare_with_file(module, fd, &module->segment[i]);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(stingy_module_file_size(module), st.st_size);
	assert_int_equal(module->id != NULL, module->id_len != 0);
	if (module->id)
		assert_true(is_note_in_file(fd, module));
	assert_true(module->eh_frame_hdr != 0);
	close(fd);
	return 0;
}

static void test_offsets_are_those_of_the_files(void **state)
{
	unsigned n = 0;

	(void)state;
	stingy_modules_each(check_module, &n);
	assert_true(n >= 3);
}

static void test_what_is_in_no_segment(void **state)
{
	struct stingy_module module = {.n_segments = 2,
				       .segment = {{0x10000, 0x11000, 0x2000}, {0x40000, 0x41000, 0x8000}}};

	(void)state;
	assert_int_equal(stingy_module_offset(&module, 0x10800), 0x2800);
	assert_int_equal(stingy_module_offset(&module, 0x40001), 0x8001);
	assert_int_equal(stingy_module_offset(&module, 0x20000), UINT64_MAX);
	assert_int_equal(stingy_module_offset(&module, 0), UINT64_MAX);
	assert_int_equal(stingy_module_offset(&module, UINTPTR_MAX), UINT64_MAX);
	assert_int_equal(stingy_module_address(&module, 0x8001), 0x40001);
	assert_int_equal(stingy_module_address(&module, 0x1fff), 0);
	assert_int_equal(stingy_module_address(&module, 0x3001), 0);
	assert_int_equal(stingy_module_address(&module, UINT64_MAX), 0);
	module.n_segments = 0;
	assert_int_equal(stingy_module_offset(&module, 0x10800), UINT64_MAX);
	assert_int_equal(stingy_module_address(&module, 0x2800), 0);
	module.path = "/nonexistent";
	assert_int_equal(stingy_module_file_size(&module), 0);
	module.path = "/dev/zero";
	assert_int_equal(stingy_module_file_size(&module), 0);
}

static int find_later(const struct stingy_module *module, void *data)
{
	*(bool *)data = *(bool *)data || strstr(module->path, LATER) != NULL;
	return 0;
}

static bool is_later_loaded(void)
{
	bool found = false;

	stingy_modules_each(find_later, &found);
	return found;
}

static void test_the_list_follows_dlopen_and_dlclose(void **state)
{
	struct stingy_modules_version before = stingy_modules_version(), after, gone;

	(void)state;
	assert_false(is_later_loaded());
	void *library = dlopen(LATER, RTLD_NOW | RTLD_LOCAL);
	assert_non_null(library);
	after = stingy_modules_version();
	assert_true(after.adds > before.adds);
	assert_true(is_later_loaded());
	assert_int_equal(dlclose(library), 0);
	gone = stingy_modules_version();
	assert_true(gone.subs > after.subs);
	assert_false(is_later_loaded());
	assert_int_equal(stingy_modules_version().adds, gone.adds);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_program_comes_first_and_once),
		cmocka_unit_test(test_a_result_ends_the_list),
		cmocka_unit_test(test_offsets_are_those_of_the_files),
		cmocka_unit_test(test_what_is_in_no_segment),
		cmocka_unit_test(test_the_list_follows_dlopen_and_dlclose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
