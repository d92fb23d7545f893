/*
 * stingy report: a page of HTML about a server, from its traces and its live statistics.
 */
#include "commands.h"
#include "compose.h"
#include "manifest-file.h"
#include "output.h"
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_STAT = 256 };

static const char help[] =
	"usage: stingy report [OPTION]... TRACE...\n\n"
	"Writes a page of HTML about the server that 'stingy profile' recorded: is Stingy worth it there, what limits\n"
	"it, the stages and what they cost, the arena's map, what is allocated where, what the solver decided and "
	"why.\n"
	"\n"
	"  -o, --output FILE        where the page goes; '-', the default, is stdout\n"
	"  -m, --manifest MANIFEST  draw this one; default: what 'stingy solve' makes of the traces\n"
	"      --stat FILE          what 'stingy stat --json' printed in production: shows what was served there\n"
	"  -h, --help               print this and exit\n";

struct command {
	const char *output; /* NULL: stdout */
	const char *manifest;
	const char *stat;
};

/* Prints the page into memory, so that a file is written whole or not at all. Returns 0 or -1. */
static int write_page(const struct command *command, const struct stingy_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result = -1;

	if (out) {
		stingy_report_print(report, out);
		if (fclose(out) == 0)
			result = stingy_output_put(command->output, text, size);
		else
			fprintf(stderr, "stingy: cannot make the page: %s\n", strerror(errno));
	}
	free(text);
	return result;
}

/* With the manifest that the user names, or that of the traces. */
static int report_manifest(const struct command *command, struct stingy_report *report)
{
	struct stingy_mapped_file file;
	int result = -1;

	if (command->manifest) {
		if (stingy_manifest_file_init(&file, command->manifest) < 0)
			return -1;
		report->manifest = file.data;
		report->manifest_size = file.size;
		report->manifest_name = command->manifest;
		result = write_page(command, report);
		stingy_mapped_file_fini(&file);
	} else {
		char *text = stingy_compose(report->solve, &report->manifest_size);

		report->manifest = text;
		if (text)
			result = write_page(command, report);
		free(text);
	}
	return result;
}

/* Of a solve that succeeded. */
static int report(const struct command *command, struct stingy_solve *solve, const struct stingy_live_json *live)
{
	struct stingy_report what = {.solve = solve, .live = command->stat ? live : NULL};
	struct stingy_graph graph;
	int result;

	stingy_solve_graph(solve, &graph);
	what.graph = &graph;
	result = report_manifest(command, &what);
	stingy_graph_fini(&graph);
	return result;
}

/* Nothing if the user names none. Returns 0, or -1 after a line on stderr. */
static int read_live(const struct command *command, struct stingy_live_json *live)
{
	memset(live, 0, sizeof(*live));
	if (!command->stat || stingy_live_json_init(live, command->stat) == 0)
		return 0;
	fprintf(stderr, "stingy: cannot read '%s': %s\n", command->stat, live->error);
	return -1;
}

static int run(const struct command *command, char **paths, int n_paths)
{
	struct stingy_solve_options options;
	struct stingy_live_json live;
	struct stingy_solve solve;
	int result = read_live(command, &live);

	stingy_solve_defaults(&options);
	stingy_solve_init(&solve, &options);
	if (result == 0) {
		result = stingy_solve_run(&solve, (const char *const *)paths, (uint32_t)n_paths);
		if (result < 0)
			fprintf(stderr, "stingy: %s\n", solve.error);
		else
			result = report(command, &solve, &live);
	}
	stingy_solve_fini(&solve);
	stingy_live_json_fini(&live);
	return result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
}

int stingy_cmd_report(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"manifest", required_argument, NULL, 'm'},
		{"stat", required_argument, NULL, OPTION_STAT},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct command command = {.output = NULL};
	int option;

	while ((option = getopt_long(argc, argv, "o:m:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (option == '?')
			return STINGY_EXIT_BAD_INPUT;
		if (option == 'o')
			command.output = strcmp(optarg, "-") == 0 ? NULL : optarg;
		else if (option == 'm')
			command.manifest = optarg;
		else
			command.stat = optarg;
	}
	if (optind < argc)
		return run(&command, argv + optind, argc - optind);
	fputs("stingy: report of which trace? (see 'stingy report --help')\n", stderr);
	return STINGY_EXIT_BAD_INPUT;
}
