#include "order-poll.h"

#include "watch.h"

#include <pthread.h>

#define POLL_LEAST  16u
#define TWINS_EVERY 16u /* turns with marks: then it is looked whether a descriptor is waited for twice */

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

struct stingy_order *stingy_order_poll_enter(uint64_t count)
{
	if (count < POLL_LEAST) {
		count_nothing();
		return NULL;
	}
	if (!mine)
		claim();
	if (!mine || mine->is_left)
		return NULL;
	stingy_order_begin(mine); /* there is nothing to be saved by a rest */
	if (!mine->is_seen)
		count_nothing();
	mine->is_ordering = mine->most != 0;
	return mine;
}

static bool is_under_way(const struct pollfd *entry)
{
	const struct stingy_watch *watch = stingy_watch_of(entry->fd);
	if (!watch || watch->role == STINGY_ROLE_ACCEPTED)
		return watch && entry->events & POLLOUT;
	return watch->role != STINGY_ROLE_LISTENER;
}

static bool is_marked(const struct pollfd *entry)
{
	const struct stingy_watch *watch = stingy_watch_of(entry->fd);
	return watch && watch->copy == STINGY_COPY_MARKED;
}

/* What is registered with epoll as well is not marked: the place is taken. */
static void mark(const struct pollfd *entry, bool is_to_be_asked)
{
	struct stingy_watch *watch = stingy_watch_of(entry->fd);
	if (!watch || watch->order != 0)
		return;
	watch->copy = is_to_be_asked ? STINGY_COPY_MARKED : STINGY_COPY_NONE;
	if (is_to_be_asked)
		stingy_watch_note(entry->fd);
}

static bool add(struct stingy_few *few, const struct pollfd *fds, uint32_t i)
{
	if (few->n == few->room)
		return false;
	few->fds[few->n] = (struct pollfd){.fd = fds[i].fd, .events = fds[i].events};
	few->at[few->n++] = i;
	return true;
}

/* The marked ones come first: they are the ones to be kept, if it is not the turn of what is under way. */
void stingy_order_poll_choose(struct stingy_order *order, const struct pollfd *fds, uint32_t count,
			      struct stingy_few *few)
{
	uint32_t chosen = 0; /* of the entries before, those that are marked */
	few->n = 0;
	for (; chosen < count && few->n < order->most; chosen++)
		if (fds[chosen].fd >= 0 && is_marked(&fds[chosen]) && !add(few, fds, chosen))
			break;
	order->has_marked = few->n != 0;
	if (few->n == 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		if (fds[i].fd >= 0 && is_under_way(&fds[i]) && (i >= chosen || !is_marked(&fds[i])) &&
		    !add(few, fds, i)) {
			few->n = 0; /* what is under way must not be left out */
			return;
		}
}

/* The place of an accepted connection that is not registered with epoll as well; else NULL. */
static struct stingy_watch *connection_of(const struct pollfd *entry)
{
	struct stingy_watch *watch = stingy_watch_of(entry->fd);
	return watch && watch->role == STINGY_ROLE_ACCEPTED && watch->order == 0 ? watch : NULL;
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

static struct ready look_at(const struct pollfd *fds, uint32_t count)
{
	struct ready ready = {.n_marked = 0};
	for (uint32_t i = 0; i < count; i++) {
		if (fds[i].revents == 0)
			continue;
		bool is_first = is_under_way(&fds[i]);
		ready.has_under_way |= is_first;
		ready.has_others |= !is_first;
		ready.n_marked += is_marked(&fds[i]);
	}
	return ready;
}

/*
 * Where nothing else is ready, what is under way has nobody to make way for: a program that accepts nothing sees no
 * difference. Those that are marked go before others, and while there are any none is added: else the first in the
 * array, ready again and again, would keep the last from their turn for ever. What is under way needs no mark to be
 * asked about.
 */
int stingy_order_poll_keep(struct stingy_order *order, struct pollfd *fds, uint32_t count, bool *is_first)
{
	struct ready ready = look_at(fds, count);
	uint32_t room_for_marked = order->most, kept = 0;
	uint32_t room = ready.n_marked < order->most ? order->most - ready.n_marked : 0;
	*is_first = ready.has_under_way && (!ready.has_others || stingy_order_asks_first(order));
	for (uint32_t i = 0; i < count; i++) {
		bool is_ready = fds[i].revents != 0, was_marked = is_marked(&fds[i]);
		uint32_t *left = was_marked ? &room_for_marked : &room;
		bool is_kept = is_ready && (*is_first ? is_under_way(&fds[i]) : *left > 0);
		bool is_to_wait = is_ready && !is_kept && !is_under_way(&fds[i]) && (was_marked || ready.n_marked == 0);
		if (fds[i].fd >= 0)
			mark(&fds[i], is_to_wait);
		order->has_marked |= is_to_wait;
		*left -= is_kept && !*is_first;
		kept += is_kept;
		if (!is_kept)
			fds[i].revents = 0;
	}
	return (int)kept;
}

void stingy_order_poll_turned(struct stingy_order *order, const struct pollfd *fds, uint32_t count, bool is_first)
{
	int32_t tasks = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (fds[i].revents != 0)
			stingy_order_see(order, (uint16_t)fds[i].revents);
		if (fds[i].events & POLLOUT) {
			const struct stingy_watch *watch = stingy_watch_of(fds[i].fd);
			tasks += watch && watch->role == STINGY_ROLE_ACCEPTED;
		}
	}
	order->n_tasks = tasks;
	stingy_order_end(order, is_first);
}
