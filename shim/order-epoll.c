#define _GNU_SOURCE
#include "order-epoll.h"

#include "calls.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>

#define FIRST_LEAST 200 /* descriptors below it are the program's habit */
#define NOT_TO_COPY (EPOLLWAKEUP | EPOLLEXCLUSIVE)
#define ONLY_ONCE   (EPOLLET | EPOLLONESHOT)
#define CUT_TURNS   8u /* until listening sockets come first once */

/* What tells threads apart without asking anybody. */
static __thread char self __attribute__((tls_model("initial-exec")));

/* The order of an epoll instance; NULL: it is none of the server's, left alone, or just being closed. */
static struct stingy_order *order_of(int epoll)
{
	uint8_t number = stingy_watch_role_of(epoll) == STINGY_ROLE_EPOLL ? stingy_watches[epoll].number : 0;
	struct stingy_order *order = number != 0 ? stingy_order_numbered(number) : NULL;
	return order && !__atomic_load_n(&order->is_left, __ATOMIC_RELAXED) ? order : NULL;
}

/* Only the priority is lost where it fails. */
static void copy(const struct stingy_order *order, int fd, struct stingy_watch *watch, uint32_t how)
{
	struct epoll_event event = {.events = (watch->mask & ~(uint32_t)NOT_TO_COPY) | how, .data.fd = fd};
	int operation = watch->copy == STINGY_COPY_NONE ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	int saved = errno;
	if (STINGY_CALL(epoll_ctl)(order->first, operation, fd, &event) < 0) {
		operation = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		STINGY_CALL(epoll_ctl)(order->first, operation, fd, &event);
		errno = saved;
	}
	watch->copy = STINGY_COPY_ARMED;
}

static void withdraw(const struct stingy_order *order, int fd, struct stingy_watch *watch)
{
	struct epoll_event none = {.events = 0};
	int saved = errno;
	STINGY_CALL(epoll_ctl)(order->first, EPOLL_CTL_DEL, fd, &none);
	errno = saved;
	watch->copy = STINGY_COPY_NONE;
}

static bool is_listed(const struct stingy_order *order, int fd)
{
	for (uint32_t i = 0; i < order->n_listening; i++)
		if (order->listening[i] == fd)
			return true;
	return false;
}

/* Whether the listening socket is one of those that come first now and then. */
static bool list(struct stingy_order *order, int fd)
{
	if (is_listed(order, fd))
		return true;
	if (order->n_listening == STINGY_ORDER_LISTENERS)
		return false;
	order->listening[order->n_listening++] = fd;
	return true;
}

/* Makes our instance know of the descriptor what it is to know (order.h). */
static void mirror(struct stingy_order *order, int fd, struct stingy_watch *watch)
{
	uint8_t role = stingy_watch_role(watch);
	if (watch->mask & ONLY_ONCE) {
		if (watch->copy == STINGY_COPY_ARMED)
			withdraw(order, fd, watch);
		return;
	}
	if (role == STINGY_ROLE_OTHER || role == STINGY_ROLE_EPOLL)
		copy(order, fd, watch, EPOLLET);
	else if ((role == STINGY_ROLE_LISTENER && list(order, fd)) ||
		 (role == STINGY_ROLE_ACCEPTED && watch->mask & EPOLLOUT))
		copy(order, fd, watch, EPOLLONESHOT);
	else if (watch->copy == STINGY_COPY_ARMED)
		withdraw(order, fd, watch);
}

/* They come first once more. Those that are closed or registered otherwise are struck off. */
static void recall_listeners(struct stingy_order *order)
{
	uint8_t n = order->n_listening;
	order->n_cut = 0;
	order->n_listening = 0;
	for (uint8_t i = 0; i < n; i++) {
		int fd = order->listening[i];
		struct stingy_watch *watch = &stingy_watches[fd];
		if (stingy_watch_role(watch) != STINGY_ROLE_LISTENER || watch->order != stingy_order_number(order) ||
		    watch->mask & ONLY_ONCE)
			continue;
		order->listening[order->n_listening++] = fd;
		if (watch->copy != STINGY_COPY_ARMED)
			copy(order, fd, watch, EPOLLONESHOT);
	}
}

/* While ordering was off, registrations changed. Those that did not are told of once more, which is no harm. */
static void begin_ordering(struct stingy_order *order)
{
	uint32_t last = stingy_watch_last();
	for (uint32_t fd = 0; fd <= last; fd++)
		if (stingy_watches[fd].order == stingy_order_number(order))
			mirror(order, (int)fd, &stingy_watches[fd]);
	order->n_first = 0;
	order->is_ordering = true;
}

static uint8_t owner_of(const struct stingy_watch *watch)
{
	return __atomic_load_n(&watch->order, __ATOMIC_ACQUIRE);
}

/* Whether the descriptor's place is the order's now. Two threads may register one descriptor with two instances. */
static bool own(const struct stingy_order *order, struct stingy_watch *watch)
{
	uint8_t number = stingy_order_number(order), owner = owner_of(watch);
	if (owner != 0 && owner != number && !stingy_order_numbered(owner)->is_left)
		return false;
	return owner == number ||
	       __atomic_compare_exchange_n(&watch->order, &owner, number, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* For the figures: the descriptor's registration comes (1) or goes (-1), which other threads may see to. */
static void count(struct stingy_order *order, const struct stingy_watch *watch, int change)
{
	if (stingy_watch_role(watch) != STINGY_ROLE_ACCEPTED)
		return;
	stingy_order_add(&order->live->connections, change);
	if (watch->mask & EPOLLOUT && !watch->is_told)
		stingy_order_add(&order->n_tasks, change);
}

static void forget(const struct stingy_watch *watch)
{
	uint8_t owner = owner_of(watch);
	if (owner != 0)
		count(stingy_order_numbered(owner), watch, -1);
}

/* A copy that is spent says no more: it goes when the descriptor is closed. */
static void deregister(const struct stingy_order *order, int fd, struct stingy_watch *watch)
{
	if (owner_of(watch) != stingy_order_number(order))
		return;
	if (watch->copy == STINGY_COPY_ARMED)
		withdraw(order, fd, watch);
	forget(watch);
	watch->is_told = false;
	__atomic_store_n(&watch->order, 0, __ATOMIC_RELEASE);
}

/* Where no accepted connection is level-triggered, there is none to be put first. */
static bool is_pointless(struct stingy_order *order, const struct stingy_watch *watch, uint32_t events)
{
	if (stingy_watch_role(watch) != STINGY_ROLE_ACCEPTED)
		return false;
	order->has_levels |= !(events & ONLY_ONCE);
	return !order->has_levels;
}

static void register_as(struct stingy_order *order, int fd, struct stingy_watch *watch, const struct epoll_event *event)
{
	if (event->events & EPOLLEXCLUSIVE)
		stingy_roles[fd] = STINGY_ROLE_LISTENER; /* that is what it is for */
	if (is_pointless(order, watch, event->events)) {
		stingy_order_leave(order, STINGY_LEFT_EDGES);
		return;
	}
	bool is_new = owner_of(watch) != stingy_order_number(order);
	if (!own(order, watch))
		return;
	if (!is_new)
		count(order, watch, -1);
	watch->data = event->data.u64;
	watch->mask = event->events;
	watch->is_told = false;
	count(order, watch, 1);
	stingy_watch_note(fd);
	if (order->is_ordering)
		mirror(order, fd, watch);
}

/*
 * What is no instance that we know may be one by another descriptor, from dup, or from a socket: then what is
 * deregistered by it, first would go on telling of.
 */
static void suspect(int epoll, const struct stingy_watch *watch)
{
	uint8_t owner = watch ? owner_of(watch) : 0;
	if (owner != 0 && stingy_watch_role_of(epoll) != STINGY_ROLE_EPOLL)
		stingy_order_leave(stingy_order_numbered(owner), STINGY_LEFT_STRANGER);
}

void stingy_order_epoll_registered(int epoll, int operation, int fd, const struct epoll_event *event)
{
	struct stingy_order *order = order_of(epoll);
	struct stingy_watch *watch = stingy_watch_of(fd);
	if (!order)
		suspect(epoll, watch);
	else if (order->thread && order->thread != &self)
		stingy_order_leave(order, STINGY_LEFT_THREADS);
	else if (!watch)
		stingy_order_leave(order, STINGY_LEFT_DESCRIPTORS);
	else if (operation == EPOLL_CTL_DEL)
		deregister(order, fd, watch);
	else
		register_as(order, fd, watch, event);
}

/* Moves our instance's descriptor out of the server's way. */
static int move_up(int fd)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_LEAST);
	if (fd >= 0)
		STINGY_CALL(close)(fd);
	return moved;
}

static void know_instance(const struct stingy_order *order, int fd, enum stingy_role role)
{
	stingy_watch_renew(&stingy_watches[fd], role);
	stingy_watches[fd].number = stingy_order_number(order);
	stingy_watch_note(fd);
}

void stingy_order_epoll_made(int epoll, int first)
{
	struct stingy_watch *watch = stingy_watch_of(epoll);
	struct stingy_order *order = watch ? stingy_order_claim() : NULL;
	int saved = errno;
	first = move_up(first);
	if (!order && first >= 0)
		STINGY_CALL(close)(first);
	errno = saved;
	if (!order)
		return;
	order->first = first;
	know_instance(order, epoll, STINGY_ROLE_EPOLL);
	if (stingy_watch_of(first))
		know_instance(order, first, STINGY_ROLE_FIRST);
	else
		stingy_order_leave(order, STINGY_LEFT_DESCRIPTORS);
}

/* Another thread may accept; then our instance finds out when it is told of the socket. */
static void note_listener(int fd, struct stingy_watch *watch)
{
	struct stingy_order *order = watch->order != 0 ? stingy_order_numbered(watch->order) : NULL;
	stingy_roles[fd] = STINGY_ROLE_LISTENER;
	stingy_watch_note(fd);
	if (order && order->is_ordering && order->thread == &self)
		mirror(order, fd, watch);
}

void stingy_order_epoll_accepted(int listener, int fd)
{
	struct stingy_watch *watch = stingy_watch_of(listener);
	if (watch && stingy_watch_role(watch) == STINGY_ROLE_OTHER)
		note_listener(listener, watch);
	watch = stingy_watch_of(fd);
	if (watch) {
		forget(watch);
		stingy_watch_renew(watch, STINGY_ROLE_ACCEPTED);
		stingy_watch_note(fd);
	}
}

static void close_first(struct stingy_order *order)
{
	int first = order->first;
	order->first = -1;
	if (first < 0)
		return;
	stingy_watch_renew(&stingy_watches[first], STINGY_ROLE_OTHER);
	STINGY_CALL(close)(first);
}

/* Another instance may get the number. */
static void forget_registrations(const struct stingy_order *order)
{
	uint32_t last = stingy_watch_last();
	for (uint32_t fd = 0; fd <= last; fd++)
		if (stingy_watches[fd].order == stingy_order_number(order)) {
			stingy_watches[fd].order = 0;
			stingy_watches[fd].copy = STINGY_COPY_NONE;
			stingy_watches[fd].is_told = false;
		}
	order->live->connections = 0;
}

/* The server closes its instance, or ours, which happens where all descriptors are closed. */
static void close_instance(const struct stingy_watch *watch)
{
	struct stingy_order *order = stingy_order_numbered(watch->number);
	if (stingy_watch_role(watch) == STINGY_ROLE_EPOLL) {
		close_first(order);
		forget_registrations(order);
		stingy_order_release(order);
	} else {
		order->first = -1;
		stingy_order_leave(order, STINGY_LEFT_DESCRIPTORS);
	}
}

/* The instances are the parent's as well as ours from now on: only the server knows what it is about. */
void stingy_order_epoll_forked(struct stingy_order *order)
{
	close_first(order);
	stingy_order_leave(order, STINGY_LEFT_FORKED);
}

void stingy_order_epoll_closed(unsigned from, unsigned to)
{
	uint32_t last = stingy_watch_last();
	int saved = errno;
	for (unsigned fd = from; fd <= to && fd <= last; fd++) {
		struct stingy_watch *watch = &stingy_watches[fd];
		uint8_t role = stingy_watch_role(watch);
		if (role == STINGY_ROLE_EPOLL || role == STINGY_ROLE_FIRST)
			close_instance(watch);
		forget(watch);
		stingy_watch_renew(watch, STINGY_ROLE_OTHER);
	}
	errno = saved;
}

/* The first thread that waits is the one. */
static bool is_ours(struct stingy_order *order)
{
	const void *none = NULL;
	if (__atomic_load_n(&order->thread, __ATOMIC_RELAXED) == &self ||
	    __atomic_compare_exchange_n(&order->thread, &none, &self, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return true;
	stingy_order_leave(order, STINGY_LEFT_THREADS);
	return false;
}

struct stingy_order *stingy_order_epoll_enter(int epoll)
{
	struct stingy_order *order = order_of(epoll);
	if (!order || !is_ours(order))
		return NULL;
	bool is_wanted = stingy_order_begin(order);
	if (is_wanted && !order->is_ordering)
		begin_ordering(order);
	order->is_ordering = is_wanted;
	return order;
}

/* What a connection was to tell is told. */
static void spend(struct stingy_order *order, struct stingy_watch *watch, uint32_t told)
{
	watch->copy = STINGY_COPY_SPENT;
	if (told & EPOLLOUT && !watch->is_told && watch->order == stingy_order_number(order)) {
		watch->is_told = true;
		stingy_order_add(&order->n_tasks, -1);
	}
}

int stingy_order_epoll_sort(struct stingy_order *order, struct epoll_event *events, int n)
{
	int kept = 0;
	for (int i = 0; i < n; i++) {
		struct stingy_watch *watch = stingy_watch_of(events[i].data.fd);
		uint32_t told = events[i].events & (watch->mask | EPOLLERR | EPOLLHUP);
		uint8_t role = stingy_watch_role(watch);
		if (role == STINGY_ROLE_LISTENER && !is_listed(order, events[i].data.fd)) {
			withdraw(order, events[i].data.fd, watch); /* it was not known for one */
			continue;
		}
		if (role == STINGY_ROLE_ACCEPTED || role == STINGY_ROLE_LISTENER)
			spend(order, watch, told);
		if (watch->order == stingy_order_number(order) && told != 0)
			events[kept++] = (struct epoll_event){.events = told, .data.u64 = watch->data};
	}
	return kept;
}

int stingy_order_epoll_most(const struct stingy_order *order, int max)
{
	return order->most != 0 && (uint32_t)max > order->most ? (int)order->most : max;
}

void stingy_order_epoll_turned(struct stingy_order *order, const struct epoll_event *events, int n, bool is_first)
{
	for (int i = 0; i < n; i++)
		stingy_order_see(order, events[i].events);
	if (!is_first && order->is_ordering && n > 0 && (uint32_t)n >= order->most && ++order->n_cut >= CUT_TURNS)
		recall_listeners(order);
	stingy_order_end(order, is_first);
}
