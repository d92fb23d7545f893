/*
 * libc's entry points by which a server waits for events with poll and select, in the production library: where
 * ordering is on, they ask order-poll.h whom to ask the kernel about. Results, errno, cancellation and signal masks are
 * those of the next definitions: each wait of ours is made by the function that the server called.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "order-poll.h"

#include <errno.h>

#define ENTRY __attribute__((visibility("default")))

#define NEXT(name) STINGY_CALL(name)

ENTRY int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
ENTRY int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		      size_t size);

/* How the server waits. */
struct wait {
	enum { POLL, PPOLL, POLL_CHK, PPOLL_CHK } by;
	int timeout;
	const struct timespec *time; /* of PPOLL and PPOLL_CHK */
	const sigset_t *mask;
	size_t size; /* of the array, in bytes, of POLL_CHK and PPOLL_CHK */
};

static int next_poll(const struct wait *wait, struct pollfd *fds, nfds_t count)
{
	switch (wait->by) {
	case POLL:
		return NEXT(poll)(fds, count, wait->timeout);
	case PPOLL:
		return NEXT(ppoll)(fds, count, wait->time, wait->mask);
	case POLL_CHK:
		return NEXT(__poll_chk)(fds, count, wait->timeout, wait->size);
	default:
		return NEXT(__ppoll_chk)(fds, count, wait->time, wait->mask, wait->size);
	}
}

/*
 * Asks about a few only, and at once. Returns how many of them are handed out; or -1 if a signal came, on which the
 * server may have to act before it waits. It takes some room on the stack.
 */
static __attribute__((noinline)) int poll_few(const struct wait *wait, struct stingy_order *order, struct pollfd *fds,
					      uint32_t count, bool *is_first)
{
	static const struct timespec now = {0, 0};
	const struct wait at_once = {
		.by = wait->by, .time = &now, .mask = wait->mask, .size = sizeof(struct pollfd[STINGY_FEW])};
	struct stingy_few few = STINGY_FEW_OF(count);
	int saved = errno;
	stingy_order_poll_choose(order, fds, count, &few);
	if (few.n == 0)
		return 0;
	int n = next_poll(&at_once, few.fds, few.n);
	if (n < 0 && errno == EINTR)
		return -1;
	errno = saved;
	n = n >= 0 ? stingy_order_poll_keep(order, few.fds, few.n, is_first) : 0;
	for (uint32_t i = 0; i < count && n > 0; i++)
		fds[i].revents = 0;
	for (uint32_t i = 0; i < few.n && n > 0; i++)
		fds[few.at[i]].revents = few.fds[i].revents;
	return n;
}

static int ordered_poll(const struct wait *wait, struct pollfd *fds, nfds_t count)
{
	bool is_mistaken = (wait->by == POLL_CHK || wait->by == PPOLL_CHK) && wait->size / sizeof(*fds) < count;
	struct stingy_order *order = fds && count < UINT32_MAX && !is_mistaken ? stingy_order_poll_enter(count) : NULL;
	if (!order)
		return next_poll(wait, fds, count);
	if (!order->is_seen)
		return stingy_order_heard(order, next_poll(wait, fds, count));
	bool is_first = false;
	int n = order->is_ordering && order->has_marked ? poll_few(wait, order, fds, (uint32_t)count, &is_first) : 0;
	if (n == 0) {
		n = next_poll(wait, fds, count);
		if (n > 0 && order->is_ordering && !stingy_order_poll_leaves(order, fds, (uint32_t)count))
			n = stingy_order_poll_keep(order, fds, (uint32_t)count, &is_first);
	}
	stingy_order_poll_turned(order, fds, n > 0 ? (uint32_t)count : 0, is_first);
	return n;
}

ENTRY int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const struct wait wait = {.by = POLL, .timeout = timeout};
	return stingy_order_is_on ? ordered_poll(&wait, fds, count) : NEXT(poll)(fds, count, timeout);
}

ENTRY int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	const struct wait wait = {.by = PPOLL, .time = timeout, .mask = mask};
	return stingy_order_is_on ? ordered_poll(&wait, fds, count) : NEXT(ppoll)(fds, count, timeout, mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	const struct wait wait = {.by = POLL_CHK, .timeout = timeout, .size = size};
	return stingy_order_is_on ? ordered_poll(&wait, fds, count) : NEXT(__poll_chk)(fds, count, timeout, size);
}

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
	const struct wait wait = {.by = PPOLL_CHK, .time = timeout, .mask = mask, .size = size};
	return stingy_order_is_on ? ordered_poll(&wait, fds, count)
				  : NEXT(__ppoll_chk)(fds, count, timeout, mask, size);
}
