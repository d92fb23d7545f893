/*
 * Arenas on a kernel that has what the test says: madvise, mmap and clock_gettime are ours here, and do as the kernel
 * would that has no transparent huge pages, a pool of explicit ones or none, or no memory.
 */
#ifndef MADE_ARENA_H
#define MADE_ARENA_H

#include "../shim/arena.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u /* bytes */

/* What the kernel pretends to have. */
static struct {
	bool transparent;
	bool pool;
	bool memory;
	bool lazy;      /* says that it has touched pages, and has not */
	size_t largest; /* bytes of a mapping; 0: no limit */
	int64_t now;    /* ms */
	int again;      /* how often it says EAGAIN, which takes a ms, to who asks to collapse */
	int collapsed;  /* how often it was asked to collapse a range, and did */
} kernel;

int madvise(void *address, size_t size, int advice)
{
	if ((advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) && !kernel.transparent) {
		errno = EINVAL;
		return -1;
	}
	if (advice == MADV_COLLAPSE && kernel.again-- > 0) {
		kernel.now++;
		errno = EAGAIN;
		return -1;
	}
	kernel.collapsed += advice == MADV_COLLAPSE;
	if (advice == MADV_COLLAPSE || advice == MADV_HUGEPAGE)
		return 0; /* so that the tests do not depend on what the kernel can find */
	if (advice == MADV_POPULATE_WRITE && kernel.lazy)
		return 0;
	if (advice == MADV_POPULATE_WRITE && !kernel.memory) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, size, advice);
}

/* Time passes as the tests say. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	*time = (struct timespec){.tv_sec = kernel.now / 1000, .tv_nsec = kernel.now % 1000 * 1000000};
	return 0;
}

/* A pool that is empty: the kernel has unmapped the old range by the time it finds out. */
void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (kernel.largest && size > kernel.largest) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if ((flags & MAP_HUGETLB) && !kernel.pool) {
		if (flags & MAP_FIXED)
			munmap(address, size);
		errno = ENOMEM;
		return MAP_FAILED;
	}
	flags &= (int)~(MAP_HUGETLB | 63u << 26); /* and the size of the page, which is in the flags' upper bits */
	return (void *)syscall(SYS_mmap, address, size, prot, flags, fd, offset);
}

static struct stingy_arena arena;
static pid_t tester;

/* Bytes of all arenas. */
static size_t room(void)
{
	return arena.count * arena.stride;
}

static int set_up(void **state)
{
	(void)state;
	kernel.transparent = kernel.pool = kernel.memory = true;
	kernel.lazy = false;
	kernel.again = 0;
	kernel.largest = 0;
	memset(&arena, 0, sizeof(arena));
	return 0;
}

/* A child in which an assertion failed must not go on with the tests that follow. */
static int tear_down(void **state)
{
	(void)state;
	if (getpid() != tester)
		_exit(1);
	return arena.base ? munmap(arena.low - PAGE, PAGE + (size_t)(arena.base - arena.low) + room()) : 0;
}

/* Whether the address can be read: the kernel says so without a signal. */
static bool is_there(const char *address)
{
	int ends[2];

	if (pipe(ends) != 0)
		return false;
	bool there = write(ends[1], address, 1) == 1;
	close(ends[0]);
	close(ends[1]);
	return there;
}

static void fill(unsigned char seed)
{
	for (size_t i = 0; i < room(); i += 64)
		arena.base[i] = (char)(seed + i / 64);
}

/* For the arena of that number alone. */
static bool is_filled_at(unsigned number, unsigned char seed)
{
	for (size_t i = number * arena.stride; i < (number + 1) * arena.stride; i += 64)
		if (arena.base[i] != (char)(seed + i / 64))
			return false;
	return true;
}

static bool is_filled(unsigned char seed)
{
	for (unsigned i = 0; i < arena.count; i++)
		if (!is_filled_at(i, seed))
			return false;
	return true;
}

/* Whether all of it is there, and nothing in it. */
static bool is_empty(void)
{
	for (size_t i = 0; i < room(); i += 64)
		if (arena.base[i] != 0)
			return false;
	return is_there(arena.base) && is_there(arena.base + room() - 1);
}

#define EXPLICIT true  /* for who asks */
#define DEFAULT  false /* for who does not */

#define SLAB  3000000u /* bytes; two huge pages */
#define HIGH  2000000u /* bytes; more than what is left of them */
#define COUNT 3u

/* Makes the arenas, and checks that a reason is given exactly where the pages are not what they should be. */
static void make(bool is_explicit, enum stingy_live_pages wanted)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .high = HIGH, .count = COUNT, .is_explicit = is_explicit};

	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(arena.pages, wanted);
	assert_int_equal(arena.why == NULL, wanted == (is_explicit ? STINGY_PAGES_EXPLICIT : STINGY_PAGES_TRANSPARENT));
	assert_int_equal(arena.stride, 3 * STINGY_HUGE_PAGE);
	assert_int_equal(arena.huge, 2 * STINGY_HUGE_PAGE);
	assert_int_equal((uintptr_t)arena.base % STINGY_HUGE_PAGE, 0);
	assert_true(is_empty());
	fill(1);
	assert_true(is_filled(1));
}

#define STACK 65536u      /* bytes of the slab for the stack */
#define LOW   (80u << 20) /* bytes below it, by the limit of the moment */
#define GUARD (1u << 20)  /* bytes below those */

static void make_with_stack(void)
{
	const struct stingy_arena_plan plan = {.slab = SLAB, .high = HIGH, .count = COUNT, .stack = STACK};
	struct rlimit limit, before;

	assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
	limit = before;
	limit.rlim_cur = LOW - 1;
	assert_int_equal(setrlimit(RLIMIT_STACK, &limit), 0);
	assert_int_equal(stingy_arena_init(&arena, &plan), 0);
	assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
}

#define ALL  ((1ul << COUNT) - 1) /* sets of arenas in which objects live */
#define NONE 0ul

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
