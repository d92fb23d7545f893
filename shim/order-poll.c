#include "order-poll.h"

#include "watch.h"

#include <pthread.h>

#define TWINS_EVERY 16u /* turns in which all are asked about: then it is looked whether one has two entries */
#define FLOOR       32u /* entries to an event: with fewer, going through all entries takes a per cent of a turn */

static __thread struct stingy_order *mine __attribute__((tls_model("initial-exec")));
static pthread_key_t key; /* its destructor runs when a thread with an order exits */

/* How many tasks are in flight, only a turn that is looked at tells. */
static void count_nothing(void)
{
	if (mine)
		mine->live->tasks = -1;
}

static void thread_exits(void *order)
{
	mine = NULL;
	stingy_order_release(order);
}

int stingy_order_poll_init(void)
{
	return pthread_key_create(&key, thread_exits);
}

/* Another thread's is nobody's in the child. */
void stingy_order_poll_forked(struct stingy_order *order)
{
	if (order != mine)
		stingy_order_release(order);
}

static void claim(void)
{
	mine = stingy_order_claim();
	if (!mine)
		return;
	mine->is_poll = true;
	mine->live->connections = -1;
	pthread_setspecific(key, mine);
}

void stingy_order_poll_skip(void)
{
	if (mine)
		mine->returned = 0;
}

struct stingy_order *stingy_order_poll_enter(uint64_t count)
{
	if (count < STINGY_POLL_LEAST) {
		count_nothing();
		return NULL;
	}
	if (!mine)
		claim();
	if (!mine || mine->is_left)
		return NULL;
	mine->tuner.floor = (uint32_t)(count / FLOOR);
	stingy_order_begin(mine); /* there is nothing to be saved by a rest */
	if (!mine->is_seen)
		count_nothing();
	mine->is_ordering = mine->most != 0;
	return mine;
}

#define ALWAYS STINGY_ROLE_WAITS
#define MARKED STINGY_ROLE_MARKED

/* Which of these the entry is: under way anyway (ALWAYS), or as it waits to be written to (POLLOUT); MARKED. */
static inline unsigned state_of(const struct pollfd *entry, unsigned which)
{
	if ((uint32_t)entry->fd >= STINGY_WATCHES)
		return entry->fd < 0 ? 0 : which & ALWAYS; /* it cannot be marked */
	return (stingy_roles[entry->fd] ^ ALWAYS) & (((unsigned)entry->events & POLLOUT) | which);
}

static bool is_under_way(const struct pollfd *entry)
{
	return state_of(entry, ALWAYS) != 0;
}

static bool is_marked(const struct pollfd *entry)
{
	return state_of(entry, MARKED) & MARKED;
}

static void mark(const struct pollfd *entry, bool is_to_be_asked)
{
	if (is_marked(entry) != is_to_be_asked && (uint32_t)entry->fd < STINGY_WATCHES)
		stingy_roles[entry->fd] ^= MARKED;
}

static void tell_tasks(struct stingy_order *order, int32_t n)
{
	order->n_tasks = n;
	stingy_order_count_wait(order);
}

void stingy_order_poll_count(struct stingy_order *order, const struct pollfd *fds, uint32_t count)
{
	int32_t tasks = 0;
	for (uint32_t i = 0; fds && i < count; i++)
		tasks += (fds[i].events & POLLOUT) != 0 && state_of(&fds[i], 0) != 0;
	tell_tasks(order, fds ? tasks : -1);
}

/* The few that are chosen are the marked ones, until they are as many as may begin, and all that is under way. */
void stingy_order_poll_choose(struct stingy_order *order, struct pollfd *fds, uint32_t count, struct stingy_few *few)
{
	unsigned which = ALWAYS | MARKED;
	uint32_t n = 0, marked = 0;
	int32_t tasks = 0;
	for (uint32_t i = 0; i < count; i++) {
		unsigned state = state_of(&fds[i], which);
		fds[i].revents = 0;
		if (state == 0)
			continue;
		tasks += (state & POLLOUT) != 0;
		if (n < few->room) {
			few->fds[n] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
			few->at[n] = i;
		}
		n++;
		if (state & MARKED && ++marked == order->most)
			which = ALWAYS;
	}
	tell_tasks(order, tasks);
	order->has_marked = marked != 0;
	few->n = marked != 0 && n <= few->room ? n : 0; /* what is under way must not be left out */
}

/* The place of an accepted connection that is not registered with epoll as well; else NULL. */
static struct stingy_watch *connection_of(const struct pollfd *entry)
{
	struct stingy_watch *watch = stingy_watch_of(entry->fd);
	return watch && stingy_watch_role(watch) == STINGY_ROLE_ACCEPTED && watch->order == 0 ? watch : NULL;
}

/* Whether a connection has two entries; no other thread waits for it. */
static bool has_twins(const struct pollfd *fds, uint32_t count)
{
	bool has_some = false;
	for (uint32_t i = 0; i < count; i++) {
		struct stingy_watch *watch = connection_of(&fds[i]);
		has_some |= watch && watch->is_told;
		if (watch)
			watch->is_told = true; /* free for this, as epoll has no order of it */
	}
	for (uint32_t i = 0; i < count; i++) {
		struct stingy_watch *watch = connection_of(&fds[i]);
		if (watch)
			watch->is_told = false;
	}
	return has_some;
}

bool stingy_order_poll_leaves(struct stingy_order *order, const struct pollfd *fds, uint32_t count)
{
	if (order->n_cut++ % TWINS_EVERY != 0 || !has_twins(fds, count))
		return false;
	stingy_order_leave(order, STINGY_LEFT_TWICE);
	return true;
}

/* What is ready. */
struct ready {
	uint32_t n_marked;
	bool has_under_way, has_others;
};

static struct ready look_at(const struct pollfd *fds, uint32_t count, int n)
{
	struct ready ready = {.n_marked = 0};
	for (uint32_t i = 0; i < count && n > 0; i++) {
		if (fds[i].revents == 0)
			continue;
		bool is_first = is_under_way(&fds[i]);
		n--;
		ready.has_under_way |= is_first;
		ready.has_others |= !is_first;
		ready.n_marked += is_marked(&fds[i]);
	}
	return ready;
}

static void see_all(struct stingy_order *order, const struct pollfd *fds, uint32_t count, int n)
{
	for (uint32_t i = 0; i < count && n > 0; i++)
		if (fds[i].revents != 0) {
			stingy_order_see(order, (uint16_t)fds[i].revents);
			n--;
		}
}

/*
 * Where nothing else is ready, what is under way has nobody to make way for: a program that accepts nothing sees no
 * difference. Those that are marked go before others, and while there are any none is added: else the first in the
 * array, ready again and again, would keep the last from their turn for ever. What is under way needs no mark to be
 * asked about. Where some were marked before, they all lose their marks, or get them anew, ready or not.
 */
int stingy_order_poll_keep(struct stingy_order *order, struct pollfd *fds, uint32_t count, int n, bool *is_first)
{
	if (!order->is_ordering) {
		see_all(order, fds, count, n);
		return n;
	}
	struct ready ready = look_at(fds, count, n);
	bool has_marks = order->has_marked || ready.n_marked != 0;
	uint32_t room_for_marked = order->most;
	uint32_t room = ready.n_marked < order->most ? order->most - ready.n_marked : 0;
	int kept = 0;
	*is_first = ready.has_under_way && (!ready.has_others || stingy_order_asks_first(order));
	for (uint32_t i = 0; i < count && (n > 0 || has_marks); i++) {
		bool is_ready = fds[i].revents != 0, was_marked = is_marked(&fds[i]);
		uint32_t *left = was_marked ? &room_for_marked : &room;
		bool is_kept = is_ready && (*is_first ? is_under_way(&fds[i]) : *left > 0);
		bool is_to_wait = is_ready && !is_kept && !is_under_way(&fds[i]) && (was_marked || ready.n_marked == 0);
		mark(&fds[i], is_to_wait);
		order->has_marked |= is_to_wait;
		n -= is_ready;
		if (is_kept) {
			*left -= !*is_first;
			kept++;
			stingy_order_see(order, (uint16_t)fds[i].revents);
		} else {
			fds[i].revents = 0;
		}
	}
	return kept;
}
