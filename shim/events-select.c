/*
 * The same for select (see events-poll.c): its sets are made into entries of poll for order-poll.h, and back.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "order-poll.h"

#include <errno.h>

#define ENTRY __attribute__((visibility("default")))

#define NEXT(name) STINGY_CALL(name)

enum { READS, WRITES, OTHERS, SETS };

static const short events_of[SETS] = {[READS] = POLLIN, [WRITES] = POLLOUT, [OTHERS] = POLLPRI};

/* The server's sets; NULL where it has none. And how it waits. */
struct wait {
	int count;
	fd_set *set[SETS];
	struct timeval *timeout; /* of select */
	bool is_pselect;
	const struct timespec *time; /* of pselect */
	const sigset_t *mask;
};

/* The same, as entries. */
struct entries {
	uint32_t n, room;
	struct pollfd *fds;
};

static int next_select(const struct wait *wait)
{
	fd_set *const *set = wait->set;
	if (wait->is_pselect)
		return NEXT(pselect)(wait->count, set[READS], set[WRITES], set[OTHERS], wait->time, wait->mask);
	return NEXT(select)(wait->count, set[READS], set[WRITES], set[OTHERS], wait->timeout);
}

static short events_in(const struct wait *wait, int fd)
{
	int events = 0;
	for (int i = 0; i < SETS; i++)
		if (wait->set[i] && FD_ISSET(fd, wait->set[i]))
			events |= events_of[i];
	return (short)events;
}

static void read_sets(const struct wait *wait, struct entries *entries)
{
	entries->n = 0;
	for (int fd = 0; fd < wait->count && entries->n < entries->room; fd++) {
		short events = events_in(wait, fd);
		if (events != 0)
			entries->fds[entries->n++] = (struct pollfd){.fd = fd, .events = events};
	}
}

static void read_results(const struct wait *wait, struct pollfd *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		fds[i].revents = events_in(wait, fds[i].fd);
}

/* Writes what is asked for, or what was found, of the entries into the sets. Returns how many bits that is. */
static int write_sets(const struct wait *wait, const struct pollfd *fds, uint32_t n, bool is_result)
{
	int bits = 0;
	for (int s = 0; s < SETS; s++) {
		if (!wait->set[s])
			continue;
		for (int fd = 0; fd < wait->count; fd++)
			FD_CLR(fd, wait->set[s]);
		for (uint32_t i = 0; i < n; i++)
			if ((is_result ? fds[i].revents : fds[i].events) & events_of[s]) {
				FD_SET(fds[i].fd, wait->set[s]);
				bits++;
			}
	}
	return bits;
}

/*
 * Asks about a few only, and at once. Returns how many of them are handed out: then the sets say which; or -1 if a
 * signal came, on which the server may have to act before it waits.
 */
static int select_few(const struct wait *wait, struct stingy_order *order, const struct entries *entries,
		      bool *is_first)
{
	static const struct timespec now = {0, 0};
	struct timeval at_once = {0, 0};
	struct wait asked = *wait;
	fd_set sets[SETS];
	int saved = errno;
	if (entries->n == 0)
		return 0;
	struct stingy_few few = STINGY_FEW_OF(entries->n);
	stingy_order_poll_choose(order, entries->fds, entries->n, &few);
	if (few.n == 0)
		return 0;
	for (int s = 0; s < SETS; s++) {
		FD_ZERO(&sets[s]);
		asked.set[s] = wait->set[s] ? &sets[s] : NULL;
	}
	asked.timeout = &at_once;
	asked.time = &now;
	write_sets(&asked, few.fds, few.n, false);
	int n = next_select(&asked);
	if (n < 0 && errno == EINTR)
		return -1;
	errno = saved;
	if (n < 0)
		return 0;
	read_results(&asked, few.fds, few.n);
	n = stingy_order_poll_keep(order, few.fds, few.n, is_first);
	return n > 0 ? write_sets(wait, few.fds, few.n, true) : 0;
}

/* In a function of its own, and with no more entries than there may be, as threads may have a small stack. */
static __attribute__((noinline)) int ordered_select(const struct wait *wait, struct stingy_order *order, uint32_t most)
{
	struct entries entries = {.room = most, .fds = __builtin_alloca(most * sizeof(struct pollfd))};
	bool is_first = false;
	read_sets(wait, &entries);
	int n = order->is_ordering && order->has_marked ? select_few(wait, order, &entries, &is_first) : 0;
	bool is_everything = n == 0;
	if (is_everything)
		n = next_select(wait);
	if (n > 0)
		read_results(wait, entries.fds, entries.n);
	if (n > 0 && is_everything && order->is_ordering) {
		stingy_order_poll_keep(order, entries.fds, entries.n, &is_first);
		n = write_sets(wait, entries.fds, entries.n, true);
	}
	stingy_order_poll_turned(order, entries.fds, n > 0 ? entries.n : 0, is_first);
	return n;
}

/* How many descriptors are waited for, or more: bits behind the last one may be set. */
static uint32_t most_descriptors(const struct wait *wait)
{
	uint32_t most = 0;
	for (int fd = 0; fd < wait->count; fd += NFDBITS) {
		unsigned long bits = 0;
		for (int s = 0; s < SETS; s++)
			bits |= wait->set[s] ? (unsigned long)wait->set[s]->fds_bits[fd / NFDBITS] : 0;
		most += (uint32_t)__builtin_popcountl(bits);
	}
	return most;
}

static int any_select(const struct wait *wait)
{
	bool is_in_range = wait->count > 0 && wait->count <= FD_SETSIZE;
	uint32_t most = is_in_range ? most_descriptors(wait) : 0;
	struct stingy_order *order = is_in_range ? stingy_order_poll_enter(most) : NULL;
	if (!order)
		return next_select(wait);
	return order->is_seen ? ordered_select(wait, order, most) : stingy_order_heard(order, next_select(wait));
}

ENTRY int select(int count, fd_set *reads, fd_set *writes, fd_set *others, struct timeval *timeout)
{
	const struct wait wait = {.count = count, .set = {reads, writes, others}, .timeout = timeout};
	return stingy_order_is_on ? any_select(&wait) : NEXT(select)(count, reads, writes, others, timeout);
}

ENTRY int pselect(int count, fd_set *reads, fd_set *writes, fd_set *others, const struct timespec *timeout,
		  const sigset_t *mask)
{
	const struct wait wait = {
		.count = count, .set = {reads, writes, others}, .is_pselect = true, .time = timeout, .mask = mask};
	return stingy_order_is_on ? any_select(&wait) : NEXT(pselect)(count, reads, writes, others, timeout, mask);
}
