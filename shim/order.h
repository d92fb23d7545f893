/*
 * Ordering the events of an unmodified server (schedule auto): tasks under way are finished before new ones begin, and
 * new ones begin a few at a time, so that what they keep fits the cache.
 *
 * This is what is common to all ways to wait: an order for each place where a server waits (an epoll instance, or a
 * thread that polls), its turns, and the time they take. Which descriptors belong to tasks under way, and how the
 * kernel is asked for those only, is in order-epoll.h and order-poll.h. In all of them nothing that the kernel has
 * reported is kept for later: we only choose what it is asked for, so nothing can become stale. A turn is one of two
 * kinds:
 *   1. first: events of what is under way, if any are ready; these are handed out alone;
 *   2. otherwise whatever is ready, but at most `bound` events, in turn.
 * Where a manifest tells what a task takes, a turn of kind 2 hands out no more events than the thread's regions have
 * room for (room.h), but at least 4 (STINGY_TUNER_LEAST): whoever works on tasks for which there is no room does less
 * than they could, but whoever has nothing else to do must go on. Where the user has set the bound, it is the user's.
 * What is under way: connections that were accepted, while the server asks whether they may be written to; and all
 * that was not accepted and is no listening socket: connections to other servers that tasks wait for, and eventfd,
 * timerfd, signalfd, pipes, which are never delayed (but see order-epoll.h for edge-triggered ones).
 *
 * Fairness. No turn is empty while something is ready. After 8 turns of kind 1 (FIRST_TURNS) comes one of kind 2, even
 * if more is under way. So of n ready descriptors none waits longer than 9 * (n / bound + 1) turns, or, while regions
 * are short, 9 * (n / 4 + 1); with poll and select twice that, if it becomes ready when all that were have just been
 * marked. A listening socket of an epoll instance does not wait that long: every eighth turn of kind 2 that the bound
 * cut short puts it first once, as programs that accept one connection for an event would otherwise keep newcomers
 * waiting for as many turns as they have connections. With poll and select, accepts have no such preference. No
 * connection holds anything that another one needs in order to be served: a region of which idle connections have more
 * than half sets no bound at all.
 *
 * Whether ordering is on, and with which bound, the tuner decides (tuner.h), unless the user gives a number. The user's
 * word is STINGY_SCHEDULE, and where that says nothing, the manifest's schedule. While it is off, most turns are not
 * looked at: such a turn costs a few loads and stores, and what it does with its events nothing, but for a note of each
 * change of a registration, without which ordering could not begin again. While it is on, the system calls that are
 * added are ones that the server makes itself, so a seccomp filter that suits the server suits us.
 *
 * Memory: a table by descriptor (watch.h), and static state. One thread an order; no lock. Everything here keeps errno.
 */
#ifndef STINGY_ORDER_H
#define STINGY_ORDER_H

#include "../manifests/live.h"
#include "tuner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/single_threaded.h>

enum stingy_order_mode {
	STINGY_ORDER_OFF = 0,
	STINGY_ORDER_AUTO,  /* with a bound that is found out */
	STINGY_ORDER_FIXED, /* with this one, for good */
};

struct stingy_order_schedule {
	enum stingy_order_mode mode;
	uint32_t tasks; /* the bound, or where the search for one begins; 0: not given */
};

#define STINGY_ORDER_LISTENERS 8 /* of an epoll instance; more than those have no more than their turn */

/* Aligned, so that what a thread writes in each turn is on no line of another's. */
struct stingy_order {
	_Alignas(128) int first; /* epoll: our own instance beside the server's; -1: none */
	bool is_poll;            /* the place is a thread */
	bool is_left;            /* it is left alone, for good; atomic */
	bool is_seen;            /* this turn is looked at */
	bool is_ordering;        /* it does, in this turn */
	bool has_levels;         /* epoll: of the accepted connections, some are level-triggered */
	bool is_writing;         /* the last event was of this kind */
	uint8_t n_listening;     /* epoll: listening sockets that come first now and then, */
	int listening[STINGY_ORDER_LISTENERS];
	uint32_t n_cut;             /* and turns of kind 2 since then that the bound cut short; poll: all */
	uint32_t run;               /* so many of it in a row */
	uint32_t most;              /* events that this turn may hand out, if it is of kind 2; 0: any number */
	uint32_t n_first;           /* turns of kind 1 since the last of kind 2 */
	int32_t n_tasks;            /* connections that wait to be written to; -1: not known; for the figures; atomic */
	int32_t n_waiting, n_begun; /* of these when the turn began, and events to read in it */
	const void *thread;         /* epoll: the one that waits; NULL: none has yet; atomic */
	bool has_marked;            /* poll: what was ready has not all been handed out */
	const void *taken;          /* poll: where the kernel found entries when it was last asked about all, */
	uint32_t n_taken;           /* and how many */
	uint64_t entered, returned; /* when the server last waited, in ticks; returned 0: it still waits */
	uint64_t refused;           /* what stingy_room_refused said then */
	struct stingy_tuner_turn turn; /* what it was then given */
	struct stingy_tuner tuner;
	struct stingy_live_order *live;
};

/* Whether any of this is wanted: else all entry points do no more than they must. */
extern bool stingy_order_is_on __attribute__((visibility("hidden")));

/* What the thread has sent to accepted connections since its last turn began, if that turn is looked at: the measure of
 * its work. */
extern __thread bool stingy_order_is_counting __attribute__((tls_model("initial-exec"), visibility("hidden")));
extern __thread uint32_t stingy_order_answers __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What is in force: what the environment says, and if that says nothing, what the manifest does. In the constructor. */
struct stingy_order_schedule stingy_order_choose(const struct stingy_order_schedule *manifest);

/*
 * In the constructor. The schedule, whose mode is not STINGY_ORDER_OFF, is for all orders. The figures of the first
 * n_live of them go to live. Returns 0, or -1 if there is no memory.
 */
int stingy_order_init(const struct stingy_order_schedule *schedule, struct stingy_live_order *live, uint32_t n_live);

/* From now on no system call may be made that the server does not make. Any thread. */
void stingy_order_filtered(void);

/* An order for a new place; NULL: there are too many. Any thread. */
struct stingy_order *stingy_order_claim(void);

/* The place is gone. */
void stingy_order_release(struct stingy_order *order);

/* Orders have numbers, from 1. */
uint8_t stingy_order_number(const struct stingy_order *order);
struct stingy_order *stingy_order_numbered(uint8_t number);

/* The place is left alone from now on. Any thread. */
void stingy_order_leave(struct stingy_order *order, enum stingy_live_left why);

/*
 * A turn: the server waits; each event that it is given is seen; and it goes on. stingy_order_begin says whether to
 * order, and stingy_order_asks_first then, whether the turn may be of kind 1. The tuner's bound applies in any case.
 * A turn that is not looked at (is_seen is false then) consists of the server's own call alone; stingy_order_heard is
 * told what that returned, and returns it.
 */
bool stingy_order_begin(struct stingy_order *order);
bool stingy_order_asks_first(const struct stingy_order *order);
void stingy_order_see(struct stingy_order *order, uint32_t events);
void stingy_order_end(struct stingy_order *order, bool is_first);
int stingy_order_heard(struct stingy_order *order, int n);

/* Adds to a figure that any thread may change. It is an atomic operation only in a process that has threads. */
static inline void stingy_order_add(int32_t *figure, int change)
{
	if (__libc_single_threaded)
		*figure += change;
	else
		__atomic_fetch_add(figure, change, __ATOMIC_RELAXED);
}

/* order-live.c keeps the figures: after the tuner has said something, before a turn, of an event, and of a turn. */
void stingy_order_publish(struct stingy_order *order);
void stingy_order_count_event(struct stingy_order *order, uint32_t events);
void stingy_order_count_turn(struct stingy_order *order);
void stingy_order_count_wait(struct stingy_order *order);

/* Says the figures, a line for each order. */
void stingy_order_report(const struct stingy_live *live);

#endif
