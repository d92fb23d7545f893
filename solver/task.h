/*
 * A task as a replay follows it (a connection, or what the program announces as one), and a run of a stage for it. On
 * a kept-alive connection there are several requests, one after the other: each counts as a task of its own, but they
 * share what lives on from one to the next.
 *
 * A task is shared by the table of open tasks, the run that works for it and the objects that began in it; each holds
 * a reference, and the last one frees it. It remembers its latest runs, so that an object's end can tell at the
 * beginnings of which stages the object was live. Heap memory; one thread.
 */
#ifndef STINGY_TASK_H
#define STINGY_TASK_H

#include "hash.h"
#include "tally.h"

#include <stdbool.h>

#define STINGY_TASK_HISTORY  64u        /* runs that a task remembers */
#define STINGY_STAGE_PENDING UINT32_MAX /* of a run: not known yet */

struct stingy_task_key {
	uint64_t id;        /* descriptor, or what the program announced */
	uint64_t announced; /* 1 or 0: the two are numbered apart */
};

struct stingy_task {
	struct stingy_task_key key;
	uint32_t references;
	uint32_t end_turn;     /* counts once it has ended */
	uint32_t n_requests;   /* seen to begin on it */
	uint32_t request_turn; /* in which the present one began; 0: it is the first */
	bool ended;
	bool is_connection; /* that the program accepted */
	bool is_counted;    /* by the census */
	uint16_t thread;    /* that ran a stage for it last; counts once it is counted */
	uint32_t n_runs;
	uint32_t history[STINGY_TASK_HISTORY]; /* stage of run i at i % STINGY_TASK_HISTORY */
	struct stingy_tally tally;             /* its live objects by unit; empty once it has ended */
	uint64_t *live;                        /* set of the units of which it has one; NULL: none yet, or not wanted */
	UT_hash_handle hh;
};

/* One execution of a stage for one task. */
struct stingy_run {
	uint32_t stage;            /* or STINGY_STAGE_PENDING */
	uint32_t number;           /* of the task's runs */
	uint64_t serial;           /* of all runs of the census, from 1 */
	uint32_t n_begun, n_ended; /* objects */
	bool is_idle;              /* nothing is known of it, and nothing to be passed on */
	struct stingy_task *task;  /* NULL: none known */
	struct stingy_tally added; /* by unit: objects begun in it less objects ended in it */
	uint64_t *live;            /* set of the units live in the task when the run began; NULL: not wanted */
};

/* A new task, with one reference. */
struct stingy_task *stingy_task_new(const struct stingy_task_key *key);

/* Another reference; the task may be NULL. Returns it. */
struct stingy_task *stingy_task_hold(struct stingy_task *task);
void stingy_task_release(struct stingy_task *task);

/* Begins a run, which must not be under way: takes a reference to the task. n_words: of the sets of units, or 0. */
void stingy_run_begin(struct stingy_run *run, struct stingy_task *task, uint32_t stage, size_t n_words);

/* The pending stage of the run has become known. */
void stingy_run_settle(struct stingy_run *run, uint32_t stage);

/* The run is over, and has been passed on: drops the task, and keeps the memory for the next. */
void stingy_run_end(struct stingy_run *run);
void stingy_run_fini(struct stingy_run *run);

#endif
