/*
 * No two lines of the cache slab compete for one way of one set: every line's set is found out by its physical address,
 * on huge pages, in all arenas, before and after fork; and on small pages chosen by colour. Where frames cannot be
 * read, nothing is chosen and nothing is lost.
 *
 * The kernel shows frames to root only: for others most of this is skipped.
 */
#define _GNU_SOURCE
#include "../shim/arena.h"
#include "../shim/colour.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PAGE  STINGY_PAGE
#define SLABS 2u /* arenas */

static const struct stingy_cache caches[] = {
	{.size = 1 << 20, .ways = 8, .line = 64},
	{.size = 2 << 20, .ways = 16, .line = 64},
	{.size = 5 << 18, .ways = 20, .line = 64}, /* 1.25 MiB */
	{.size = 256 << 10, .ways = 4, .line = 128},
};
#define CACHES (sizeof(caches) / sizeof(*caches))

static bool is_transparent; /* whether the kernel has such pages */

int madvise(void *address, size_t size, int advice)
{
	if ((advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) && !is_transparent) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, size, advice);
}

static uint64_t frame_at(const char *address)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	ssize_t got = pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / PAGE * sizeof(entry)));

	close(fd);
	return got == (ssize_t)sizeof(entry) && entry >> 63 ? entry & ((1ul << 55) - 1) : 0;
}

/* For tests that read frames. */
static void need_frames(void)
{
	if (frame_at((const char *)caches) == 0)
		skip();
}

/* The most lines of the size bytes that one set of the cache has to hold. */
static unsigned most_lines(const char *at, size_t size, const struct stingy_cache *cache)
{
	uint32_t n_sets = cache->size / cache->ways / cache->line;
	unsigned *lines = calloc(n_sets, sizeof(*lines)), most = 0;

	assert_non_null(lines);
	for (size_t i = 0; i < size; i += cache->line) {
		uint64_t frame = frame_at(at + i);
		unsigned *n = &lines[(frame * PAGE + i % PAGE) / cache->line % n_sets];

		if (frame == 0)
			fail();
		most = ++*n > most ? *n : most;
	}
	free(lines);
	return most;
}

static struct stingy_arena arena;

static void make(const struct stingy_cache *cache)
{
	const struct stingy_arena_plan plan = {
		.slab = cache->size, .high = 4096, .count = SLABS, .stack = 65536, .cache = *cache};

	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
}

static int tear_down(void **state)
{
	(void)state;
	int failed = arena.base ? munmap(arena.low, (size_t)(arena.base - arena.low) + arena.count * arena.stride) : 0;
	arena.base = NULL;
	return failed;
}

/* Whether the slab of each arena fits the cache; as the owners' first allocations would, it touches them first. */
static bool is_fit(unsigned count, const struct stingy_cache *cache)
{
	for (unsigned i = 0; i < count; i++) {
		for (size_t at = 0; at < cache->size; at += PAGE)
			stingy_arena_at(&arena, i)[at] = 1;
		if (most_lines(stingy_arena_at(&arena, i), cache->size, cache) > cache->ways)
			return false;
	}
	return true;
}

static void test_huge_pages(void **state)
{
	need_frames();
	is_transparent = true;
	for (size_t i = 0; i < CACHES; i++) {
		make(&caches[i]);
		assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
		assert_true(is_fit(SLABS, &caches[i]));
		tear_down(state);
	}
}

static void await(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In both processes, beside each other: the parent goes on when the child has ended. */
static void test_huge_pages_after_fork(void **state)
{
	(void)state;
	need_frames();
	is_transparent = true;
	make(&caches[0]);
	assert_true(is_fit(SLABS, &caches[0]));
	stingy_arena_before_fork(&arena, 3);
	pid_t pid = fork();
	if (pid == 0) {
		stingy_arena_after_fork_in_child(&arena, 3);
		_exit(arena.pages != STINGY_PAGES_TRANSPARENT || !is_fit(SLABS, &caches[0]));
	}
	stingy_arena_after_fork_in_parent(&arena, 3);
	assert_int_equal(arena.pages, STINGY_PAGES_TRANSPARENT);
	assert_true(is_fit(SLABS, &caches[0]));
	await(pid);
}

/* Those of the first arena, the one that is touched at start-up. */
static void test_small_pages(void **state)
{
	need_frames();
	is_transparent = false;
	for (size_t i = 0; i < CACHES; i++) {
		make(&caches[i]);
		assert_int_equal(arena.pages, STINGY_PAGES_SMALL);
		assert_non_null(strstr(arena.why, "chosen by colour"));
		assert_true(is_fit(1, &caches[i]));
		tear_down(state);
	}
}

/* Fork undoes it, and is said to. */
static void test_small_pages_after_fork(void **state)
{
	(void)state;
	need_frames();
	is_transparent = false;
	make(&caches[0]);
	stingy_arena_after_fork_in_parent(&arena, 1);
	assert_null(strstr(arena.why, "chosen by colour"));
	assert_non_null(strstr(arena.why, "fork"));
}

/* Pages for the cache, of half of its colours, as far as the kernel has them in hand; nothing is in them. */
static char *make_bad(const struct stingy_cache *cache)
{
	size_t size = cache->size, spare_size = 4 * size;
	uint32_t n_colours = cache->size / cache->ways / PAGE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	char *spare = mmap(NULL, spare_size, PROT_READ | PROT_WRITE, flags, -1, 0);
	size_t next = 0;

	assert_true(at != MAP_FAILED && spare != MAP_FAILED);
	for (size_t i = 0; i < spare_size && next < size; i += PAGE)
		if (frame_at(spare + i) % n_colours < n_colours / 2) {
			assert_true(mremap(spare + i, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + next) ==
				    at + next);
			next += PAGE;
		}
	munmap(spare, spare_size);
	return at;
}

static void test_the_worst_pages(void **state)
{
	(void)state;
	need_frames();
	for (size_t i = 0; i < CACHES; i++) {
		char *at = make_bad(&caches[i]);

		assert_true(most_lines(at, caches[i].size, &caches[i]) > caches[i].ways);
		assert_true(stingy_colour_choose(at, caches[i].size, &caches[i]));
		assert_int_equal(most_lines(at, caches[i].size, &caches[i]), caches[i].ways);
		memset(at, 1, caches[i].size);
		assert_int_equal(munmap(at, caches[i].size), 0);
	}
}

/* A slab larger than the cache: as even as can be. */
static void test_more_pages_than_ways(void **state)
{
	const struct stingy_cache *cache = &caches[3];
	size_t size = 3 * caches[3].size;
	char *at;

	(void)state;
	need_frames();
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	assert_true(at != MAP_FAILED);
	assert_true(stingy_colour_choose(at, size, cache));
	assert_int_equal(most_lines(at, size, cache), 3 * cache->ways);
	assert_int_equal(munmap(at, size), 0);
}

/* Caches of which any page will do, or for which pages have no colours; and too many pages. */
static void test_odd_caches(void **state)
{
	const struct stingy_cache small = {.size = 32 << 10, .ways = 8, .line = 64};
	const struct stingy_cache odd = {.size = 48 << 10, .ways = 8, .line = 64};
	char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(at != MAP_FAILED);
	assert_true(stingy_colour_choose(at, 8 * PAGE, &small));
	assert_false(stingy_colour_choose(at, 8 * PAGE, &odd));
	assert_false(stingy_colour_choose(at, (STINGY_COLOUR_PAGES + 1ul) * PAGE, &caches[0]));
	assert_int_equal(munmap(at, 8 * PAGE), 0);
}

static void drop_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{.effective = 0}};

	if (syscall(SYS_capset, &header, none) != 0)
		_exit(2);
}

static void drop_descriptors(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_NOFILE, &none) != 0)
		_exit(3);
}

/* Without frames: small pages as they come, which is said. */
static void make_without(void (*drop)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		drop();
		is_transparent = false;
		make(&caches[0]);
		memset(arena.base, 7, arena.count * arena.stride);
		_exit(arena.pages != STINGY_PAGES_SMALL || !strstr(arena.why, "could not be chosen"));
	}
	await(pid);
}

static void test_without_rights(void **state)
{
	(void)state;
	make_without(drop_rights);
	make_without(drop_descriptors);
}

#define CASE(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_huge_pages),      CASE(test_huge_pages_after_fork),
		CASE(test_small_pages),     CASE(test_small_pages_after_fork),
		CASE(test_the_worst_pages), CASE(test_more_pages_than_ways),
		CASE(test_odd_caches),      CASE(test_without_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
