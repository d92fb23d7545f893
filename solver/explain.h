/*
 * What `stingy solve` tells the user: what was not used of the traces, a summary of a few lines, and, when asked to be
 * verbose, the class of each call chain, the constraints, and the solution. Errors are the stream's.
 */
#ifndef STINGY_EXPLAIN_H
#define STINGY_EXPLAIN_H

#include "solve.h"

/* solve: after a run that succeeded. */
void stingy_explain(const struct stingy_solve *solve, bool verbose, FILE *out);

#endif
