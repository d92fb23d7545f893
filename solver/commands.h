/*
 * The commands a user types: one function each, in a file of its own (cmd-NAME.c), called by main (stingy.c).
 *
 * argv holds the command's own arguments after argv[0], which is "stingy", so that getopt_long's complaints carry
 * the right name. A command reports what went wrong itself, in one line on stderr, and returns the exit status;
 * only main exits. 'profile' and 'run' return only if the program could not be started: otherwise the process has
 * become that program, and its exit status and signals are the program's own.
 */
#ifndef STINGY_COMMANDS_H
#define STINGY_COMMANDS_H

enum stingy_exit {
	STINGY_EXIT_OK = 0,
	STINGY_EXIT_NO = 1,           /* the answer is negative: not good, not running under Stingy */
	STINGY_EXIT_BAD_INPUT = 2,    /* usage, or an input that cannot be read or understood */
	STINGY_EXIT_CANNOT_RUN = 126, /* as the shell has it: the program was found, but not started */
	STINGY_EXIT_NOT_FOUND = 127,  /* as the shell has it: there is no such program */
};

int stingy_cmd_profile(int argc, char **argv);
int stingy_cmd_solve(int argc, char **argv);
int stingy_cmd_run(int argc, char **argv);
int stingy_cmd_stat(int argc, char **argv);
int stingy_cmd_report(int argc, char **argv);
int stingy_cmd_tune(int argc, char **argv);
int stingy_cmd_top(int argc, char **argv);
int stingy_cmd_check(int argc, char **argv);
int stingy_cmd_map(int argc, char **argv);
int stingy_cmd_graph(int argc, char **argv);

#endif
