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
	if (n <= 0)
		return 0;
	n = stingy_order_poll_keep(order, few.fds, few.n, n, is_first);
	for (uint32_t i = 0; i < few.n; i++)
		fds[few.at[i]].revents = few.fds[i].revents;
	return n;
}

/* Asks about everything. Once the kernel has taken the entries, they can be looked at. It counts them in 32 bits. */
static int poll_all(const struct wait *wait, struct stingy_order *order, struct pollfd *fds, nfds_t count,
		    bool *is_first)
{
	int n = next_poll(wait, fds, count);
	if (n < 0)
		return n;
	order->taken = fds;
	order->n_taken = (uint32_t)count;
	if (order->is_ordering && n > 0 && stingy_order_poll_leaves(order, fds, (uint32_t)count))
		return n;
	int kept = stingy_order_poll_keep(order, fds, (uint32_t)count, n, is_first);
	/* It keeps nothing only if another thread closed or accepted what was ready meanwhile. */
	return n > 0 && kept == 0 ? next_poll(wait, fds, count) : kept;
}

static int ordered_poll(const struct wait *wait, struct pollfd *fds, nfds_t count)
{
	bool is_mistaken = (wait->by == POLL_CHK || wait->by == PPOLL_CHK) && wait->size / sizeof(*fds) < count;
	struct stingy_order *order = is_mistaken ? NULL : stingy_order_poll_enter(count);
	if (!order)
		return next_poll(wait, fds, count);
	if (!order->is_seen)
		return stingy_order_heard(order, next_poll(wait, fds, count));
	bool is_taken = fds == order->taken && count <= order->n_taken, is_first = false;
	int n = 0;
	if (is_taken && order->is_ordering && order->has_marked)
		n = poll_few(wait, order, fds, (uint32_t)count, &is_first);
	else
		stingy_order_poll_count(order, is_taken ? fds : NULL, (uint32_t)count);
	if (n == 0)
		n = poll_all(wait, order, fds, count, &is_first);
	stingy_order_end(order, is_first);
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
