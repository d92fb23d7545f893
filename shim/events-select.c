/*
 * The same for select (see events-poll.c): its sets are made into entries of poll for order-poll.h, and back.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "order-poll.h"

#include <errno.h>
#include <string.h>

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

/* This thread's sets that the kernel took last: they are there, and can be looked at before it is asked. */
static __thread struct {
	const fd_set *set;
	int count;
} taken[SETS] __attribute__((tls_model("initial-exec")));

static bool is_taken(const struct wait *wait)
{
	for (int s = 0; s < SETS; s++)
		if (wait->set[s] && (wait->set[s] != taken[s].set || wait->count > taken[s].count))
			return false;
	return true;
}

static void take(const struct wait *wait)
{
	for (int s = 0; s < SETS; s++)
		if (wait->set[s]) {
			taken[s].set = wait->set[s];
			taken[s].count = wait->count;
		}
}

/* Words of a set that the kernel reads and writes. */
static size_t words(const struct wait *wait)
{
	return ((size_t)wait->count + NFDBITS - 1) / NFDBITS;
}

/* Who is in any of the sets. */
static unsigned long any_word(const struct wait *wait, size_t i)
{
	unsigned long bits = 0;
	for (int s = 0; s < SETS; s++)
		bits |= wait->set[s] ? (unsigned long)wait->set[s]->fds_bits[i] : 0;
	return bits;
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
	for (size_t i = 0; i < words(wait); i++) {
		unsigned long left = any_word(wait, i);
		for (; left != 0 && entries->n < entries->room; left &= left - 1) {
			int fd = (int)i * NFDBITS + __builtin_ctzl(left);
			if (fd >= wait->count)
				return;
			entries->fds[entries->n++] = (struct pollfd){.fd = fd, .events = events_in(wait, fd)};
		}
	}
}

/* Of n bits that are set, returns how many descriptors they are of. */
static int read_results(const struct wait *wait, struct pollfd *fds, uint32_t count, int n)
{
	int ready = 0;
	for (uint32_t i = 0; i < count; i++) {
		fds[i].revents = (short)(n > 0 ? events_in(wait, fds[i].fd) : 0);
		n -= __builtin_popcount((unsigned)fds[i].revents);
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* Writes what is asked for, or what was found, of the entries into the sets. Returns how many bits that is. */
static int write_sets(const struct wait *wait, const struct pollfd *fds, uint32_t n, bool is_result)
{
	int bits = 0;
	for (int s = 0; s < SETS; s++) {
		if (!wait->set[s])
			continue;
		memset(wait->set[s], 0, words(wait) * sizeof(fd_mask));
		for (uint32_t i = 0; i < n; i++)
			if ((is_result ? fds[i].revents : fds[i].events) & events_of[s]) {
				FD_SET(fds[i].fd, wait->set[s]);
				bits++;
			}
	}
	return bits;
}

/*
 * Asks about a few only, and at once. Returns how many bits of them are handed out: then the sets have them; or -1 if a
 * signal came, on which the server may have to act before it waits.
 */
static int select_few(const struct wait *wait, struct stingy_order *order, struct entries *entries, bool *is_first)
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
	if (n <= 0)
		return 0;
	n = read_results(&asked, few.fds, few.n, n);
	stingy_order_poll_keep(order, few.fds, few.n, n, is_first);
	return write_sets(wait, few.fds, few.n, true);
}

/*
 * Of n bits of the entries that are set, keeps what is to be handed out; returns how many bits that is. Nothing is to
 * be only if another thread closed or accepted what was ready meanwhile: then it is all handed out.
 */
static int keep(const struct wait *wait, struct stingy_order *order, struct entries *entries, int n, bool *is_first)
{
	int ready = read_results(wait, entries->fds, entries->n, n);
	int kept = stingy_order_poll_keep(order, entries->fds, entries->n, ready, is_first);
	return kept > 0 && kept < ready ? write_sets(wait, entries->fds, entries->n, true) : n;
}

/* In a function of its own, and with no more entries than there may be, as threads may have a small stack. */
static __attribute__((noinline)) int ordered_select(const struct wait *wait, struct stingy_order *order, uint32_t most)
{
	struct entries entries = {.room = most, .fds = __builtin_alloca(most * sizeof(struct pollfd))};
	bool is_first = false;
	int n = 0;
	read_sets(wait, &entries);
	if (order->is_ordering && order->has_marked)
		n = select_few(wait, order, &entries, &is_first);
	else
		stingy_order_poll_count(order, entries.fds, entries.n);
	if (n == 0) {
		n = next_select(wait);
		if (n > 0)
			n = keep(wait, order, &entries, n, &is_first);
	}
	stingy_order_end(order, is_first);
	return n;
}

/* How many descriptors are in the sets, or more: bits behind the last one may be set. */
static uint32_t most_descriptors(const struct wait *wait)
{
	uint32_t most = 0;
	for (size_t i = 0; i < words(wait); i++)
		most += (uint32_t)__builtin_popcountl(any_word(wait, i));
	return most;
}

/* n bits are set, and nobody knows any more what was asked for. */
static __attribute__((noinline)) int order_results(const struct wait *wait, struct stingy_order *order, int n,
						   uint32_t most)
{
	struct entries entries = {.room = most, .fds = __builtin_alloca(most * sizeof(struct pollfd))};
	bool is_first = false;
	read_sets(wait, &entries);
	stingy_order_poll_count(order, NULL, 0);
	n = keep(wait, order, &entries, n, &is_first);
	stingy_order_end(order, is_first);
	return n;
}

/*
 * The server's sets may not be there at all: the kernel has not seen them yet, and is asked first. Then they say what
 * is ready; if that is enough for a loop, it is ordered.
 */
static int first_select(const struct wait *wait)
{
	stingy_order_poll_skip();
	int n = next_select(wait);
	if (n < 0)
		return n;
	take(wait);
	struct stingy_order *order = stingy_order_poll_enter((uint64_t)n);
	if (!order)
		return n;
	if (!order->is_seen)
		return stingy_order_heard(order, n);
	uint32_t most = most_descriptors(wait);
	return most != 0 ? order_results(wait, order, n, most) : n;
}

static int any_select(const struct wait *wait)
{
	if (wait->count <= 0 || wait->count > FD_SETSIZE)
		return next_select(wait);
	if (!is_taken(wait))
		return first_select(wait);
	uint32_t most = most_descriptors(wait);
	struct stingy_order *order = stingy_order_poll_enter(most);
	if (!order || most == 0)
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
