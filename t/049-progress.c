/* progress and passage: what a terminal shows of a long way through a file, and that the file stays what it is. */
#define _GNU_SOURCE
#include "../solver/passage.h"
#include "../solver/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE (5 * STINGY_PASSAGE_STEP + 4097)

static uint64_t value_at(size_t at)
{
	return at * UINT64_C(0x9e3779b97f4a7c15);
}

static void make_file(const char *path)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	for (size_t at = 0; at + sizeof(uint64_t) <= SIZE; at += sizeof(uint64_t)) {
		uint64_t value = value_at(at);

		assert_int_equal(fwrite(&value, sizeof(value), 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
}

/* Bytes of the file that this mapping has in memory. */
static size_t resident(const struct stingy_mapped_file *file)
{
	FILE *map = fopen("/proc/self/smaps", "re");
	char line[512];
	size_t kib = 0;
	int is_it = 0;

	assert_non_null(map);
	while (fgets(line, sizeof(line), map)) {
		unsigned long begin, end;

		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			is_it = begin == (unsigned long)file->data;
		if (is_it && sscanf(line, "Rss: %zu kB", &kib) == 1)
			break;
	}
	fclose(map);
	return kib * 1024;
}

static void test_passage(void **state)
{
	char path[] = "/tmp/stingy-passage.XXXXXX";
	struct stingy_mapped_file file;

	(void)state;
	assert_true(mkstemp(path) >= 0);
	make_file(path);
	assert_int_equal(stingy_mapped_file_init(&file, path), 0);
	for (unsigned time = 0; time < 2; time++) { /* what was given back is there the next time */
		struct stingy_passage passage = {.file = &file};
		size_t most = 0;

		for (size_t at = 0; at + sizeof(uint64_t) <= file.size; at += sizeof(uint64_t)) {
			uint64_t value;

			memcpy(&value, file.data + at, sizeof(value));
			if (value != value_at(at))
				fail_msg("other bytes at %zu", at);
			stingy_passage_at(&passage, at);
			if (at % (1 << 20) == 0 && resident(&file) > most)
				most = resident(&file);
		}
		stingy_passage_end(&passage, file.size);
		assert_true(most < 3 * STINGY_PASSAGE_STEP);
	}
	stingy_mapped_file_fini(&file);
	unlink(path);
}

/* What is written to stderr while run() runs, if that is a terminal, or else a file. */
static void shown(void (*run)(void), int is_terminal, char *text, size_t size)
{
	int from = posix_openpt(O_RDWR | O_NOCTTY), to, kept = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(from >= 0 && grantpt(from) == 0 && unlockpt(from) == 0);
	to = is_terminal ? open(ptsname(from), O_RDWR | O_NOCTTY) : memfd_create("stderr", 0);
	fflush(stderr);
	assert_true(to >= 0 && dup2(to, STDERR_FILENO) >= 0);
	run();
	fprintf(stderr, "done\n");
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	n = is_terminal ? read(from, text, size - 1) : pread(to, text, size - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	close(to);
	close(from);
	close(kept);
}

static void go_half_way(void)
{
	stingy_progress_begin();
	stingy_progress_part("reading", 1000);
	stingy_progress_advance(1); /* too soon to be shown */
	usleep(1100000);
	stingy_progress_advance(499);
	stingy_progress_advance(1); /* the same per cent */
	stingy_progress_end();
	stingy_progress_advance(499);
}

static void test_terminal(void **state)
{
	char text[512];

	(void)state;
	shown(go_half_way, 1, text, sizeof(text));
	assert_string_equal(text, "\r\033[Kstingy: reading 50%\r\033[Kdone\r\n");
}

static void test_no_terminal(void **state)
{
	char text[512];

	(void)state;
	shown(go_half_way, 0, text, sizeof(text));
	assert_string_equal(text, "done\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passage),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
