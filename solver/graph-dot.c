#define _GNU_SOURCE /* pipe2, and the rest of POSIX */
#include "graph-dot.h"

#include "clean.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_SIZE    256u
#define CYCLE_FILL   "#fff3d6"
#define STAGE_FILL   "#eef3fa"
#define SCHEDULER    "scheduler"
#define COPY_AT_ONCE 4096u

extern char **environ;

/* Within the quotes of a string of the language. */
static void print_quoted(const char *text, FILE *out)
{
	char before = 0;

	for (; *text; before = *text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(stingy_clean_byte(before, text), out);
	}
}

static void print_scheduler(const struct stingy_graph *graph, FILE *out)
{
	char name[NAME_SIZE];

	fputs("\t" SCHEDULER " [shape=ellipse, label=\"scheduler", out);
	for (size_t i = 0; i < graph->n_schedulers; i++) {
		fputs("\\n", out);
		print_quoted(stingy_graph_scheduler_name(graph, &graph->scheduler[i], name, sizeof(name)), out);
		fprintf(out, ": %" PRIu64 " waits", graph->scheduler[i].waits);
	}
	fputs("\"];\n", out);
}

static void print_stage(const struct stingy_graph *graph, uint32_t number, FILE *out)
{
	const struct stingy_graph_stage *stage = &graph->stage[number];
	char name[NAME_SIZE];

	fprintf(out, "\ts%" PRIu32 " [label=\"", stage->number);
	print_quoted(stingy_graph_name(graph, number, name, sizeof(name)), out);
	fprintf(out, "\\nnf %" PRIu32, stage->n_functions);
	if (stage->stack.n)
		fprintf(out, ", sc %" PRIu64, stingy_spread_most(&stage->stack));
	else if (stage->shared.n)
		fprintf(out, ", sc <= %" PRIu64, stingy_spread_most(&stage->shared));
	fprintf(out, "\\n%" PRIu64 " runs", stage->runs);
	if (stage->mean_ns > 0)
		fprintf(out, ", %.1f us", stage->mean_ns / 1e3);
	if (stage->cycle)
		fprintf(out, "\\ncycle %" PRIu32, stage->cycle);
	fprintf(out, "\", fillcolor=\"%s\"];\n", stage->cycle ? CYCLE_FILL : STAGE_FILL);
}

static void print_ends(const struct stingy_graph *graph, const struct stingy_graph_edge *edge, FILE *out)
{
	if (edge->from == STINGY_GRAPH_SCHEDULER)
		fputs("\t" SCHEDULER, out);
	else
		fprintf(out, "\ts%" PRIu32, graph->stage[edge->from].number);
	fprintf(out, " -> s%" PRIu32, graph->stage[edge->to].number);
}

static void print_edge(const struct stingy_graph *graph, const struct stingy_graph_edge *edge, FILE *out)
{
	if (edge->followed || edge->queued) {
		print_ends(graph, edge, out);
		fprintf(out, " [label=\"%" PRIu64, edge->followed);
		if (edge->queued)
			fprintf(out, "\\nqueued %" PRIu64, edge->queued);
		fputs(edge->from == STINGY_GRAPH_SCHEDULER ? "\", style=bold];\n" : "\"];\n", out);
	}
	if (edge->called) {
		print_ends(graph, edge, out);
		fprintf(out, " [label=\"%" PRIu64 "\", style=dashed, arrowhead=open];\n", edge->called);
	}
}

void stingy_graph_dot(const struct stingy_graph *graph, const char *title, FILE *out)
{
	fputs("digraph stages {\n\tlabel=\"", out);
	print_quoted(title, out);
	fprintf(out, ": %" PRIu64 " tasks, ", graph->tasks);
	if (graph->requests)
		fprintf(out, "%" PRIu64 " requests, ", graph->requests);
	fprintf(out, "%" PRIu64 " runs\";\n", graph->runs);
	fputs("\tlabelloc=t;\n"
	      "\tnode [shape=box, style=filled, fillcolor=white, fontname=\"Helvetica\", fontsize=10];\n"
	      "\tedge [fontname=\"Helvetica\", fontsize=9];\n",
	      out);
	print_scheduler(graph, out);
	for (uint32_t i = 0; i < graph->n_order; i++)
		print_stage(graph, graph->order[i], out);
	for (size_t i = 0; i < graph->n_edges; i++)
		print_edge(graph, &graph->edge[i], out);
	fputs("}\n", out);
}

static int complain(const char *what)
{
	fprintf(stderr, "stingy: cannot draw the graph: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Runs 'dot' from one file into the other. */
static int draw(int from, int to)
{
	static char program[] = "dot", format[] = "-Tsvg";
	char *arguments[] = {program, format, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	errno = posix_spawnp(&pid, program, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno)
		return complain("'dot', of the package graphviz");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return complain("'dot'");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fputs("stingy: cannot draw the graph: 'dot' failed\n", stderr);
	return -1;
}

static void copy(FILE *from, FILE *to)
{
	char buffer[COPY_AT_ONCE];
	size_t n;

	rewind(from);
	while ((n = fread(buffer, 1, sizeof(buffer), from)) > 0)
		fwrite(buffer, 1, n, to);
}

int stingy_graph_svg(const struct stingy_graph *graph, const char *title, FILE *out)
{
	FILE *text = tmpfile(), *picture = tmpfile();
	int result = -1;

	if (text && picture) {
		stingy_graph_dot(graph, title, text);
		if (fflush(text) == 0 && !ferror(text) && fseek(text, 0, SEEK_SET) == 0)
			result = draw(fileno(text), fileno(picture));
		else
			complain("a temporary file");
		if (result == 0)
			copy(picture, out);
	} else {
		complain("a temporary file");
	}
	if (text)
		fclose(text);
	if (picture)
		fclose(picture);
	return result;
}
