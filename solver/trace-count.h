/*
 * The requests in the traces that a profiling run writes, counted while it does.
 *
 * Only what is new since the last look is read. Traces that began before a given time are another run's. Heap memory,
 * from init to fini; one thread.
 */
#ifndef STINGY_TRACE_COUNT_H
#define STINGY_TRACE_COUNT_H

#include "../profiler/trace.h"

#include <stdbool.h>

struct stingy_trace_count_trace {
	char *path;
	bool is_over;                      /* it is another run's, or damaged: nothing more is read */
	bool is_ours;                      /* it is of this run */
	struct stingy_trace_reader reader; /* where it stands; its data is gone */
	uint64_t requests, connections, announced;
};

struct stingy_trace_count {
	const char *prefix; /* of the traces: PREFIX.*.trace */
	uint64_t started;   /* nanoseconds since 1970 */
	struct stingy_trace_count_trace *trace;
	size_t n, room;
};

/* Traces that begin from now on are of this run; prefix must stay. */
void stingy_trace_count_init(struct stingy_trace_count *counts, const char *prefix);
void stingy_trace_count_fini(struct stingy_trace_count *counts);

/* Looks. Returns the requests that began; of a program that announces its tasks, those that ended. */
uint64_t stingy_trace_count_look(struct stingy_trace_count *counts);

/* The paths of the traces of this run, as of the last look: *n of them. The caller frees the array, not the paths. */
const char **stingy_trace_count_paths(const struct stingy_trace_count *counts, uint32_t *n);

#endif
