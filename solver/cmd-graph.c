/*
 * `stingy graph`: the stages of a program and how they follow each other, as text, for Graphviz or drawn by it.
 */
#include "clean.h"
#include "commands.h"
#include "graph-dot.h"
#include "graph-text.h"
#include "interfaces.h"
#include "output.h"
#include "solve.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_CALLS = 256, OPTION_INTERFACE };

enum format { FORMAT_NONE, FORMAT_TEXT, FORMAT_DOT, FORMAT_SVG };

static const char *const format_names[] = {[FORMAT_TEXT] = "text", [FORMAT_DOT] = "dot", [FORMAT_SVG] = "svg"};

struct command {
	const char *output; /* NULL: stdout */
	enum format format;
	bool calls_only;
	struct stingy_solve_options options;
	struct stingy_declarations interface; /* of the options, if any file was named */
};

static const char help[] =
	"usage: stingy graph [OPTION]... TRACE...\n\n"
	"Shows the stages of a program and how its tasks go from one to the next, from the traces that\n"
	"'stingy profile' recorded.\n\n"
	"  -o, --output FILE    where it goes; '-', the default, is stdout\n"
	"  -f, --format FORMAT  text, dot (for Graphviz) or svg (drawn by Graphviz); default: by the name of FILE,\n"
	"                       else text\n"
	"      --interface FILE what FILE declares, in the place of what was declared to the profile: scheduler,\n"
	"                       stages, wrappers; may be given again\n"
	"      --calls          only the system calls that each stage makes, as text\n"
	"  -h, --help           print this and exit\n\n"
	"Exit status: 0 if there is a graph, 2 if not.\n";

static int parse_format(const char *text, enum format *format)
{
	for (enum format i = FORMAT_TEXT; i <= FORMAT_SVG; i++)
		if (strcmp(text, format_names[i]) == 0) {
			*format = i;
			return 0;
		}
	fprintf(stderr, "stingy: --format '%s': is not text, dot or svg\n", text);
	return -1;
}

/* By what comes after the last dot of the name; what it does not tell is text. */
static enum format guess_format(const char *path)
{
	const char *dot = path ? strrchr(path, '.') : NULL;

	for (enum format i = FORMAT_DOT; dot && i <= FORMAT_SVG; i++)
		if (strcmp(dot + 1, format_names[i]) == 0)
			return i;
	return FORMAT_TEXT;
}

static void name_input(const struct stingy_input *input)
{
	fputs("stingy: '", stderr);
	stingy_clean_print(stderr, input->path);
	fputs("': ", stderr);
}

/* What of the input is not in the graph. */
static void tell_missing(const struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		if (!stingy_solve_uses(solve, input)) {
			name_input(input);
			fputs("not used: it is of another program\n", stderr);
		} else if (input->damage) {
			name_input(input);
			fprintf(stderr, "cut off at byte %zu: used what is before it (%s)\n", input->damaged_at,
				input->damage);
		}
	}
}

static int print(const struct command *command, const struct stingy_graph *graph, const char *title, FILE *out)
{
	if (command->calls_only)
		stingy_graph_text_calls(graph, out);
	else if (command->format == FORMAT_SVG)
		return stingy_graph_svg(graph, title, out);
	else if (command->format == FORMAT_DOT)
		stingy_graph_dot(graph, title, out);
	else
		stingy_graph_text(graph, title, out);
	return 0;
}

static int write_graph(const struct command *command, struct stingy_solve *solve)
{
	const char *title = solve->places.module[solve->program].path;
	struct stingy_graph graph;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	if (!out) {
		fprintf(stderr, "stingy: cannot make the graph: %s\n", strerror(errno));
		return -1;
	}
	stingy_solve_graph(solve, &graph);
	result = print(command, &graph, title, out);
	stingy_graph_fini(&graph);
	if (fclose(out) != 0 && result == 0) {
		fprintf(stderr, "stingy: cannot make the graph: %s\n", strerror(errno));
		result = -1;
	}
	if (result == 0)
		result = stingy_output_put(command->output, text, size);
	free(text);
	return result;
}

static int run(const struct command *command, char **paths, int n_paths)
{
	struct stingy_solve solve;
	int result;

	stingy_solve_init(&solve, &command->options);
	result = stingy_solve_survey(&solve, (const char *const *)paths, (uint32_t)n_paths);
	if (result < 0) {
		fprintf(stderr, "stingy: %s\n", solve.error);
	} else {
		tell_missing(&solve);
		result = write_graph(command, &solve);
	}
	stingy_solve_fini(&solve);
	return result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
}

/* Returns 0, or -1 after saying why. */
static int take_option(struct command *command, int option)
{
	switch (option) {
	case 'o':
		command->output = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return 0;
	case 'f':
		return parse_format(optarg, &command->format);
	case OPTION_INTERFACE:
		command->options.interface = &command->interface;
		return stingy_interfaces_read(&command->interface, optarg);
	case OPTION_CALLS:
		command->calls_only = true;
		return 0;
	default:
		return -1;
	}
}

/* Returns 1 to go on, 0 if all is done, -1 on an error that was told. */
static int parse(struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"format", required_argument, NULL, 'f'},
		{"interface", required_argument, NULL, OPTION_INTERFACE},
		{"calls", no_argument, NULL, OPTION_CALLS},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "o:f:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (take_option(command, option) < 0)
			return -1;
	}
	if (optind == argc) {
		fputs("stingy: graph needs a trace (see 'stingy graph --help')\n", stderr);
		return -1;
	}
	if (command->format == FORMAT_NONE)
		command->format = guess_format(command->output);
	return 1;
}

int stingy_cmd_graph(int argc, char **argv)
{
	struct command command = {.format = FORMAT_NONE};
	int result = parse(&command, argc, argv);

	if (result > 0)
		result = run(&command, argv + optind, argc - optind);
	else
		result = result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
	stingy_declarations_fini(&command.interface);
	return result;
}
