/*
 * What the processes of a group have used of the processors, as the kernel counts it: the cost of a server, whichever
 * of its processes works. From /proc: run times in nanoseconds, and the part spent in user space by the kernel's ticks.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
	uint64_t all;  /* ns, of all threads */
	uint64_t user; /* ns, by ticks of 10 ms: good for long times only */
};

/* Of all processes that now are in the group; what has ended is not in it. */
struct usage usage_of_group(pid_t group);

#endif
