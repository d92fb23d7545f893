/*
 * Solves a problem as a mixed integer program (lp.h).
 *
 * 1/n is convex, so each kind has a variable that lies above the straight lines between 1/j and 1/(j+1); only those
 * lines that a solution falls below are added, until none does: then the program is exact. The answer is the optimum,
 * or within the gap that was asked for, unless the nodes of the search run out; how far it is from the optimum is told
 * in any case. The limit is a count of nodes: the same problem gives the same answer on every machine, unless the
 * caller sets a limit of time in its place.
 *
 * The prices are those of the relaxed program (without integrality, with all its lines): by how much the objective
 * would fall if the constraint had a little more room. Heap memory; one thread.
 */
#ifndef STINGY_PROGRAM_H
#define STINGY_PROGRAM_H

#include "problem.h"

struct stingy_program_limits {
	double gap;     /* good enough, as in the solution; 0: only the optimum is */
	double seconds; /* 0: the search is bounded by nodes */
};

enum stingy_program_end {
	STINGY_PROGRAM_BOUNDS = 0, /* all kinds at their bounds: nothing to search for */
	STINGY_PROGRAM_OPTIMUM,    /* proven, within the gap that was asked for */
	STINGY_PROGRAM_NODES,      /* the nodes ran out */
	STINGY_PROGRAM_TIME,       /* the time ran out */
	STINGY_PROGRAM_ARITHMETIC, /* the library gave up */
};

struct stingy_solution {
	double objective;
	double gap; /* (objective - proven lower bound) / objective; 0: proven to be the best */
	enum stingy_program_end end;
	uint32_t n_nodes; /* of the search */
	uint32_t n_lines; /* of the curves of 1/n, that were added */
	/* Of the relaxed program, at least 0; NULL after STINGY_PROGRAM_BOUNDS, where nothing has a price. */
	double *stage_price; /* by stage: the objective's fall for a byte more in its cache constraint */
	double *order_price; /* by order constraint: for one instance more */
	double *max_price;   /* by kind: for one instance more than its bound */
	double layout_price; /* for a byte more in the layout constraint */
};

/*
 * Fills n[n_kinds] and the solution, which is the caller's to end. Returns 0, or -1 if not even one instance of each
 * kind is allowed; then there is nothing to end.
 */
int stingy_program_solve(const struct stingy_problem *problem, const struct stingy_program_limits *limits, uint32_t *n,
			 struct stingy_solution *solution);
void stingy_solution_fini(struct stingy_solution *solution);

/* The objective's fall if the slab had a byte more, which all cache constraints and the layout would share in. */
double stingy_solution_tau_price(const struct stingy_problem *problem, const struct stingy_solution *solution);

#endif
