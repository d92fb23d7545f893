/*
 * Which cache to take, the L2 or the L3, and how much of it.
 *
 * The L2 is a core's own: three quarters of it are for the arena, the rest for code, stack and globals. The L3 is
 * shared with other cores, each of which has its own work, and in a virtual machine with other machines, of which we
 * know nothing. To take more than one core's part is to lose lines to the others. So the default is three quarters of
 * that part.
 *
 * An L3 takes several times as long to answer as an L2, so it is worth its size only where the L2 holds too few tasks:
 * a scheduler needs some sixteen at a time to gather runs of a stage, and more gain little (measured with squid and a
 * mock server). The manifest does not depend on it.
 */
#ifndef STINGY_ADVICE_H
#define STINGY_ADVICE_H

#include "solve.h"

#define STINGY_ADVICE_SHARE 750000u /* millionths of a core's part of a cache */
#define STINGY_ADVICE_TASKS 16u     /* at once: more are not needed */

/* One of this machine's caches. */
struct stingy_advice_cache {
	uint64_t slab;  /* bytes that it would give the arena; 0: the machine does not tell of it */
	uint64_t tasks; /* that these hold */
};

struct stingy_advice {
	uint64_t per_task; /* bytes that one task has at most, as nine of ten do; 0: there is nothing to manage */
	uint64_t tasks;    /* at once, at most */
	uint64_t globals;  /* bytes of what is kept for good */
	struct stingy_advice_cache l2, l3;
	unsigned level; /* to be taken: 2 or 3; 0: there is no telling */
};

/* What of a cache of that level goes to the arena unless the user says so, in millionths; 0: of any other cache. */
uint32_t stingy_advice_share(unsigned level);

/* solve: run with success. */
void stingy_advice_take(struct stingy_advice *advice, const struct stingy_solve *solve);

/* A line for people; nothing if there is nothing to manage, or no cache is known. */
void stingy_advice_print(const struct stingy_advice *advice, FILE *out);

#endif
