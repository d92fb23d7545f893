/*
 * Solves a problem as a mixed integer program (GLPK; program.c is the one file that knows it).
 *
 * 1/n is convex, so each kind has a variable that lies above the straight lines between 1/j and 1/(j+1); only those
 * lines that a solution falls below are added, until none does: then the program is exact. Small problems are solved
 * to the optimum, large ones to a gap that is told. The limits are counts of nodes, never of time: the same problem
 * gives the same answer on every machine. Heap memory, freed on return; one thread.
 */
#ifndef STINGY_PROGRAM_H
#define STINGY_PROGRAM_H

#include "problem.h"

struct stingy_solution {
	double objective;
	double gap; /* (objective - proven lower bound) / objective; 0: proven to be the best */
};

/* Fills n[n_kinds]. Returns 0, or -1 if not even one instance of each kind is allowed. */
int stingy_program_solve(const struct stingy_problem *problem, uint32_t *n, struct stingy_solution *solution);

#endif
