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
 * A thread's calls are taken for a server's loop if they have POLL_LEAST entries. Each thread has an order of its own,
 * until it exits.
 */
#ifndef STINGY_ORDER_POLL_H
#define STINGY_ORDER_POLL_H

#include "order.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define STINGY_FEW 512u /* entries: the most that are asked about, where it is not everything */

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

/* The server waits for so many: its thread's order, or NULL: the call is none of a loop. */
struct stingy_order *stingy_order_poll_enter(uint64_t count);

/* Chooses whom to ask about: few->n of them, or 0: everything. Not to be called if nothing is marked. */
void stingy_order_poll_choose(struct stingy_order *order, const struct pollfd *fds, uint32_t count,
			      struct stingy_few *few);

/*
 * Whether the thread is to be left alone: what the kernel said of everything, in fds, is handed out then. Marks are of
 * descriptors: of two entries of one, the first would take the other's turn for ever.
 */
bool stingy_order_poll_leaves(struct stingy_order *order, const struct pollfd *fds, uint32_t count);

/*
 * Of what the kernel said, in fds, keeps what is to be handed out, and returns how many that is. *is_first: it is of
 * what is under way.
 */
int stingy_order_poll_keep(struct stingy_order *order, struct pollfd *fds, uint32_t count, bool *is_first);

/* The turn is over: what is in fds is handed out. */
void stingy_order_poll_turned(struct stingy_order *order, const struct pollfd *fds, uint32_t count, bool is_first);

#endif
