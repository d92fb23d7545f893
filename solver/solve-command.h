/*
 * The options of `stingy solve`, read and checked; and its help. For cmd-solve.c.
 */
#ifndef STINGY_SOLVE_COMMAND_H
#define STINGY_SOLVE_COMMAND_H

#include "declarations.h"
#include "rebase.h"
#include "solve.h"

#define STINGY_SOLVE_FROM_MAX 64u

struct stingy_solve_command {
	struct stingy_solve_options options;  /* its choices are to be ended */
	struct stingy_declarations interface; /* of the options, if any file was named; to be ended */
	const char *output;                   /* NULL: stdout */
	const char *json;                     /* NULL: none; "-": stdout */
	unsigned level; /* of this machine's caches, by its name; 0: another cache, or none was named */
	bool has_share;
	bool explain;
	bool verbose;
	struct stingy_rebase rebase; /* manifest NULL: it is traces that are solved */
	const char *from[STINGY_SOLVE_FROM_MAX];
};

/*
 * Fills in the command; what is left of argv, from optind on, are traces. Returns 1 to go on, 0 if all is done, -1 on
 * an error that was reported.
 */
int stingy_solve_command_parse(struct stingy_solve_command *command, int argc, char **argv);

#endif
