/*
 * Ordering for poll and select (order.h has the rules). Entries are those of poll; select's sets are made into them.
 *
 * The kernel is asked about everything that the server waits for only when nothing is left over from the last time:
 * then some of what is ready is handed out, and what was ready besides is marked. In the next turns the kernel is asked
 * anew, but only about a few: what is under way, and as many marked descriptors as may begin. So each event handed out
 * is the kernel's answer to this call; the marks say but whom to ask about. A mark goes when its descriptor was asked
 * about and handed out, or was not ready any more, and when it is closed; as none come in between, all marked ones have
 * had their turn before any is marked again. (Where more than STINGY_FEW is under way, everything is asked about in
 * each turn, and the marks say who goes first.) What is under way is not marked: it is asked about anyway.
 *
 * A turn that is looked at goes through all entries once, before the kernel is asked: whom to ask about, and how many
 * tasks are in flight, is in an entry and one byte of a table (watch.h). Afterwards it goes through what is ready, and
 * where nothing was marked no farther than to the last of that. The server goes through them, too: so with thousands of
 * entries, turns of few events cost more than most servers can win by them, and no search (tuner.h) begins with such.
 *
 * Entries at a bad address are the kernel's to find. They are looked at after it has taken them; before, only if the
 * last call that was the server's own was about as many at the same place, or more, and was taken: so a server with a
 * new array has a turn in which everything is asked about. What this does not notice is an array that the kernel took
 * once and that was unmapped since, or a limit of open files that was lowered below its length: while marks are left,
 * the former ends the program, and the latter is not reported.
 *
 * A thread's calls are taken for a server's loop if they have STINGY_POLL_LEAST entries. Each thread has an order of
 * its own, until it exits.
 */
#ifndef STINGY_ORDER_POLL_H
#define STINGY_ORDER_POLL_H

#include "order.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define STINGY_POLL_LEAST 16u
#define STINGY_FEW        512u /* entries: the most that are asked about, where it is not everything */

/*
 * The few that are asked about, and where in the server's array each of them is. On the stack of the thread that waits,
 * which may have little of it: no larger than need be.
 */
struct stingy_few {
	uint32_t n, room;
	struct pollfd *fds;
	uint32_t *at;
};

/* Room for them, in a function that waits for so many. */
#define STINGY_FEW_OF(count)                                                                                           \
	{                                                                                                              \
		.room = (count) < STINGY_FEW ? (count) : STINGY_FEW,                                                   \
		.fds = __builtin_alloca(((count) < STINGY_FEW ? (count) : STINGY_FEW) * sizeof(struct pollfd)),        \
		.at = __builtin_alloca(((count) < STINGY_FEW ? (count) : STINGY_FEW) * sizeof(uint32_t)),              \
	}

/* In the constructor. Returns 0 if it succeeds. */
int stingy_order_poll_init(void);

/* In the child, after fork. */
void stingy_order_poll_forked(struct stingy_order *order);

/* The server waits before stingy_order_poll_enter is asked: the thread's last turn is not one to learn from. */
void stingy_order_poll_skip(void);

/* The server waits for so many: its thread's order, or NULL: the call is none of a loop. */
struct stingy_order *stingy_order_poll_enter(uint64_t count);

/*
 * In a turn that is looked at, before the call, one of these: they say how many tasks are in flight. _count: the kernel
 * will be asked about everything; fds is NULL if it must not be looked at. _choose: it may be asked about fewer, as
 * order->is_ordering and order->has_marked; few->n of them, or 0: everything. What the last call said of the entries is
 * cleared.
 */
void stingy_order_poll_count(struct stingy_order *order, const struct pollfd *fds, uint32_t count);
void stingy_order_poll_choose(struct stingy_order *order, struct pollfd *fds, uint32_t count, struct stingy_few *few);

/*
 * Whether the thread is to be left alone: what the kernel said of everything, in fds, is handed out then. Marks are of
 * descriptors: of two entries of one, the first would take the other's turn for ever.
 */
bool stingy_order_poll_leaves(struct stingy_order *order, const struct pollfd *fds, uint32_t count);

/*
 * After the call, which said that n entries are ready, in fds: keeps what is to be handed out, sees it, and returns how
 * many that is. *is_first: it is of what is under way. Then stingy_order_end.
 */
int stingy_order_poll_keep(struct stingy_order *order, struct pollfd *fds, uint32_t count, int n, bool *is_first);

#endif
