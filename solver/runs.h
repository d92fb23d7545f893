/*
 * Who works for whom, as a replay goes along: which thread is in which run, of which stage, for which task.
 *
 * Turns: a thread's WAIT ends one, TURN begins one for the task of its descriptor. ACCEPT begins a task (a connection),
 * which is the current one from then on; CLOSE ends it; a descriptor that is used again is another task. Each REQUEST
 * on it is counted by itself: what began before the present one is of an earlier request. A descriptor that was linked
 * (LINK) works for the task that linked it last, as long as that is open; a turn for no connection (a timer, a
 * listener, a pipe) goes over to the connection that it reads or writes (CALL). What a declared queue function queues
 * (QUEUE) is for the task that queues it, or for the one that was queued under that name first; it tells whose turn it
 * is where the descriptor does not. Stages that the program announces go before what is inferred, while they are open.
 * What a thread does before its first WAIT is set-up.
 *
 * Everything is passed on to the census. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_RUNS_H
#define STINGY_RUNS_H

#include "census.h"
#include "input.h"
#include "stages.h"
#include "tasks.h"

struct stingy_runs {
	struct stingy_census *census;
	struct stingy_thread *thread; /* whose records follow */
	uint32_t turn;                /* turns so far, of all threads; the stage runs that were announced count too */
	/* the rest is the module's own */
	const struct stingy_input *input;
	const struct stingy_places *places;
	const struct stingy_stages *stages;
	struct stingy_thread *threads;
	struct stingy_tasks tasks;
	struct stingy_queued **queue; /* by stage: tasks for which it was queued, the oldest first */
	/* By the trace's chain: the wait chain that its stage was asked for last, and the answer. */
	uint32_t *asked, *answer;
};

/* The stages must be settled; all that is given must stay as it is. */
void stingy_runs_init(struct stingy_runs *runs, const struct stingy_input *input, const struct stingy_places *places,
		      const struct stingy_stages *stages, struct stingy_census *census);

/* Ends what is under way, and passes that on. */
void stingy_runs_fini(struct stingy_runs *runs);

/* Takes a record that has to do with threads, events, connections, stages or tasks; passes over others. */
void stingy_runs_take(struct stingy_runs *runs, const struct stingy_trace_record *record);

/* The run under way in the current thread, or NULL. */
struct stingy_run *stingy_runs_current(struct stingy_runs *runs);

/* The run that an allocation by the trace's chain is part of, which it may begin; NULL: none, it is set-up. */
struct stingy_run *stingy_runs_enter(struct stingy_runs *runs, uint32_t chain);

/* The number of the current thread, in the order of their first records: less than STINGY_CENSUS_THREADS. */
uint16_t stingy_runs_thread(const struct stingy_runs *runs);

#endif
