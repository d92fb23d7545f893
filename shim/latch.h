/*
 * A lock that nobody waits for but fork, for what is taken up again if it was taken: a try-lock that knows its thread.
 *
 * fork takes it, so that no other thread is inside, and both processes give it back. A signal handler may fork amid
 * what its own thread does with the lock: then that one keeps it, in both processes, and goes on. So does a thread that
 * fork has waited for in vain.
 *
 * Memory is the caller's; zeroed, nobody holds it. Any thread, from signal handlers too.
 */
#ifndef STINGY_LATCH_H
#define STINGY_LATCH_H

#include <stdbool.h>
#include <stdint.h>

struct stingy_latch {
	const void *held_by; /* what tells the thread apart; NULL: nobody */
	uint32_t n_inside;   /* forks under way that began while it was held: in signal handlers */
	bool is_shared;      /* at fork: another thread, or what it interrupted, may have been inside */
};

/* Returns whether the thread has it now. */
bool stingy_latch_try(struct stingy_latch *latch);

/*
 * In one order with taking it, and with what is stored and loaded likewise (SEQ_CST): of a thread that stores something
 * and then finds the latch taken, and the one that gives it back and then looks, one sees what the other did.
 */
void stingy_latch_give_back(struct stingy_latch *latch);

/*
 * In fork: before it, and after it in each process. The latter returns whether the latch was given back; if not,
 * whoever had it before goes on with it.
 */
void stingy_latch_before_fork(struct stingy_latch *latch);
bool stingy_latch_after_fork(struct stingy_latch *latch);

#endif
