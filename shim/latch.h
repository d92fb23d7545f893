/*
 * A try-lock that knows which thread holds it. Nobody waits for it but fork: it is for work that can be skipped, or
 * done by whoever holds it, when it cannot be had.
 *
 * fork takes it, so that no other thread is inside, and both processes give it back. A signal handler may fork while
 * the thread it interrupted holds the latch: that thread then keeps it, in both processes, and goes on. The same holds
 * for a thread for which fork has waited in vain.
 *
 * Memory is the caller's; zeroed, nobody holds it. Any thread, from signal handlers too.
 */
#ifndef STINGY_LATCH_H
#define STINGY_LATCH_H

#include <stdbool.h>
#include <stdint.h>

struct stingy_latch {
	const void *held_by; /* what tells the thread apart; NULL: nobody */
	uint32_t n_inside;   /* forks under way that could not take it: in signal handlers, or after waiting in vain */
	bool is_shared;      /* at fork: another thread, or what the handler interrupted, may have been inside */
};

/* Returns whether the thread has it now. */
bool stingy_latch_try(struct stingy_latch *latch);

/*
 * SEQ_CST, as taking it is. So if a thread stores something likewise and then finds the latch taken, and the holder
 * gives it back and then loads that, either the first gets the latch or the second sees what was stored.
 */
void stingy_latch_give_back(struct stingy_latch *latch);

/*
 * In fork: before it, and after it in each process. The latter returns whether the latch was given back; if not,
 * whoever had it before goes on with it.
 */
void stingy_latch_before_fork(struct stingy_latch *latch);
bool stingy_latch_after_fork(struct stingy_latch *latch);

#endif
