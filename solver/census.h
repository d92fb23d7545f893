/*
 * What the replays of traces tell of the objects of each unit: how many, how large, how long they live, in which
 * stages, with which others. A unit is a whole call chain the first time, when kinds are not known yet, and an object
 * kind the second time. replay.c finds out what happens, this counts it.
 *
 * Several traces go into one census one after the other: counts add up, maxima are the largest of any one process.
 * Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_CENSUS_H
#define STINGY_CENSUS_H

#include "fate.h"
#include "objects.h"
#include "sizes.h"
#include "task.h"
#include "trial.h"

#define STINGY_NO_UNIT UINT32_MAX

/* Percent of what is counted that a figure must cover: a few odd ones must not set it for all. */
#define STINGY_COVER_TASKS 90u /* of the tasks that have any: the objects of one task */
#define STINGY_COVER_RUNS  99u /* of a stage's runs: the objects that one run allocates */

#define STINGY_CENSUS_STAGES   64u   /* stages told apart in lifetimes; later ones count as the last */
#define STINGY_CENSUS_PER_TASK 256u  /* objects in one task, or run, that are told apart; more count as the last */
#define STINGY_CENSUS_THREADS  1024u /* threads told apart; later ones count as the last */

/* Kept only for units that allocate while serving. */
struct stingy_served {
	struct stingy_sizes sizes;
	uint32_t live_at[STINGY_CENSUS_STAGES];    /* objects that were live at the beginning of a run of the stage */
	uint32_t per_task[STINGY_CENSUS_PER_TASK]; /* tasks by the most objects that they held at once */
};

struct stingy_unit {
	uint64_t serving;  /* allocations in turns and announced stages */
	uint64_t setup;    /* all others */
	uint64_t taskless; /* of those while serving: of no known task */
	uint64_t fate[STINGY_FATES];
	bool is_pool;         /* its objects are of a pool of the program's own */
	bool is_left_out;     /* the user wants it to be left alone */
	uint64_t estimate;    /* bytes of an object, by the user's word; 0: none */
	uint64_t unseen_ends; /* objects of either sort that had ended by a way that was not recorded */
	uint64_t setup_left;  /* set-up objects that were live when their trace ended */
	uint32_t max_align;
	uint32_t live; /* now */
	uint32_t max_live;
	uint32_t max_live_in_thread;  /* made by one thread; only in a census of relations */
	struct stingy_served *served; /* NULL: none while serving */
};

struct stingy_census_stage {
	uint64_t runs;
	uint64_t task_runs;        /* of a known task */
	uint64_t allocations;      /* while serving */
	uint64_t calls;            /* of the system */
	uint64_t firsts, first_ns; /* timed runs that followed another stage's, and what they took */
	uint64_t rests, rest_ns;   /* timed runs that followed one of the same stage */
	/* The rest is there only in a census of relations. */
	uint32_t *live;  /* by unit: runs at whose beginning the task had one */
	uint32_t **need; /* by unit: runs by the most objects that they added to what they found; NULL: none did */
};

/* What one thread has, now. */
struct stingy_census_thread {
	uint32_t *live;         /* by unit: objects that it made; NULL: it never made any */
	uint32_t open_tasks[2]; /* those that it ran a stage for last: as the census's */
};

struct stingy_graph;

struct stingy_census {
	struct stingy_unit *unit;
	uint32_t n_units;
	const uint32_t *unit_of; /* by chain; STINGY_NO_UNIT: not counted; the caller's */
	struct stingy_census_stage *stage;
	uint32_t n_stages;
	uint64_t serving;       /* allocations, counted or not */
	uint64_t attributed;    /* of those: of a known stage and a known task */
	uint64_t tasks;         /* that ended or were open at the end; of a connection each request counts */
	uint64_t connections;   /* of those tasks: what was accepted, and had a request; one each */
	uint64_t requests;      /* seen to begin on them */
	uint32_t open_tasks[2]; /* now: those of descriptors, and those that the program announces */
	uint32_t max_tasks;     /* of either, at most */
	uint32_t last_timed;    /* stage */
	uint64_t begun_runs;
	struct stingy_graph *graph; /* the caller's: takes note of all runs; NULL: none */
	/* The rest is there only in a census of relations: which units meet in one task, and in one thread. */
	struct stingy_census_thread *thread; /* STINGY_CENSUS_THREADS of them */
	uint32_t max_tasks_in_thread;        /* as max_tasks, of one thread */
	size_t n_words;                      /* words of a set of units; 0: no relations wanted */
	uint64_t *together;  /* n_units sets: those that were live in the task when one of the unit began, some time */
	uint64_t *dominates; /* n_units sets: those that always were */
	size_t n_stage_words;
	uint64_t *follows; /* n_stages sets of stages: that one's run was a task's next after one of this stage */
	struct stingy_trial *trial; /* the caller's: takes all objects, which are not counted then; NULL: none */
};

/* A census by unit_of, which must outlive it. relations: of kinds, not of thousands of chains. */
void stingy_census_init(struct stingy_census *census, uint32_t n_units, const uint32_t *unit_of, uint32_t n_stages,
			bool relations);
void stingy_census_fini(struct stingy_census *census);

/* An allocation is made in the run, counted or not. */
void stingy_census_serve(struct stingy_census *census, const struct stingy_run *run);

/* An object begins; it is of the task of the run. run NULL: at set-up. */
void stingy_census_begin(struct stingy_census *census, struct stingy_object *object, uint64_t size, uint32_t align,
			 struct stingy_run *run);

/* An object ends in the run (NULL: none), or is left when the trace ends. */
void stingy_census_end(struct stingy_census *census, const struct stingy_object *object, enum stingy_fate fate,
		       struct stingy_run *run);
void stingy_census_left(struct stingy_census *census, const struct stingy_object *object, enum stingy_fate fate);

/* A task begins, or goes on, in a run of the thread. */
void stingy_census_enter(struct stingy_census *census, struct stingy_task *task, uint16_t thread);

/* Another request begins on the task, a connection: the one before is over. */
void stingy_census_request(struct stingy_census *census, struct stingy_task *task);

/* A run is over; timed runs, one behind the other, took ns; a task has ended, or the trace has and it is still open. */
void stingy_census_run(struct stingy_census *census, const struct stingy_run *run);
void stingy_census_time(struct stingy_census *census, uint32_t stage, uint32_t n_runs, uint64_t ns);
void stingy_census_leave(struct stingy_census *census, struct stingy_task *task);

/* The trace is over, and the next is another process's. */
void stingy_census_next(struct stingy_census *census);

/* The number of objects in one task that covers the given percentage of the tasks that had any; at least 1. */
uint32_t stingy_unit_per_task(const struct stingy_unit *unit, unsigned percent);

/* The number of objects of the unit that covers what the given percentage of the stage's runs adds; may be 0. */
uint32_t stingy_census_need(const struct stingy_census_stage *stage, uint32_t unit, unsigned percent);

/* Whether it is often of no known task: then nobody knows which others it meets. */
bool stingy_unit_is_taskless(const struct stingy_unit *unit);

/* The set (a bit each) of the stages at whose beginning at least the given percentage of the objects was live. */
uint64_t stingy_unit_stages(const struct stingy_unit *unit, unsigned percent);

#endif
