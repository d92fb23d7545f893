/*
 * What a system call costs the thread that makes it, besides time: when it did not run, page faults, context switches.
 *
 * Four more of the kernel's calls for each tell, so it is measured only where the user wants it for the whole process
 * (STINGY_CALLS=full), or the thread has asked to be told (StingySystemCalls, ../shim/stingy.h). State is the thread's.
 */
#ifndef STINGY_COSTS_H
#define STINGY_COSTS_H

#include "trace.h"

#include <stdbool.h>
#include <stdint.h>

/* All since the thread began. */
struct stingy_costs {
	uint64_t cpu_ns; /* that it ran */
	uint64_t faults;
	uint64_t switches;
};

/* In the constructor. */
void stingy_costs_init(void);

/* Whether they are to be measured; whether the thread has asked for them. */
bool stingy_costs_are_wanted(void);
bool stingy_costs_are_asked_for(void);

/* errno is kept. */
void stingy_costs_read(struct stingy_costs *costs);

/* Tells the thread, if it has asked, of a call that is over. */
void stingy_costs_tell(const struct stingy_trace_call *call);

#endif
