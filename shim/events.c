/*
 * libc's entry points by which a server waits for events with epoll, and comes by and loses descriptors, in the
 * production library: where ordering is on, they ask order-epoll.h what to ask the kernel for. Results, errno,
 * cancellation and signal masks are those of the next definitions: each wait of ours is made by the function that the
 * server called.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "order-epoll.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/prctl.h>

#define ENTRY __attribute__((visibility("default")))

#define NEXT(name) STINGY_CALL(name)

/* How the server waits, apart from how many events it takes. */
struct wait {
	enum { WAIT, PWAIT, PWAIT2 } by;
	int epoll;
	struct epoll_event *events;
	int timeout;
	const struct timespec *time; /* of PWAIT2 */
	const sigset_t *mask;
};

static int next_wait(const struct wait *wait, int epoll, int max, bool is_now)
{
	static const struct timespec now = {0, 0};
	int timeout = is_now ? 0 : wait->timeout;
	if (wait->by == WAIT)
		return NEXT(epoll_wait)(epoll, wait->events, max, timeout);
	if (wait->by == PWAIT)
		return NEXT(epoll_pwait)(epoll, wait->events, max, timeout, wait->mask);
	if (NEXT(epoll_pwait2))
		return stingy_calls.epoll_pwait2(epoll, wait->events, max, is_now ? &now : wait->time, wait->mask);
	errno = ENOSYS;
	return -1;
}

/* What is under way, if any of it is ready. */
static int ask_first(const struct wait *wait, struct stingy_order *order, int max)
{
	int saved = errno;
	int n = next_wait(wait, order->first, max, true);
	errno = saved;
	return n > 0 ? stingy_order_epoll_sort(order, wait->events, n) : 0;
}

static int ordered_wait(const struct wait *wait, int max)
{
	bool is_right = max > 0 && max <= STINGY_EPOLL_MOST;
	struct stingy_order *order = is_right ? stingy_order_epoll_enter(wait->epoll) : NULL;
	if (!order)
		return next_wait(wait, wait->epoll, max, false);
	if (!order->is_seen)
		return stingy_order_heard(order, next_wait(wait, wait->epoll, max, false));
	int n = order->is_ordering && stingy_order_asks_first(order) ? ask_first(wait, order, max) : 0;
	bool is_first = n > 0;
	if (!is_first)
		n = next_wait(wait, wait->epoll, stingy_order_epoll_most(order, max), false);
	stingy_order_epoll_turned(order, wait->events, n, is_first);
	return n;
}

ENTRY int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
	const struct wait wait = {.by = WAIT, .epoll = epoll, .events = events, .timeout = timeout};
	return stingy_order_is_on ? ordered_wait(&wait, max) : NEXT(epoll_wait)(epoll, events, max, timeout);
}

ENTRY int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
	const struct wait wait = {.by = PWAIT, .epoll = epoll, .events = events, .timeout = timeout, .mask = mask};
	return stingy_order_is_on ? ordered_wait(&wait, max) : NEXT(epoll_pwait)(epoll, events, max, timeout, mask);
}

ENTRY int epoll_pwait2(int epoll, struct epoll_event *events, int max, const struct timespec *timeout,
		       const sigset_t *mask)
{
	const struct wait wait = {.by = PWAIT2, .epoll = epoll, .events = events, .time = timeout, .mask = mask};
	return stingy_order_is_on ? ordered_wait(&wait, max) : next_wait(&wait, epoll, max, false);
}

ENTRY int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int result = NEXT(epoll_ctl)(epoll, operation, fd, event);
	if (stingy_order_is_on && result == 0)
		stingy_order_epoll_registered(epoll, operation, fd, event);
	return result;
}

ENTRY int epoll_create(int size)
{
	int epoll = NEXT(epoll_create)(size);
	if (stingy_order_is_on && epoll >= 0)
		stingy_order_epoll_made(epoll, NEXT(epoll_create)(size));
	return epoll;
}

ENTRY int epoll_create1(int flags)
{
	int epoll = NEXT(epoll_create1)(flags);
	if (stingy_order_is_on && epoll >= 0)
		stingy_order_epoll_made(epoll, NEXT(epoll_create1)(flags));
	return epoll;
}

static int accepted(int listener, int fd)
{
	if (stingy_order_is_on && fd >= 0)
		stingy_order_epoll_accepted(listener, fd);
	return fd;
}

ENTRY int accept(int listener, struct sockaddr *address, socklen_t *len)
{
	return accepted(listener, NEXT(accept)(listener, address, len));
}

ENTRY int accept4(int listener, struct sockaddr *address, socklen_t *len, int flags)
{
	return accepted(listener, NEXT(accept4)(listener, address, len, flags));
}

/* Told before: afterwards the number may be another thread's already. */
static void closing(unsigned from, unsigned to)
{
	if (stingy_order_is_on)
		stingy_order_epoll_closed(from, to);
}

ENTRY int close(int fd)
{
	closing((unsigned)fd, (unsigned)fd);
	return NEXT(close)(fd);
}

ENTRY int close_range(unsigned from, unsigned to, int flags)
{
	if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
		closing(from, to);
	return NEXT(close_range)(from, to, flags);
}

ENTRY void closefrom(int from)
{
	closing(from < 0 ? 0 : (unsigned)from, UINT_MAX);
	NEXT(closefrom)(from);
}

ENTRY int dup2(int old, int fd)
{
	if (old != fd)
		closing((unsigned)fd, (unsigned)fd);
	return NEXT(dup2)(old, fd);
}

ENTRY int dup3(int old, int fd, int flags)
{
	if (old != fd)
		closing((unsigned)fd, (unsigned)fd);
	return NEXT(dup3)(old, fd, flags);
}

/* Whoever is about to confine itself to the system calls that it knows says so by one of these (libseccomp, too). */
ENTRY int prctl(int option, ...)
{
	unsigned long arguments[4];
	va_list list;
	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP)
		stingy_order_filtered();
	return NEXT(prctl)(option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
