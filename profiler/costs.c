#define _GNU_SOURCE
#include "costs.h"

#include "../shim/env.h"
#include "../shim/stingy.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static bool is_full;
static __thread struct stingy_system_calls *told
	__attribute__((tls_model("initial-exec"))); /* NULL: it has not asked */

void stingy_costs_init(void)
{
	const char *given = stingy_env("STINGY_CALLS");
	is_full = given && strcmp(given, "full") == 0;
}

bool stingy_costs_are_asked_for(void)
{
	return told != NULL;
}

bool stingy_costs_are_wanted(void)
{
	return is_full || told;
}

void stingy_costs_read(struct stingy_costs *costs)
{
	struct rusage usage;
	struct timespec cpu;
	int saved = errno;
	memset(costs, 0, sizeof(*costs));
	/* Not by the times of getrusage, which may be those at the last tick of the scheduler. */
	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0)
		costs->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
	if (getrusage(RUSAGE_THREAD, &usage) == 0) {
		costs->faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
		costs->switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
	}
	errno = saved;
}

void stingy_costs_tell(const struct stingy_trace_call *call)
{
	struct stingy_system_calls *into = told;
	if (!into || call->blocked == UINT64_MAX)
		return;
	into->n_calls++;
	into->number = (long)call->number;
	into->last = (struct stingy_call_cost){call->took, call->blocked, call->faults, call->switches};
	into->sum.ns += call->took;
	into->sum.blocked_ns += call->blocked;
	into->sum.faults += call->faults;
	into->sum.switches += call->switches;
}

__attribute__((visibility("default"))) int StingySystemCalls(struct stingy_system_calls *into)
{
	if (into)
		memset(into, 0, sizeof(*into));
	told = into;
	return 1;
}
