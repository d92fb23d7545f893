/*
 * The `stingy` command: finds the subcommand and hands over to it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "commands.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{"profile", stingy_cmd_profile, "run a program and record what it allocates"},
	{"solve", stingy_cmd_solve, "compute a manifest from recorded traces"},
	{"graph", stingy_cmd_graph, "show the stages of recorded traces, and how they follow each other"},
	{"run", stingy_cmd_run, "run a program with the allocator that a manifest configures"},
	{"stat", stingy_cmd_stat, "show how the allocator is doing in running processes"},
	{"tune", stingy_cmd_tune, "profile and solve, and tell whether and how to run a server"},
	{"report", stingy_cmd_report, "write a page of HTML about a server, from its traces and statistics"},
	{"top", stingy_cmd_top, "watch how the allocator is doing in running processes"},
	{"check", stingy_cmd_check, "tell whether a manifest is good for a program on this machine"},
	{"map", stingy_cmd_map, "draw the arena that a manifest lays out"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("usage: stingy COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       stingy help [COMMAND] | --help | --version\n\n"
	      "Keeps the memory of an event-driven server's requests within the cache, without changing the "
	      "server.\n\n",
	      out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n'stingy COMMAND --help' tells the options of a command.\n", out);
}

/* Output that did not arrive is a failure, whatever the command thought of it: a full disk, a closed pipe. */
static int flush_output(int status)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return status;
	fprintf(stderr, "stingy: cannot write the output: %s\n", strerror(errno));
	return status == STINGY_EXIT_OK ? STINGY_EXIT_BAD_INPUT : status;
}

static int run_command(int argc, char **argv)
{
	static char name[] = "stingy";

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "stingy: unknown command '%s' (see 'stingy --help')\n", argv[1]);
	return STINGY_EXIT_BAD_INPUT;
}

static bool asks_for_help(const char *argument)
{
	return strcmp(argument, "help") == 0 || strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* 'help COMMAND' is 'COMMAND --help'. */
static int help_command(char **argv)
{
	static char option[] = "--help";
	char *argument[] = {argv[0], argv[2], option, NULL};

	return run_command(3, argument);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return STINGY_EXIT_BAD_INPUT;
	}
	if (argc > 2 && strcmp(argv[1], "help") == 0)
		return flush_output(help_command(argv));
	if (asks_for_help(argv[1])) {
		print_help(stdout);
		return flush_output(STINGY_EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("stingy " PACKAGE_VERSION);
		return flush_output(STINGY_EXIT_OK);
	}
	return flush_output(run_command(argc, argv));
}
