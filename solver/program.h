/*
 * Solves a problem as a mixed integer program (lp.h).
 *
 * 1/n is convex, so each kind has a variable that lies above the straight lines between 1/j and 1/(j+1); only those
 * lines that a solution falls below are added, until none does: then the program is exact. The answer is the optimum,
 * or within the gap that was asked for, unless the nodes of the search run out; how far it may be from the optimum is
 * reported in any case. The limit is a count of nodes: the same problem gives the same answer on every machine, unless
 * the caller sets a limit of time in its place.
 *
 * Heap memory, freed on return but for what the solution holds; one thread.
 */
#ifndef STINGY_PROGRAM_H
#define STINGY_PROGRAM_H

#include "solution.h"

struct stingy_program_limits {
	double gap;     /* good enough, as in the solution; 0: only the optimum is */
	double seconds; /* 0: the search is bounded by nodes */
};

/*
 * Fills n[n_kinds] and the solution, which is the caller's to end. Returns 0, or -1 if not even one instance of each
 * kind is allowed; then there is nothing to end.
 */
int stingy_program_solve(const struct stingy_problem *problem, const struct stingy_program_limits *limits, uint32_t *n,
			 struct stingy_solution *solution);

#endif
