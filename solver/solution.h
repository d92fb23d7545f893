/*
 * What the integer program (program.h) tells of the solution of a problem, apart from the counts themselves.
 *
 * The prices are those of the relaxed program (without integrality, with all its lines): by how much the objective
 * would fall if the constraint had a little more room. Heap memory, freed by fini.
 */
#ifndef STINGY_SOLUTION_H
#define STINGY_SOLUTION_H

#include "problem.h"

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

void stingy_solution_fini(struct stingy_solution *solution);

/* The objective's fall if the slab had a byte more, which all cache constraints and the layout would share in. */
double stingy_solution_tau_price(const struct stingy_problem *problem, const struct stingy_solution *solution);

#endif
