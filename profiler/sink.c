#define _GNU_SOURCE
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_MIN  (1ul << 20)  /* bytes: how much the file grows at first, */
#define STEP_MAX  (64ul << 20) /* and at most */
#define FD_LEAST  200          /* descriptors below it are the program's habit */
#define NAMES_MAX 1000         /* files of one prefix and pid */

static int open_new(struct stingy_sink *sink, const char *prefix)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		int len = i == 0 ? snprintf(sink->path, sizeof(sink->path), "%s.%d.trace", prefix, getpid())
				 : snprintf(sink->path, sizeof(sink->path), "%s.%d.%d.trace", prefix, getpid(), i);
		if (len < 0 || (size_t)len >= sizeof(sink->path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		int fd = open(sink->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* Moves the descriptor out of the range that programs use, and close, by number: above the standard ones at least. */
static int move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LEAST);
	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return high;
}

/* Whether the descriptor is still our file. */
static bool is_ours(const struct stingy_sink *sink)
{
	struct stat st;
	return sink->fd >= 0 && fstat(sink->fd, &st) == 0 && st.st_dev == sink->device && st.st_ino == sink->inode;
}

/* Allocates blocks up to size: by the file system, or by writing where it cannot. */
static int allocate(const struct stingy_sink *sink, size_t size)
{
	static const char zeros[4096];
	if (fallocate(sink->fd, 0, (off_t)sink->mapped, (off_t)(size - sink->mapped)) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -1;
	for (size_t at = sink->mapped; at < size; at += sizeof(zeros))
		if (pwrite(sink->fd, zeros, sizeof(zeros), (off_t)at) != (ssize_t)sizeof(zeros))
			return -1;
	return 0;
}

/* The bound the user set, or the one the kernel would enforce by SIGXFSZ; whole pages. */
static size_t kernel_bound(size_t bound)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < bound)
		bound = limit.rlim_cur;
	return bound & ~(size_t)4095;
}

/* The descriptor, opened again if the program has closed it; whether it is our file's. */
static bool reopen(struct stingy_sink *sink)
{
	if (is_ours(sink))
		return true;
	int fd = open(sink->path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	sink->fd = move_up(fd);
	if (is_ours(sink))
		return true;
	close(sink->fd);
	sink->fd = -1;
	return false;
}

static bool grow_file(struct stingy_sink *sink)
{
	size_t step = sink->mapped < STEP_MIN ? STEP_MIN : sink->mapped > STEP_MAX ? STEP_MAX : sink->mapped;
	size_t bound = kernel_bound(sink->bound); /* it may have been lowered since */
	size_t size = sink->mapped + step < bound ? sink->mapped + step : bound;
	if (size <= sink->mapped || !reopen(sink))
		return false;
	char *at = (char *)sink->header + sink->mapped;
	if (allocate(sink, size) < 0 || mmap(at, size - sink->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
					     sink->fd, (off_t)sink->mapped) == MAP_FAILED)
		return false;
	sink->mapped = size;
	return true;
}

/* The program's call that this is part of, such as malloc, may be no cancellation point, and what it takes is. */
static bool grow(struct stingy_sink *sink)
{
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	bool has_grown = grow_file(sink);
	pthread_setcancelstate(cancel, NULL);
	return has_grown;
}

static void write_header(struct stingy_sink *sink, uint32_t parent)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct stingy_trace_header *header = sink->header;
	*header = (struct stingy_trace_header){
		.version = STINGY_TRACE_VERSION,
		.header_size = sizeof(*header),
		.committed = sizeof(*header),
		.cache = {.size = (uint32_t)sysconf(_SC_LEVEL2_CACHE_SIZE),
			  .ways = (uint32_t)sysconf(_SC_LEVEL2_CACHE_ASSOC),
			  .line = (uint32_t)sysconf(_SC_LEVEL2_CACHE_LINESIZE)},
		.max_size = sink->bound,
		.started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
		.pid = (uint32_t)getpid(),
		.parent = parent,
	};
	memcpy(header->magic, STINGY_TRACE_MAGIC, sizeof(header->magic)); /* last: now it is a trace */
}

static int map(struct stingy_sink *sink, int fd)
{
	struct stat st;
	sink->fd = move_up(fd);
	if (sink->fd < 0)
		return -1;
	void *at = mmap(NULL, sink->bound, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED || fstat(sink->fd, &st) < 0) {
		close(sink->fd);
		return -1;
	}
	sink->header = at;
	sink->device = st.st_dev;
	sink->inode = st.st_ino;
	if (grow(sink))
		return 0;
	int saved = errno;
	stingy_sink_forget(sink);
	errno = saved;
	return -1;
}

int stingy_sink_open(struct stingy_sink *sink, const char *prefix, size_t bound, uint32_t parent)
{
	sink->header = NULL;
	sink->mapped = 0;
	sink->bound = kernel_bound(bound);
	int fd = open_new(sink, prefix);
	if (fd < 0)
		return -1;
	if (map(sink, fd) < 0) {
		int saved = errno;
		unlink(sink->path); /* an empty one would be taken for a trace, and refused */
		errno = saved;
		return -1;
	}
	write_header(sink, parent);
	sink->committed = sizeof(struct stingy_trace_header);
	return 0;
}

uint8_t *stingy_sink_make_room(struct stingy_sink *sink)
{
	struct stingy_trace_header *header = sink->header;
	if (!header)
		return NULL;
	if (!(header->flags & (STINGY_TRACE_FULL | STINGY_TRACE_STUCK)) && grow(sink))
		return (uint8_t *)header + sink->committed;
	if (!(header->flags & STINGY_TRACE_STUCK))
		header->flags |= sink->mapped < sink->bound ? STINGY_TRACE_STUCK : STINGY_TRACE_FULL;
	header->dropped++;
	return NULL;
}

void stingy_sink_end(struct stingy_sink *sink)
{
	struct stingy_trace_header *header = sink->header;
	if (!header)
		return;
	header->flags |= STINGY_TRACE_ENDED;
	size_t whole = (sink->committed + 4095) & ~(size_t)4095;
	if (!is_ours(sink) || whole == sink->mapped)
		return;
	/* What lies behind the file's end must not be touched: stingy_sink_room maps it again if need be. */
	void *behind = mmap((char *)header + whole, sink->mapped - whole, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (behind == MAP_FAILED)
		return;
	sink->mapped = whole;
	if (ftruncate(sink->fd, (off_t)sink->committed) < 0)
		return; /* a file with a tail, which readers pass over */
}

void stingy_sink_forget(struct stingy_sink *sink)
{
	if (!sink->header)
		return;
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (is_ours(sink))
		close(sink->fd);
	pthread_setcancelstate(cancel, NULL);
	munmap(sink->header, sink->bound);
	sink->header = NULL;
	sink->mapped = 0;
}
