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
#define BEGIN     (32ul << 10) /* bytes of header and buffer: a few pages, so that they stay in the cache */

int stingy_sink_settle(char prefix[STINGY_SINK_PREFIX], const char *given)
{
	size_t used = 0;
	if (!given)
		given = "stingy";
	if (given[0] != '/') {
		if (!getcwd(prefix, STINGY_SINK_PREFIX))
			return -1;
		used = strlen(prefix);
		prefix[used++] = '/';
	}
	if (used + strlen(given) >= STINGY_SINK_PREFIX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix + used, given, strlen(given) + 1);
	return 0;
}

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
	if (fallocate(sink->fd, 0, (off_t)sink->allocated, (off_t)(size - sink->allocated)) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -1;
	for (size_t at = sink->allocated; at < size; at += sizeof(zeros)) {
		size_t n = size - at < sizeof(zeros) ? size - at : sizeof(zeros);
		if (pwrite(sink->fd, zeros, n, (off_t)at) != (ssize_t)n)
			return -1;
	}
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

/* By a step; the descriptor is ours, and bound is what the kernel allows by now. */
static bool grow(struct stingy_sink *sink, size_t bound)
{
	size_t had = sink->allocated, step = had < STEP_MIN ? STEP_MIN : had > STEP_MAX ? STEP_MAX : had;
	size_t size = had + step < bound ? had + step : bound;
	if (size <= had || allocate(sink, size) < 0)
		return false;
	sink->allocated = size;
	return true;
}

static uint8_t *buffer_of(const struct stingy_sink *sink)
{
	return (uint8_t *)(sink->header + 1);
}

/* The buffer's records go to their place, which the file has; whoever reads it finds them there or here. */
static bool write_buffer(struct stingy_sink *sink)
{
	const uint8_t *from = buffer_of(sink);
	while (from < sink->at) {
		size_t left = (size_t)(sink->at - from);
		ssize_t n = pwrite(sink->fd, from, left, (off_t)(sink->committed - left));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
	}
	__atomic_store_n(&sink->header->written, sink->committed, __ATOMIC_RELEASE);
	sink->at = buffer_of(sink);
	return true;
}

/* How far the buffer may be used: there must be room for a record in it, and at its place in the file. */
static void set_last(struct stingy_sink *sink)
{
	const uint8_t *end = (const uint8_t *)sink->header + BEGIN;
	size_t room = sink->allocated - sink->committed;
	if (room < (size_t)(end - sink->at))
		end = sink->at + room;
	sink->last = end - STINGY_TRACE_RECORD_MAX;
}

/* Makes the buffer empty, and sees to it that the file has room for a record more. */
static bool empty_buffer(struct stingy_sink *sink)
{
	size_t bound = kernel_bound(sink->bound); /* it may have been lowered since */
	bool has_room = sink->committed <= bound && reopen(sink) && write_buffer(sink);
	if (has_room && sink->allocated - sink->committed < STINGY_TRACE_RECORD_MAX)
		has_room = grow(sink, bound) && sink->allocated - sink->committed >= STINGY_TRACE_RECORD_MAX;
	set_last(sink);
	return has_room;
}

/* The program's call that this is part of, such as malloc, may be no cancellation point, and what it takes is. */
static bool empty(struct stingy_sink *sink)
{
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	bool has_room = empty_buffer(sink);
	pthread_setcancelstate(cancel, NULL);
	return has_room;
}

static void write_header(struct stingy_sink *sink, uint32_t parent)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct stingy_trace_header *header = sink->header;
	*header = (struct stingy_trace_header){
		.version = STINGY_TRACE_VERSION,
		.header_size = BEGIN,
		.committed = BEGIN,
		.written = BEGIN,
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

/* Gives the new file its first blocks and maps its beginning. */
static int begin_file(struct stingy_sink *sink)
{
	struct stat st;
	if (sink->bound < BEGIN) {
		errno = EFBIG;
		return -1;
	}
	if (fstat(sink->fd, &st) < 0 || !grow(sink, sink->bound))
		return -1;
	void *at = mmap(NULL, BEGIN, PROT_READ | PROT_WRITE, MAP_SHARED, sink->fd, 0);
	if (at == MAP_FAILED)
		return -1;
	sink->header = at;
	sink->device = st.st_dev;
	sink->inode = st.st_ino;
	return 0;
}

int stingy_sink_open(struct stingy_sink *sink, const char *prefix, size_t bound, uint32_t parent)
{
	sink->header = NULL;
	sink->at = NULL;
	sink->last = NULL;
	sink->allocated = 0;
	sink->bound = kernel_bound(bound);
	int fd = open_new(sink, prefix);
	if (fd < 0)
		return -1;
	sink->fd = move_up(fd);
	if (sink->fd < 0 || begin_file(sink) < 0) {
		int saved = errno;
		unlink(sink->path); /* an empty one would be taken for a trace, and refused */
		if (sink->fd >= 0)
			close(sink->fd);
		errno = saved;
		return -1;
	}
	write_header(sink, parent);
	sink->committed = BEGIN;
	sink->at = buffer_of(sink);
	set_last(sink);
	return 0;
}

uint8_t *stingy_sink_make_room(struct stingy_sink *sink)
{
	struct stingy_trace_header *header = sink->header;
	if (!(header->flags & (STINGY_TRACE_FULL | STINGY_TRACE_STUCK)) && empty(sink))
		return sink->at;
	if (!(header->flags & STINGY_TRACE_STUCK))
		header->flags |= sink->bound - sink->committed < STINGY_TRACE_RECORD_MAX ? STINGY_TRACE_FULL
											 : STINGY_TRACE_STUCK;
	header->dropped++;
	return NULL;
}

void stingy_sink_end(struct stingy_sink *sink)
{
	if (!sink->header)
		return;
	sink->header->flags |= STINGY_TRACE_ENDED;
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	bool is_whole = sink->committed <= kernel_bound(sink->bound) && is_ours(sink) && write_buffer(sink);
	if (is_whole && ftruncate(sink->fd, (off_t)sink->committed) == 0)
		sink->allocated = sink->committed;
	if (is_whole) /* else the buffer is a part of the file, too */
		set_last(sink);
	pthread_setcancelstate(cancel, NULL);
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
	munmap(sink->header, BEGIN);
	sink->header = NULL;
	sink->at = NULL;
	sink->last = NULL;
}
