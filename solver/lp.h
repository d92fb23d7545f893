/*
 * A linear program of which some columns are integer, to be minimised: lp.c is the one file that knows GLPK.
 *
 * Columns and rows are numbered from 1 in the order in which they are added; rows may be added after a solution, and
 * the next one goes on from there. One program at a time: the library's environment goes with it. Heap memory, from
 * new to free; one thread.
 */
#ifndef STINGY_LP_H
#define STINGY_LP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stingy_lp {
	void *glpk;
	int *column; /* the terms of the row to come, from 1 */
	double *value;
	size_t n_terms, column_room, value_room;
	double deadline; /* seconds of the clock; 0: none */
};

enum stingy_lp_end {
	STINGY_LP_SOLVED = 0,
	STINGY_LP_NODES,  /* they ran out */
	STINGY_LP_TIME,   /* it ran out */
	STINGY_LP_FAILED, /* there is no solution, or the library failed in its arithmetic */
};

/* How long to search, and what came of it. */
struct stingy_lp_search {
	double gap;       /* relative: good enough */
	int nodes;        /* at most; 0: any number */
	double bound;     /* proven so far: no integer solution is below; in and out */
	uint32_t n_nodes; /* out: of the search */
	bool found;       /* out: there is an integer solution, be it not the best */
};

/* seconds: what all that is solved may take together; 0: any time. */
void stingy_lp_new(struct stingy_lp *lp, double seconds);
void stingy_lp_free(struct stingy_lp *lp);

/* Adds a column, from low to high. Returns its number. */
int stingy_lp_column(struct stingy_lp *lp, bool integer, double low, double high);

/* What one of the column costs; of column 0: a constant. */
void stingy_lp_cost(struct stingy_lp *lp, int column, double cost);

/* One more term of the row to come; the row: the sum of the terms is at least, or at most, the bound. Its number. */
void stingy_lp_term(struct stingy_lp *lp, int column, double value);
int stingy_lp_at_least(struct stingy_lp *lp, double bound);
int stingy_lp_at_most(struct stingy_lp *lp, double bound);

/* Solves without integrality. */
enum stingy_lp_end stingy_lp_relax(struct stingy_lp *lp);

/* After it: the cost, a column's value, and by how much a row's or a column's bound going up by 1 raises the cost. */
double stingy_lp_relaxed_cost(const struct stingy_lp *lp);
double stingy_lp_relaxed(const struct stingy_lp *lp, int column);
double stingy_lp_row_dual(const struct stingy_lp *lp, int row);
double stingy_lp_column_dual(const struct stingy_lp *lp, int column);

/* Solves with integrality, from a relaxed solution on; then, if any was found, a column's value. */
enum stingy_lp_end stingy_lp_search(struct stingy_lp *lp, struct stingy_lp_search *search);
double stingy_lp_integer(const struct stingy_lp *lp, int column);

#endif
