/*
 * What is to be solved: how many instances n_O of each object kind O the arena should hold. The constraints and the
 * objective are the paper's (Bhatia, Consel, Lawall, ISMM 2006): the cache constraint of each stage, the order
 * constraints, and ours, that the regions fit the slab side by side.
 *
 *   cache:   for each stage, over its live kinds l and the kinds a it allocates: sum size(l) n_l + sum size(a) <= tau
 *   order:   n_more >= n_less; scaled where a task holds more of the one than of the other
 *   layout:  sum over colours of slot(c) n_c <= tau less what aligning the regions may take; n_c >= n_O, and for each
 *            stage n_c >= the instances of all kinds of the colour that one run allocates: else no run ever fits
 *   minimise the sum over stages of weight / min over its live kinds of n_l / per_task(l),
 *   or, if that is the objective, the sum over kinds of worth (1 - n_O / max): what is not served of all that is
 *   touched
 *
 * Kinds of one colour share a region. Heap memory, owned by the problem; solving it is program.c's business.
 */
#ifndef STINGY_PROBLEM_H
#define STINGY_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum stingy_objective {
	STINGY_OBJECTIVE_STAGES = 0, /* the paper's: what the first runs of stages cost */
	STINGY_OBJECTIVE_SERVED,     /* the lines of the cache that are touched of what is not served */
};

struct stingy_problem_kind {
	char *name;
	uint64_t size;     /* bytes */
	uint32_t max;      /* bound of n_O, at least 1: more than that many were never of use */
	uint32_t per_task; /* instances that one task holds at most, at least 1 */
	uint32_t colour;
	uint64_t value; /* allocations, to choose between equal solutions */
	double worth;   /* its part of all touched lines of allocations: of all kinds, they sum to 1 */
};

struct stingy_problem_stage {
	char *name;
	double weight;  /* at least 0 */
	uint32_t *live; /* kinds live when it begins */
	uint32_t n_live;
	uint32_t *allocates; /* kinds */
	uint32_t *count;     /* of each of those, in one run */
	uint32_t n_allocates;
	uint32_t *lasting; /* of those that it allocates: left behind when a run ends; NULL: all are */
	uint32_t n_lasting;
};

struct stingy_problem_order {
	uint32_t more, less;
	uint64_t tasks; /* of the traces: those that had the lesser kind, and never without the greater */
};

struct stingy_problem {
	uint64_t tau; /* bytes */
	enum stingy_objective objective;
	struct stingy_problem_kind *kind;
	uint32_t n_kinds;
	struct stingy_problem_stage *stage;
	uint32_t n_stages;
	struct stingy_problem_order *order;
	uint32_t n_orders;
	uint64_t *slot;  /* by colour: the largest size of its kinds, in bytes */
	uint32_t *least; /* by colour: the most instances of its kinds that one run of a stage allocates */
	uint32_t n_colours;
};

void stingy_problem_fini(struct stingy_problem *problem);
void stingy_problem_stage_fini(struct stingy_problem_stage *stage);

/* Takes the slots and the least counts from the kinds' colours, of which there are n, and from the stages. */
void stingy_problem_set_colours(struct stingy_problem *problem, uint32_t n);

/* Bytes that aligning the region of a slot size may take, at most. */
uint64_t stingy_problem_padding(uint64_t slot);

/*
 * The kinds of a stage whose instances bound how many runs of it can be gathered: those that are live when it begins,
 * or, if it is where tasks begin and there are none, those that it allocates and leaves behind.
 */
const uint32_t *stingy_problem_bounding(const struct stingy_problem_stage *stage, uint32_t *n);

/* The factors of an order constraint: *more times n_more is at least *less times n_less. */
void stingy_problem_factors(const struct stingy_problem *problem, const struct stingy_problem_order *order,
			    uint32_t *more, uint32_t *less);

/* Bytes that the cache constraint of the stage counts, at n. */
uint64_t stingy_problem_stage_bytes(const struct stingy_problem *problem, const struct stingy_problem_stage *stage,
				    const uint32_t *n);

/* Bytes that the layout constraint counts, at n. */
uint64_t stingy_problem_layout_bytes(const struct stingy_problem *problem, const uint32_t *n);

/*
 * Makes n keep the order constraints: raise gives more of the greater kinds, lower gives less of the lesser ones, which
 * breaks none of the other constraints, and never less than one.
 */
void stingy_problem_raise(const struct stingy_problem *problem, uint32_t *n);
void stingy_problem_lower(const struct stingy_problem *problem, uint32_t *n);

/* Whether n keeps the cache and the order constraints; and the layout constraint and the bounds too. */
bool stingy_problem_allows(const struct stingy_problem *problem, const uint32_t *n);
bool stingy_problem_is_feasible(const struct stingy_problem *problem, const uint32_t *n);

/* Raises n, which keeps all constraints, one step at a time as long as the objective falls. */
void stingy_problem_improve(const struct stingy_problem *problem, uint32_t *n);

double stingy_problem_objective(const struct stingy_problem *problem, const uint32_t *n);

/* Prints the constraints, one a line. */
void stingy_problem_print(const struct stingy_problem *problem, FILE *out);

#endif
