/*
 * The stages: how they follow each other, and what a run of each costs.
 */
#include "graph-dot.h"
#include "page.h"
#include "report-parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256

/* What a stage spends in system calls. */
struct calls {
	uint64_t count, ns;
};

/* The drawing is a document of its own, of which a page takes the svg element. Returns 0, or -1: there is none. */
static int print_drawing(const struct stingy_graph *graph, const char *title, FILE *out)
{
	char *text = NULL;
	const char *svg;
	size_t size = 0;
	FILE *drawing = open_memstream(&text, &size);
	int result = -1;

	if (!drawing)
		return -1;
	result = stingy_graph_svg(graph, title, drawing);
	if (fclose(drawing) != 0)
		result = -1;
	svg = result == 0 && text ? strstr(text, "<svg") : NULL;
	if (svg) {
		stingy_page_picture_begin(out, 1);
		fputs(svg, out);
		stingy_page_picture_end(out);
	}
	free(text);
	return svg ? 0 : -1;
}

void stingy_report_graph(const struct stingy_report *report, FILE *out)
{
	const char *path = report->solve->places.module[report->solve->program].path;

	stingy_page_section(out, "graph", "The stage call graph");
	stingy_page_text(
		out, "How tasks go from stage to stage: solid arrows where a run of the one followed one of the other "
		     "for the same task, or was queued by it; dashed ones where the one called the other.");
	if (!report->graph->n_order)
		stingy_page_text(out, "No stages were seen.");
	else if (print_drawing(report->graph, path, out) < 0)
		stingy_page_text(out, "It could not be drawn: that takes 'dot', of the package graphviz.");
	stingy_page_section_end(out);
}

static struct calls calls_of(const struct stingy_graph *graph, uint32_t stage)
{
	struct calls sum = {.count = 0};

	for (size_t i = 0; i < graph->n_calls; i++) {
		if (graph->call[i].stage != stage)
			continue;
		sum.count += graph->call[i].count;
		sum.ns += graph->call[i].ns;
	}
	return sum;
}

/* Microseconds; nothing if it was not measured. */
static void print_time(double ns, FILE *out)
{
	if (ns > 0)
		stingy_page_figure(out, "%.1f", ns / 1000);
	else
		stingy_page_figure(out, " ");
}

/* For how many tasks the stage can be run in a row, if it has memory in the problem. */
static void print_fit(const struct stingy_account *account, uint32_t source, FILE *out)
{
	const struct stingy_problem *problem = &account->solve->model.problem;

	for (uint32_t i = 0; i < problem->n_stages; i++) {
		const struct stingy_account_stage *stage = &account->stage[i];

		if (stage->source != source || stage->tasks == STINGY_ACCOUNT_UNBOUNDED)
			continue;
		stingy_page_number(out, stage->tasks);
		stingy_page_cell(out, stage->bound_by == STINGY_NO_UNIT ? "" : problem->kind[stage->bound_by].name);
		return;
	}
	stingy_page_figure(out, "any");
	stingy_page_cell(out, "");
}

static void print_stack(const struct stingy_graph_stage *stage, FILE *out)
{
	if (stage->stack.n)
		stingy_page_number(out, stingy_spread_most(&stage->stack));
	else
		stingy_page_figure(out, " ");
}

static void print_stage(const struct stingy_graph *graph, const struct stingy_account *account, uint32_t number,
			FILE *out)
{
	const struct stingy_graph_stage *stage = &graph->stage[number];
	struct calls calls = calls_of(graph, number);
	double runs = stage->runs ? (double)stage->runs : 1;
	char name[NAME_SIZE];

	stingy_page_row_begin(out);
	stingy_page_cell(out, stingy_graph_name(graph, number, name, sizeof(name)));
	stingy_page_number(out, stage->runs);
	stingy_page_figure(out, "%.1f", (double)stage->allocations / runs);
	print_time(stage->mean_ns, out);
	print_time(stage->first_ns, out);
	print_time(stage->rest_ns, out);
	print_stack(stage, out);
	if (calls.count)
		stingy_page_figure(out, "%.1f", (double)calls.count / runs);
	else
		stingy_page_figure(out, " ");
	print_time((double)calls.ns / runs, out);
	print_fit(account, number, out);
	stingy_page_row_end(out);
}

void stingy_report_stages(const struct stingy_report *report, const struct stingy_account *account, FILE *out)
{
	static const char *const headings[] = {"stage",       "#runs",           "#allocations",  "#us a run",
					       "#the first",  "#the others",     "#stack, bytes", "#system calls",
					       "#us in them", "#tasks that fit", "bounded by",    NULL};
	const struct stingy_graph *graph = report->graph;

	stingy_page_section(out, "stages", "Stages, and what a run of each costs");
	stingy_page_text(
		out, "Figures are of one run, in the mean, but for the stack, which is the most that a run used. A run "
		     "is the first of a row if another stage ran before it. What was not recorded is left empty.");
	stingy_page_table_begin(out, headings);
	for (uint32_t i = 0; i < graph->n_order; i++)
		print_stage(graph, account, graph->order[i], out);
	stingy_page_table_end(out);
	stingy_page_section_end(out);
}
