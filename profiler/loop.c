/*
 * The libc functions by which an event loop shows itself, interposed in the profiling library: waiting for events
 * (those of io_uring are in uring.c), accepting and closing connections, loading and unloading modules; and what a
 * program announces by itself (stingy.h).
 *
 * By default a loop is given one event a turn, so that what a turn allocates belongs to one task: the kernel keeps
 * the rest ready and rotates them, and any program must be content with fewer events than it asked for. What poll and
 * select report beyond the first event (the first after the one reported last, in turn) is withheld until the next
 * call.
 */
#define _GNU_SOURCE
#include "descriptors.h"
#include "events.h"
#include "record.h"

#include "../shim/calls.h"
#include "../shim/next.h"
#include "../shim/stingy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRY __attribute__((visibility("default")))

ENTRY int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
ENTRY int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		      size_t size);

#define NEXT(name) STINGY_CALL(name)

static __typeof__(&pthread_getattr_np) next_getattr;

void stingy_loop_init(void)
{
	stingy_calls_init();
	stingy_next_find(&next_getattr, "pthread_getattr_np");
}

/* Says that the loop came back; errno stays as the wait left it. */
static void turned(int fd)
{
	int saved = errno;
	stingy_events_turn(fd);
	errno = saved;
}

static int epoll_turned(int epoll, const struct epoll_event *events, int n)
{
	int saved = errno;
	stingy_events_turn(n == 1 ? stingy_descriptors_find(epoll, events[0].data.u64) : -1);
	errno = saved;
	return n;
}

static int epoll_max(int max)
{
	return max > 1 && max <= STINGY_EPOLL_MOST && stingy_record_is_single() ? 1 : max;
}

ENTRY int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	stingy_events_wait(&STINGY_HERE());
	return epoll_turned(epoll, events, NEXT(epoll_wait)(epoll, events, epoll_max(max), timeout));
}

ENTRY int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
	stingy_events_wait(&STINGY_HERE());
	return epoll_turned(epoll, events, NEXT(epoll_pwait)(epoll, events, epoll_max(max), timeout, mask));
}

ENTRY int epoll_pwait2(int epoll, struct epoll_event *events, int max, const struct timespec *timeout,
		       const sigset_t *mask)
{
	stingy_events_wait(&STINGY_HERE());
	return epoll_turned(epoll, events, NEXT(epoll_pwait2)(epoll, events, epoll_max(max), timeout, mask));
}

ENTRY int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	STINGY_CALL_BEGIN(epoll_ctl, fd);
	int result = NEXT(epoll_ctl)(epoll, operation, fd, event);
	stingy_events_call_end(&call);
	if (result == 0 && operation != EPOLL_CTL_DEL && event)
		stingy_descriptors_register(epoll, fd, event->data.u64);
	return result;
}

/*
 * Keeps one of n ready entries, the first behind the place of the last one kept. Returns how many are left. The kernel
 * counts entries in 32 bits.
 */
static int keep_one(struct pollfd *fds, nfds_t all, int n)
{
	static __thread uint32_t last;
	uint32_t count = (uint32_t)all;
	if (n > 1 && stingy_record_is_single()) {
		uint32_t chosen = count;
		for (uint32_t i = 0; i < count && chosen == count; i++)
			if (fds[(last + 1 + i) % count].revents != 0)
				chosen = (last + 1 + i) % count;
		for (uint32_t i = 0; i < count; i++)
			if (i != chosen)
				fds[i].revents = 0;
		last = chosen;
		n = 1;
	}
	int fd = -1;
	for (uint32_t i = 0; n == 1 && i < count && fd < 0; i++)
		if (fds[i].revents != 0)
			fd = fds[i].fd;
	if (fd >= 0)
		stingy_descriptors_note(fd);
	turned(fd);
	return n;
}

ENTRY int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	stingy_events_wait(&STINGY_HERE());
	return keep_one(fds, count, NEXT(poll)(fds, count, timeout));
}

ENTRY int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	stingy_events_wait(&STINGY_HERE());
	return keep_one(fds, count, NEXT(ppoll)(fds, count, timeout, mask));
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	stingy_events_wait(&STINGY_HERE());
	return keep_one(fds, count, NEXT(__poll_chk)(fds, count, timeout, size));
}

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
	stingy_events_wait(&STINGY_HERE());
	return keep_one(fds, count, NEXT(__ppoll_chk)(fds, count, timeout, mask, size));
}

/* FD_ISSET and FD_CLR may end programs whose sets have more than FD_SETSIZE bits, which the kernel does not mind. */
static unsigned long bit(int fd)
{
	return 1ul << fd % NFDBITS;
}

static bool is_set(int fd, const fd_set *set)
{
	return set && (unsigned long)((const fd_mask *)set)[fd / NFDBITS] & bit(fd);
}

static void clear(int fd, fd_set *set)
{
	if (is_set(fd, set))
		((fd_mask *)set)[fd / NFDBITS] ^= (fd_mask)bit(fd);
}

static int bits_of(int fd, const fd_set *reads, const fd_set *writes, const fd_set *others)
{
	return is_set(fd, reads) + is_set(fd, writes) + is_set(fd, others);
}

/*
 * Of n bits that are set, the first descriptor behind the last one; or else the first. Behind the last of the n nobody
 * looks: the kernel did not, either, if count is larger than the sets are.
 */
static int choose(int last, int count, const fd_set *reads, const fd_set *writes, const fd_set *others, int n)
{
	int first = -1;
	for (int fd = 0; n > 0 && fd < count; fd++) {
		int bits = bits_of(fd, reads, writes, others);
		if (bits != 0 && fd > last)
			return fd;
		if (bits != 0 && first < 0)
			first = fd;
		n -= bits;
	}
	return first;
}

static void clear_all_but(int kept, int count, fd_set *reads, fd_set *writes, fd_set *others, int n)
{
	for (int fd = 0; n > 0 && fd < count; fd++) {
		n -= bits_of(fd, reads, writes, others);
		if (fd == kept)
			continue;
		clear(fd, reads);
		clear(fd, writes);
		clear(fd, others);
	}
}

/* The same for select, which counts a descriptor once for each set that it is in. */
static int select_one(int count, fd_set *reads, fd_set *writes, fd_set *others, int n)
{
	static __thread int last;
	int chosen = choose(last, count, reads, writes, others, n);
	if (chosen >= 0 && stingy_record_is_single()) {
		clear_all_but(chosen, count, reads, writes, others, n);
		n = bits_of(chosen, reads, writes, others);
		last = chosen;
	}
	if (chosen >= 0)
		stingy_descriptors_note(chosen);
	turned(n == 1 || stingy_record_is_single() ? chosen : -1);
	return n;
}

ENTRY int select(int count, fd_set *reads, fd_set *writes, fd_set *others, struct timeval *timeout)
{
	stingy_events_wait(&STINGY_HERE());
	return select_one(count, reads, writes, others, NEXT(select)(count, reads, writes, others, timeout));
}

ENTRY int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const struct timespec *timeout,
		  const sigset_t *mask)
{
	stingy_events_wait(&STINGY_HERE());
	return select_one(count, reads, writes, others, NEXT(pselect)(count, reads, writes, others, timeout, mask));
}

static int accepted(const struct stingy_call *call, int fd)
{
	stingy_events_call_end(call);
	if (fd >= 0) {
		stingy_descriptors_accept(fd);
		stingy_events_accept(fd);
	}
	return fd;
}

ENTRY int accept(int listener, struct sockaddr *address, socklen_t *len)
{
	STINGY_CALL_BEGIN(accept, listener);
	return accepted(&call, NEXT(accept)(listener, address, len));
}

ENTRY int accept4(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
	STINGY_CALL_BEGIN(accept4, listener);
	return accepted(&call, NEXT(accept4)(listener, address, len, flags));
}

/* Recorded before: afterwards the number may be another thread's already. */
ENTRY int close(int fd)
{
	if (stingy_descriptors_forget(fd))
		stingy_events_close(fd);
	STINGY_CALL_BEGIN(close, fd);
	int result = NEXT(close)(fd);
	stingy_events_call_end(&call);
	return result;
}

/* It allocates with the thread's lock held, which finding the thread's stack takes too. */
ENTRY int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
	bool is_entered = stingy_record_enter();
	if (!next_getattr)
		stingy_next_find(&next_getattr, "pthread_getattr_np");
	int result = next_getattr(thread, attributes);
	if (is_entered)
		stingy_record_leave();
	return result;
}

ENTRY void StingyStageBegin(const void *stage, const void *task)
{
	stingy_events_stage(stage, task, STINGY_SP());
}

ENTRY void StingyStageEnd(const void *stage, const void *task)
{
	(void)stage;
	(void)task;
	stingy_events_stage_end(STINGY_SP());
}

ENTRY void StingyTaskEnd(const void *task)
{
	stingy_events_task_end(task);
}
