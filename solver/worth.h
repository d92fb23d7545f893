/*
 * Whether a manifest is worth its while, by what the traces show: what the tasks keep at a time, against the cache.
 *
 * The traces do not show how fast the server is, or how often it misses, when nobody profiles it. So no gain in
 * requests per second is predicted, but only how many misses are avoided (account.h). State of tasks that fits the
 * cache by itself hardly misses, and nothing is to be won by placing it: then the answer is not to bother, and from how
 * many tasks on to ask again. State that does not fit, and of which the arena holds hardly anything from one run of its
 * task to the next (it is the connections', or in pools), may still be kept in the cache by order, which lets fewer
 * tasks be under way. No trace tells what that wins, the library finds it out: then the answer is to try. (squid, 2,500
 * connections: no miss avoided by the account, a fifth more requests.) Arithmetic on an account; memory is the
 * caller's.
 *
 * A task's bytes are those of this moment: what all tasks kept at their worst, idle ones too, by their number. That is
 * what filled the cache under the load of the traces. It is less than what a task under way takes, be it only lent from
 * a pool, which is what bounds how many may be under way (schedule.h); and it is not what a task of any load is
 * predicted to hold (account.h).
 */
#ifndef STINGY_WORTH_H
#define STINGY_WORTH_H

#include "account.h"

#include <stdio.h>

enum stingy_worth_answer {
	STINGY_WORTH_RUN = 0, /* under the manifest, events in order */
	STINGY_WORTH_ORDER,   /* the manifest would serve too little: order alone */
	STINGY_WORTH_NOTHING, /* there is nothing to manage: order alone may still be tried */
	STINGY_WORTH_FITS,    /* not to bother: it fits the cache by itself */
	STINGY_WORTH_TRY,     /* the manifest avoids hardly a miss by itself; its order may */
};

struct stingy_worth {
	enum stingy_worth_answer answer;
	uint64_t cache;      /* bytes */
	uint64_t slab;       /* bytes of it that tasks may take */
	uint64_t kept;       /* bytes of objects that tasks kept at once in one process, at most */
	uint64_t task;       /* bytes that one of them keeps, in the mean at that moment */
	uint32_t n_tasks;    /* at once, at most */
	uint64_t n_fit;      /* tasks whose objects fit */
	double expected;     /* per cent of the allocations while serving, from the arena */
	double avoided;      /* misses a task that the arena is predicted to avoid */
	uint64_t more_tasks; /* at once, so many that there would be misses to avoid; 0: not known */
	double more_avoided; /* then */
};

void stingy_worth_init(struct stingy_worth *worth, const struct stingy_account *account);

/* Whether the answer is to run the server under the manifest. */
bool stingy_worth_is_advised(const struct stingy_worth *worth);

/* One sentence: is it worth it? The other: why. Without an end of line. */
void stingy_worth_print_answer(const struct stingy_worth *worth, FILE *out);
void stingy_worth_print_reason(const struct stingy_worth *worth, FILE *out);

#endif
