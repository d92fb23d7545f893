#define _GNU_SOURCE
#include "arena.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Of newer kernels than the C library's headers may know. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define PAGE 4096u /* bytes */

int stingy_arena_reserve(struct stingy_arena *arena, size_t slab)
{
	size_t size = (slab + STINGY_HUGE_PAGE - 1) & ~(STINGY_HUGE_PAGE - 1);
	size_t room = size + STINGY_HUGE_PAGE;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return -1;
	char *base = at + (-(uintptr_t)at & (STINGY_HUGE_PAGE - 1));
	if (base != at)
		munmap(at, (size_t)(base - at));
	munmap(base + size, room - size - (size_t)(base - at));
	*arena = (struct stingy_arena){.base = base, .size = size};
	return 0;
}

/* Whether the kernel counts the whole range as huge pages: the AnonHugePages line of its mapping. */
static bool smaps_say_huge(const struct stingy_arena *arena)
{
	char buf[PAGE + 1], *line;
	bool here = false, huge = false;
	size_t kept = 0;
	ssize_t n;
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (!huge && (n = read(fd, buf + kept, PAGE - kept)) > 0) {
		buf[kept + (size_t)n] = '\0';
		char *end;
		for (line = buf; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			char *dash;
			uintptr_t low = strtoul(line, &dash, 16);
			if (*dash == '-')
				here = low <= (uintptr_t)arena->base &&
				       strtoul(dash + 1, NULL, 16) >= (uintptr_t)arena->base + arena->size;
			else if (here && strncmp(line, "AnonHugePages:", 14) == 0)
				huge = strtoul(line + 14, NULL, 10) * 1024 >= arena->size;
		}
		kept = strlen(line);
		memmove(buf, line, kept);
		if (kept == PAGE)
			kept = 0; /* no line is that long */
	}
	close(fd);
	return huge;
}

/* Touches every page for writing, by the kernel's means or by hand. Returns 0, or -1 if there is no memory. */
static int populate(const struct stingy_arena *arena)
{
	if (madvise(arena->base, arena->size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	for (size_t at = 0; at < arena->size; at += PAGE) { /* before Linux 5.14 */
		volatile char *byte = arena->base + at;
		char kept = *byte;
		*byte = kept;
	}
	return 0;
}

/*
 * Asks for transparent huge pages under what is mapped. A program may have switched them off for itself (redis does):
 * they are switched on for the moment of asking.
 */
static bool make_transparent(const struct stingy_arena *arena)
{
	bool off = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 && prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0;
	madvise(arena->base, arena->size, MADV_HUGEPAGE);
	bool huge = populate(arena) == 0 && (madvise(arena->base, arena->size, MADV_COLLAPSE) == 0 ||
					     (errno == EINVAL && smaps_say_huge(arena)));
	if (off)
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return huge;
}

static int map(const struct stingy_arena *arena, int prot, int flags)
{
	flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	return mmap(arena->base, arena->size, prot, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

/* Whether the pool of explicit huge pages has enough: asked elsewhere, as a mapping in place that fails leaves a hole.
 */
static bool has_explicit(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB,
			-1, 0);
	if (at == MAP_FAILED)
		return false;
	munmap(at, size);
	return true;
}

/* Explicit huge pages, all of them touched now: a pool that runs dry later would kill the program. */
static bool make_explicit(const struct stingy_arena *arena)
{
	if (!has_explicit(arena->size))
		return false;
	if (map(arena, PROT_READ | PROT_WRITE, MAP_HUGETLB | MAP_HUGE_2MB) == 0 &&
	    madvise(arena->base, arena->size, MADV_POPULATE_WRITE) == 0 &&
	    madvise(arena->base, arena->size, MADV_DONTFORK) == 0)
		return true;
	map(arena, PROT_READ | PROT_WRITE, 0); /* if that fails, populate() will tell */
	return false;
}

int stingy_arena_make(struct stingy_arena *arena, const char **why)
{
	bool fresh = !arena->is_made;
	*why = NULL;
	if (fresh && map(arena, PROT_READ | PROT_WRITE, 0) < 0)
		return -1;
	if (make_transparent(arena)) {
		arena->pages = STINGY_PAGES_TRANSPARENT;
	} else if (fresh && make_explicit(arena)) {
		arena->pages = STINGY_PAGES_EXPLICIT;
	} else if (populate(arena) == 0) {
		arena->pages = STINGY_PAGES_SMALL;
		*why = fresh ? "small pages: no huge page could be had"
			     : "small pages: objects lived in the arena at fork, and no huge page could be had again";
	} else {
		return -1; /* a copied arena stays as it is: objects live in it */
	}
	arena->is_made = true;
	arena->is_copied = false;
	return 0;
}

void stingy_arena_before_fork(struct stingy_arena *arena)
{
	arena->snapshot = NULL;
	if (!arena->is_made || arena->pages != STINGY_PAGES_EXPLICIT)
		return;
	char *copy = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED) { /* then as the kernel does it, with its risk */
		madvise(arena->base, arena->size, MADV_DOFORK);
		return;
	}
	memcpy(copy, arena->base, arena->size);
	arena->snapshot = copy;
}

void stingy_arena_after_fork_in_parent(struct stingy_arena *arena)
{
	if (arena->snapshot)
		munmap(arena->snapshot, arena->size);
	arena->snapshot = NULL;
}

void stingy_arena_after_fork_in_child(struct stingy_arena *arena, bool is_empty)
{
	if (!arena->is_made)
		return;
	if (arena->snapshot) { /* the arena itself was hidden from fork */
		if (map(arena, PROT_READ | PROT_WRITE, 0) < 0)
			stingy_die("no memory for the arena after fork");
		memcpy(arena->base, arena->snapshot, arena->size);
		munmap(arena->snapshot, arena->size);
		arena->snapshot = NULL;
		arena->pages = STINGY_PAGES_SMALL;
	}
	if (is_empty && map(arena, PROT_NONE, MAP_NORESERVE) == 0) {
		arena->is_made = false;
		arena->pages = STINGY_PAGES_NONE;
		return;
	}
	arena->is_copied = true;
}
