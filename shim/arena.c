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
#include <sys/single_threaded.h>
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

/* Addresses for the arena, to be made readable in place: a mapping that fails over another one may leave a hole. */
static int reserve(struct stingy_arena *arena, size_t slab)
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

/* Ordinary pages in the arena's place, instead of what is there. */
static int mmap_ordinary(const struct stingy_arena *arena)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	return mmap(arena->base, arena->size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int give_up(struct stingy_arena *arena)
{
	munmap(arena->base, arena->size);
	*arena = (struct stingy_arena){.pages = STINGY_PAGES_NONE};
	return -1;
}

/* Explicit huge pages, all of them touched now: a pool that runs dry later would kill the program. */
static bool make_explicit(const struct stingy_arena *arena)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB;
	/* Asked elsewhere first: in place, a refusal leaves a hole. */
	void *probe = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (probe == MAP_FAILED)
		return false;
	munmap(probe, arena->size);
	if (mmap(arena->base, arena->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0) != MAP_FAILED &&
	    madvise(arena->base, arena->size, MADV_POPULATE_WRITE) == 0 &&
	    madvise(arena->base, arena->size, MADV_DONTFORK) == 0)
		return true;
	(void)!mmap_ordinary(arena); /* if that fails, populate() will tell */
	return false;
}

int stingy_arena_init(struct stingy_arena *arena, size_t slab, bool is_explicit, const char **why)
{
	*why = NULL;
	if (reserve(arena, slab) < 0)
		return -1;
	if (mprotect(arena->base, arena->size, PROT_READ | PROT_WRITE) < 0)
		return give_up(arena);
	if (is_explicit && make_explicit(arena)) {
		arena->pages = STINGY_PAGES_EXPLICIT;
		return 0;
	}
	if (is_explicit)
		*why = "the pool has no explicit huge page to give";
	if (make_transparent(arena)) {
		arena->pages = STINGY_PAGES_TRANSPARENT;
		return 0;
	}
	arena->pages = STINGY_PAGES_SMALL;
	*why = "small pages: no huge page could be had";
	return populate(arena) < 0 ? give_up(arena) : 0;
}

void stingy_arena_before_fork(struct stingy_arena *arena)
{
	arena->snapshot = NULL;
	if (arena->pages != STINGY_PAGES_EXPLICIT)
		return;
	char *copy = MAP_FAILED;
	if (__libc_single_threaded) /* else a copy could be torn */
		copy = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
	if (arena->pages == STINGY_PAGES_EXPLICIT)
		madvise(arena->base, arena->size, MADV_DONTFORK);
}

/* What was hidden from fork is put in place, on ordinary pages. */
static void restore(struct stingy_arena *arena)
{
	void *at =
		mmap(arena->base, arena->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (at == MAP_FAILED)
		stingy_die("no memory for the arena after fork");
	memcpy(arena->base, arena->snapshot, arena->size);
	munmap(arena->snapshot, arena->size);
	arena->snapshot = NULL;
	arena->pages = STINGY_PAGES_SMALL;
}

void stingy_arena_after_fork_in_child(struct stingy_arena *arena, bool is_empty)
{
	if (arena->snapshot)
		restore(arena);
	if (arena->pages == STINGY_PAGES_EXPLICIT || arena->pages == STINGY_PAGES_NONE)
		return;
	/* Fresh pages come with the first touch, huge ones if the kernel gives them: no mapping that could fail. */
	if (!is_empty || madvise(arena->base, arena->size, MADV_DONTNEED) < 0)
		arena->pages = STINGY_PAGES_SMALL;
}
