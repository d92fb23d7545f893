/* elf-id: build-ids of real files and of made-up ones, whole, cut off and spoilt. */
#define _GNU_SOURCE
#include "../solver/elf-id.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID_SIZE 20 /* bytes, as linkers make it */

/* A program of headers and notes only: one note that is none of ours, then the build-id. */
struct image {
	ElfW(Ehdr) header;
	ElfW(Phdr) segment[2];
	struct {
		ElfW(Nhdr) note;
		char owner[4];
		uint8_t desc[16];
	} other;
	struct {
		ElfW(Nhdr) note;
		char owner[4];
		uint8_t desc[ID_SIZE];
	} build;
};

static char path[] = "/tmp/stingy-elf-id.XXXXXX";

static void make_image(struct image *image)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->header.e_ident, ELFMAG, SELFMAG);
	image->header.e_ident[EI_CLASS] = ELFCLASS64;
	image->header.e_ident[EI_DATA] = ELFDATA2LSB;
	image->header.e_phoff = offsetof(struct image, segment);
	image->header.e_phentsize = sizeof(image->segment[0]);
	image->header.e_phnum = 2;
	image->segment[0].p_type = PT_INTERP;
	image->segment[1].p_type = PT_NOTE;
	image->segment[1].p_offset = offsetof(struct image, other);
	image->segment[1].p_filesz = sizeof(image->other) + sizeof(image->build);
	image->segment[1].p_align = 4;
	image->other.note = (ElfW(Nhdr)){sizeof("GNU"), sizeof(image->other.desc), NT_GNU_ABI_TAG};
	memcpy(image->other.owner, "GNU", sizeof("GNU"));
	image->build.note = (ElfW(Nhdr)){sizeof("GNU"), ID_SIZE, NT_GNU_BUILD_ID};
	memcpy(image->build.owner, "GNU", sizeof("GNU"));
	for (unsigned i = 0; i < ID_SIZE; i++)
		image->build.desc[i] = (uint8_t)(0xa0 + i);
}

/* Writes the bytes to the file and reads it back through the module. */
static int read_bytes(const void *bytes, size_t size, struct stingy_elf_id *elf)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return stingy_elf_id_read(elf, path);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_made_up(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	make_image(&image);
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, ID_SIZE);
	assert_memory_equal(elf.id, image.build.desc, ID_SIZE);
	assert_int_equal(elf.size, sizeof(image));
	assert_true(elf.has_loader);
	assert_false(elf.is_set_id);
}

/* With notes padded to 8 bytes, a description of 20 begins 16 bytes in, and the next note 40. */
static void test_padding_of_eight(void **state)
{
	struct stingy_elf_id elf;
	struct {
		struct image image;
		uint8_t more[64];
	} file = {.more = {0}};
	uint8_t *notes = (uint8_t *)&file.image.other;
	ElfW(Nhdr) first = {sizeof("GNU"), ID_SIZE, NT_GNU_ABI_TAG}, second = {sizeof("GNU"), 1, NT_GNU_BUILD_ID};

	(void)state;
	make_image(&file.image);
	file.image.segment[1].p_align = 8;
	file.image.segment[1].p_filesz = 40 + 16 + 1;
	memset(notes, 0, 40 + 16 + 1);
	memcpy(notes, &first, sizeof(first));
	memcpy(notes + 12, "GNU", sizeof("GNU"));
	memcpy(notes + 40, &second, sizeof(second));
	memcpy(notes + 52, "GNU", sizeof("GNU"));
	notes[56] = 0x5a;
	assert_int_equal(read_bytes(&file, sizeof(file), &elf), 0);
	assert_int_equal(elf.len, 1);
	assert_int_equal(elf.id[0], 0x5a);
}

static void test_truncations(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	make_image(&image);
	for (size_t size = 0; size < offsetof(struct image, build) + sizeof(image.build); size++) {
		int result = read_bytes(&image, size, &elf);

		assert_int_equal(result, size < offsetof(struct image, other) ? -1 : 0);
		assert_int_equal(elf.len, 0);
	}
}

static void test_spoilt_numbers(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	make_image(&image);
	image.header.e_phoff = UINT64_MAX - 7;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), -1);
	make_image(&image);
	image.header.e_phnum = UINT16_MAX;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), -1);
	make_image(&image);
	image.segment[1].p_offset = UINT64_MAX;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, 0);
	make_image(&image);
	image.segment[1].p_filesz = UINT64_MAX;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, 0);
	make_image(&image);
	image.other.note.n_namesz = UINT32_MAX;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, 0);
	make_image(&image);
	image.other.note.n_descsz = UINT32_MAX;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, 0);
}

static void test_other_owner(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	make_image(&image);
	memcpy(image.build.owner, "XYZ", sizeof("XYZ"));
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(elf.len, 0);
}

static void test_id_too_long(void **state)
{
	struct stingy_elf_id elf;
	struct {
		struct image image;
		uint8_t more[STINGY_ID_MAX];
	} file = {.more = {0}};

	(void)state;
	make_image(&file.image);
	file.image.build.note.n_descsz = STINGY_ID_MAX + 1;
	file.image.segment[1].p_filesz += STINGY_ID_MAX;
	assert_int_equal(read_bytes(&file, sizeof(file), &elf), 0);
	assert_int_equal(elf.len, 0);
}

static void test_no_elf(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	assert_int_equal(read_bytes("#!/bin/sh\n", 10, &elf), -1);
	assert_int_equal(errno, ENOEXEC);
	make_image(&image);
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), -1);
	assert_int_equal(errno, ENOEXEC);
	assert_int_equal(stingy_elf_id_read(&elf, "/"), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(stingy_elf_id_read(&elf, "/nonexistent/file"), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_set_id(void **state)
{
	struct stingy_elf_id elf;
	struct image image;

	(void)state;
	make_image(&image);
	assert_int_equal(read_bytes(&image, sizeof(image), &elf), 0);
	assert_int_equal(chmod(path, S_ISUID | S_IRUSR | S_IWUSR | S_IXUSR), 0);
	assert_int_equal(stingy_elf_id_read(&elf, path), 0);
	assert_true(elf.is_set_id);
}

/* What the loader mapped of this very program says the same as its file. */
static int find_note(struct dl_phdr_info *info, size_t size, void *id)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const char *at = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
		const char *end = at + info->dlpi_phdr[i].p_memsz;

		for (; info->dlpi_phdr[i].p_type == PT_NOTE && at + 16 + ID_SIZE <= end; at += 4)
			if (memcmp(at, "\4\0\0\0\24\0\0\0\3\0\0\0GNU", 16) == 0) {
				memcpy(id, at + 16, ID_SIZE);
				return 1;
			}
	}
	return -1;
}

static void test_this_program(void **state)
{
	struct stingy_elf_id elf;
	uint8_t id[ID_SIZE];

	(void)state;
	assert_int_equal(stingy_elf_id_read(&elf, "/proc/self/exe"), 0);
	assert_true(elf.has_loader);
	if (dl_iterate_phdr(find_note, id) != 1)
		skip(); /* this linker makes no build-ids, or of another size */
	assert_int_equal(elf.len, ID_SIZE);
	assert_memory_equal(elf.id, id, ID_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),      cmocka_unit_test(test_padding_of_eight),
		cmocka_unit_test(test_truncations),  cmocka_unit_test(test_spoilt_numbers),
		cmocka_unit_test(test_other_owner),  cmocka_unit_test(test_id_too_long),
		cmocka_unit_test(test_no_elf),       cmocka_unit_test(test_set_id),
		cmocka_unit_test(test_this_program),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
