#define _GNU_SOURCE
#include "pages.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How long it is tried while the other process is at the same pages, in ms. */
#define MEND_MOST 20

int stingy_pages_populate(char *at, size_t size)
{
	if (madvise(at, size, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	for (size_t i = 0; i < size; i += STINGY_PAGE) /* before Linux 5.14 */
		__atomic_fetch_or(&at[i], 0, __ATOMIC_RELAXED);
	return 0;
}

static int map_in_place(char *at, size_t size, int kind)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | kind;
	return mmap(at, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

int stingy_pages_map(char *at, size_t size)
{
	return map_in_place(at, size, 0);
}

bool stingy_pages_make_explicit(char *at, size_t size)
{
	const int kind = MAP_HUGETLB | MAP_HUGE_2MB;
	/* Asked elsewhere first: in place, a refusal leaves a hole. */
	void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | kind, -1, 0);
	if (probe == MAP_FAILED)
		return false;
	munmap(probe, size);
	return map_in_place(at, size, kind) == 0 && madvise(at, size, MADV_POPULATE_WRITE) == 0 &&
	       madvise(at, size, MADV_DONTFORK) == 0;
}

/* Whether the kernel counts as many bytes as huge pages, in the mapping that holds them: its AnonHugePages line. */
static bool smaps_say_huge(const char *at, size_t size)
{
	char buf[STINGY_PAGE + 1], *line;
	bool here = false, huge = false;
	size_t kept = 0;
	ssize_t n;
	int fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (!huge && (n = read(fd, buf + kept, STINGY_PAGE - kept)) > 0) {
		buf[kept + (size_t)n] = '\0';
		char *end;
		for (line = buf; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			char *dash;
			uintptr_t low = strtoul(line, &dash, 16);
			if (*dash == '-')
				here = low <= (uintptr_t)at && strtoul(dash + 1, NULL, 16) >= (uintptr_t)at + size;
			else if (here && strncmp(line, "AnonHugePages:", 14) == 0)
				huge = strtoul(line + 14, NULL, 10) * 1024 >= size;
		}
		kept = strlen(line);
		memmove(buf, line, kept);
		if (kept == STINGY_PAGE)
			kept = 0; /* no line is that long */
	}
	close(fd);
	return huge;
}

/*
 * Makes transparent huge pages of what is there. A program may have switched them off for itself (redis does): then
 * they are switched on for the moment of asking.
 */
static int collapse(char *at, size_t size)
{
	if (madvise(at, size, MADV_COLLAPSE) == 0)
		return 0;
	if (errno != EINVAL || prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1 || prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) != 0)
		return -1;
	int result = madvise(at, size, MADV_COLLAPSE);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return result;
}

bool stingy_pages_make_transparent(char *at, size_t size)
{
	return stingy_pages_populate(at, size) == 0 &&
	       (collapse(at, size) == 0 || (errno == EINVAL && smaps_say_huge(at, size)));
}

/* Untouched pages for size bytes at a multiple of STINGY_HUGE_PAGE; NULL: no addresses. */
static char *map_aligned(size_t size)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *at = mmap(NULL, size + STINGY_HUGE_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	size_t skipped = -(uintptr_t)at & (STINGY_HUGE_PAGE - 1);
	if (skipped)
		munmap(at, skipped);
	munmap(at + skipped + size, STINGY_HUGE_PAGE - skipped);
	return at + skipped;
}

/* Page faults of this thread so far. */
static long faults(void)
{
	struct rusage usage = {.ru_minflt = 0};
	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

/*
 * Puts the copy in the place of what it was made of. False: that is there still, on small pages. A process with as many
 * mappings as it may have is refused before anything is done; later refusals leave a hole.
 */
static bool move(char *copy, char *at, size_t size)
{
	if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED)
		return true;
	bool is_hole = madvise(at, size, MADV_NORMAL) < 0; /* which changes nothing, and asks for all of it */
	if (is_hole && stingy_pages_map(at, size) < 0)
		stingy_die("no memory for the arena after fork");
	if (is_hole)
		memcpy(at, copy, size);
	munmap(copy, size);
	return false;
}

bool stingy_pages_hold_stack(const char *at, size_t size)
{
	return (uintptr_t)__builtin_frame_address(0) - (uintptr_t)at < size;
}

/* That pages are huge, the few faults tell. */
bool stingy_pages_renew(char *at, size_t size)
{
	char *copy = stingy_pages_hold_stack(at, size) ? NULL : map_aligned(size);
	if (!copy)
		return false;
	madvise(copy, size, MADV_HUGEPAGE);
	long n = faults();
	memcpy(copy, at, size);
	n = faults() - n;
	return move(copy, at, size) && n < (long)(size / STINGY_PAGE / 2);
}

int64_t stingy_pages_clock(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/*
 * The first write beside the other process makes the kernel see small pages, each still shared: here the kernel is
 * asked for it, as nothing may be written while another thread serves. Then it gathers them, which copies each once
 * (and is atomic for other threads). If it is done in one of the two processes before the other writes, that one keeps
 * the old huge page.
 */
bool stingy_pages_mend(char *at, size_t size)
{
	for (size_t i = 0; i < size; i += STINGY_HUGE_PAGE)
		if (madvise(at + i, STINGY_PAGE, MADV_POPULATE_WRITE) < 0)
			return false;
	int64_t until = stingy_pages_clock() + MEND_MOST;
	int failed;
	while ((failed = collapse(at, size)) < 0 && errno == EAGAIN && stingy_pages_clock() < until)
		sched_yield(); /* the other process holds some of the pages, to gather its own */
	return !failed;
}
