/*
 * The whole way from trace files to a solved model and its layout: reads the traces, settles the stages, takes a
 * census by chains, finds the kinds, takes a census by kinds, gives the globals their part, makes the model, solves it,
 * lays it out, tries it out, judges whether events should be ordered.
 *
 * Traces that show nothing worth managing are no failure: the plan is empty then, and the structure says why.
 *
 * Nothing is printed but the progress (progress.h): what a person should know is in the structure. The same traces
 * give the same result in whatever order they are named. Heap memory, from init to fini, whether run succeeded or not;
 * one thread.
 */
#ifndef STINGY_SOLVE_H
#define STINGY_SOLVE_H

#include "graph.h"
#include "input.h"
#include "layout.h"
#include "model.h"
#include "plan.h"
#include "program.h"
#include "schedule.h"

#define STINGY_SOLVE_ERROR     4096u
#define STINGY_SOLVE_MIN_SHARE 100u        /* by default */
#define STINGY_SOLVE_HIGH      (16u << 20) /* bytes, by default: of them those are taken that are used */
#define STINGY_SOLVE_ARENAS    16u         /* at most, unless the options say otherwise: each takes memory */

struct stingy_solve_options {
	struct stingy_cache cache; /* size 0: the L2 of the machines that the traces are from, else of this one */
	struct stingy_cache here;  /* this machine's L2; size 0: it is not known */
	uint32_t share;            /* in millionths of the cache: what the slab takes */
	uint32_t min_share;        /* in millionths of the allocations while serving */
	uint32_t stack;            /* bytes at the bottom of the slab; a multiple of STINGY_REGION_ALIGN */
	bool stack_measured;       /* they are to be as many as the traces tell */
	uint32_t high;             /* bytes of the high slab, at most; a multiple of STINGY_REGION_ALIGN */
	bool is_high_asked;        /* it was, by the user: then it must be possible */
	uint32_t arenas;           /* 0: as many as the traces show to be needed */
	struct stingy_choices choices;
	struct stingy_schedule_options schedule;
	const struct stingy_declarations *interface; /* in the place of what the traces carry; NULL: it is not */
};

struct stingy_solve {
	const struct stingy_solve_options *options;
	struct stingy_cache cache; /* that is to be filled: where the traces' machines differ, the smallest of theirs */
	bool caches_differ;        /* they do, and nobody said which it should be */
	uint32_t stack;            /* bytes at the bottom of the slab, by the options or by the traces */
	uint32_t stack_used; /* by the main thread in all but a few of its runs, from the stack's start; 0: unknown */
	uint64_t stack_runs; /* that were measured for it */
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_stages stages;
	struct stingy_input *input; /* in the order of their paths, each one once */
	uint32_t n_inputs;
	uint32_t n_used;                    /* of them: of the program */
	uint32_t program;                   /* module: that which serves most; inputs of others are not used */
	uint32_t *itself;                   /* by chain: its number, which is its unit in the first census */
	struct stingy_census atoms, census; /* by chain, by kind */
	struct stingy_kinds kinds;
	struct stingy_choices choices; /* the options', settled */
	struct stingy_bounds bounds;
	struct stingy_globals globals;
	struct stingy_model_source source;
	struct stingy_model model;
	uint32_t *n; /* the program's solution, by the problem's kind */
	struct stingy_solution solution;
	struct stingy_layout layout;
	struct stingy_plan plan;
	struct stingy_schedule schedule;
	bool is_for_tasks;              /* as the source's */
	uint64_t *served_of;            /* by kind: of the next */
	uint64_t *in_region_of;         /* of those: in the kind's own region */
	uint64_t served;                /* allocations of the traces, while serving, that the plan would have served */
	const char *nothing;            /* why there is nothing to manage; NULL: there is */
	char error[STINGY_SOLVE_ERROR]; /* why run failed, in one line */
};

/* What 'stingy solve' does without an option, on this machine. */
void stingy_solve_defaults(struct stingy_solve_options *options);

void stingy_solve_init(struct stingy_solve *solve, const struct stingy_solve_options *options);
void stingy_solve_fini(struct stingy_solve *solve);

/*
 * The first steps alone: reads the traces, chooses the program, settles the stages. Returns 0, or -1: solve->error says
 * why. To be called once, and neither with run.
 */
int stingy_solve_survey(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths);

/* After the survey, or the whole run: the stage call graph, whole. It is the caller's, to be freed before solve. */
void stingy_solve_graph(struct stingy_solve *solve, struct stingy_graph *graph);

/* Returns 0, or -1: solve->error says why. To be called once. */
int stingy_solve_run(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths);

/* Bytes of the cache slab, at most. */
uint64_t stingy_solve_slab(const struct stingy_solve *solve);

/* For people: whether a kind has a place, and where, or why not; of STINGY_NO_UNIT, that it is none. */
const char *stingy_solve_decision(const struct stingy_solve *solve, uint32_t kind);

/* Whether the input is one of the program's. */
bool stingy_solve_uses(const struct stingy_solve *solve, const struct stingy_input *input);

#endif
