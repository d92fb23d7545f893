#include "graph-text.h"

#include "call-names.h"
#include "clean.h"

#include <inttypes.h>

#define NAME_SIZE 256u
#define CLUSTERS  4u  /* of a stage, that are shown */
#define US        1e3 /* nanoseconds */

static const char *count_noun(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

static void print_head(const struct stingy_graph *graph, const char *title, FILE *out)
{
	char name[NAME_SIZE];

	stingy_clean_print(out, title);
	fprintf(out, ": %" PRIu32 " %s, %" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s while serving\n", graph->n_order,
		count_noun(graph->n_order, "stage", "stages"), graph->tasks, count_noun(graph->tasks, "task", "tasks"),
		graph->runs, count_noun(graph->runs, "run", "runs"), graph->allocations,
		count_noun(graph->allocations, "allocation", "allocations"));
	if (graph->requests)
		fprintf(out, "requests on connections: %" PRIu64 "\n", graph->requests);
	for (size_t i = 0; i < graph->n_schedulers; i++) {
		const struct stingy_graph_scheduler *scheduler = &graph->scheduler[i];

		fprintf(out, "scheduler: %s, which waited %" PRIu64 " %s",
			stingy_graph_scheduler_name(graph, scheduler, name, sizeof(name)), scheduler->waits,
			count_noun(scheduler->waits, "time", "times"));
		if (scheduler->depth)
			fprintf(out, ", %" PRIu64 " bytes down its stack", scheduler->depth);
		fputc('\n', out);
	}
}

/* Microseconds; a dash where nothing was measured. */
static void print_us(double ns, int width, FILE *out)
{
	if (ns > 0)
		fprintf(out, " %*.1f", width, ns / US);
	else
		fprintf(out, " %*s", width, "-");
}

static double per(uint64_t n, uint64_t runs)
{
	return runs ? (double)n / (double)runs : 0;
}

/* What a run of the stage used of the stack at most; what others used in the same turn too, if it never ran alone. */
static void print_stack(const struct stingy_graph_stage *stage, FILE *out)
{
	char text[24];

	if (stage->stack.n)
		snprintf(text, sizeof(text), "%" PRIu64, stingy_spread_most(&stage->stack));
	else if (stage->shared.n)
		snprintf(text, sizeof(text), "<=%" PRIu64, stingy_spread_most(&stage->shared));
	else
		snprintf(text, sizeof(text), "-");
	fprintf(out, " %8s", text);
}

static void print_stages(const struct stingy_graph *graph, FILE *out)
{
	char name[NAME_SIZE];

	fprintf(out, "\n%3s %9s %8s %8s %8s %8s %4s %9s %9s %8s %5s  %s\n", "#", "runs", "us/run", "first", "rest",
		"w_s", "nf", "alloc/run", "free/run", "sc", "cycle", "stage");
	for (uint32_t i = 0; i < graph->n_order; i++) {
		const struct stingy_graph_stage *stage = &graph->stage[graph->order[i]];

		fprintf(out, "%3" PRIu32 " %9" PRIu64, stage->number, stage->runs);
		print_us(stage->mean_ns, 8, out);
		print_us(stage->first_ns, 8, out);
		print_us(stage->rest_ns, 8, out);
		print_us(stage->weight_ns, 8, out);
		fprintf(out, " %4" PRIu32 " %9.2f %9.2f", stage->n_functions, per(stage->allocations, stage->runs),
			per(stage->releases, stage->runs));
		print_stack(stage, out);
		if (stage->cycle)
			fprintf(out, " %5" PRIu32, stage->cycle);
		else
			fprintf(out, " %5s", "-");
		fprintf(out, "  %s\n", stingy_graph_name(graph, graph->order[i], name, sizeof(name)));
	}
}

static void print_end(const struct stingy_graph *graph, uint32_t stage, FILE *out)
{
	char name[NAME_SIZE];

	stingy_graph_name(graph, stage, name, sizeof(name));
	if (stage == STINGY_GRAPH_SCHEDULER)
		fputs(name, out);
	else
		fprintf(out, "%" PRIu32 " %s", graph->stage[stage].number, name);
}

static void print_edge(const struct stingy_graph *graph, const struct stingy_graph_edge *edge, uint64_t count,
		       FILE *out)
{
	fprintf(out, "%13" PRIu64 "  ", count);
	print_end(graph, edge->from, out);
	fputs(" -> ", out);
	print_end(graph, edge->to, out);
	if (edge->from == STINGY_GRAPH_SCHEDULER)
		fputs(" (tasks begin)", out);
	else if (edge->queued && count == edge->followed)
		fprintf(out, " (queued %" PRIu64 " %s)", edge->queued, count_noun(edge->queued, "time", "times"));
	fputc('\n', out);
}

static void print_edges(const struct stingy_graph *graph, FILE *out)
{
	bool any = false;

	fputs("\nevent edges: runs that followed a run of another stage for the same task\n", out);
	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edge[i].followed || graph->edge[i].queued)
			print_edge(graph, &graph->edge[i], graph->edge[i].followed, out);
	for (size_t i = 0; i < graph->n_edges; i++) {
		if (!graph->edge[i].called)
			continue;
		if (!any)
			fputs("\ncall edges: runs in which a stage called the function of another\n", out);
		any = true;
		print_edge(graph, &graph->edge[i], graph->edge[i].called, out);
	}
}

static void print_clusters(const struct stingy_spread *stack, FILE *out)
{
	struct stingy_spread_cluster cluster[CLUSTERS];
	size_t all = stingy_spread_clusters(stack, cluster, CLUSTERS), n = all < CLUSTERS ? all : CLUSTERS;

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%" PRIu64 " (%.0f%%)", i ? ", " : "", cluster[i].mean,
			100 * per(cluster[i].count, stack->count));
	if (all > n)
		fprintf(out, ", and %zu more", all - n);
}

static void print_stacks(const struct stingy_graph *graph, FILE *out)
{
	char name[NAME_SIZE];
	bool any = false;

	for (uint32_t i = 0; i < graph->n_order; i++) {
		const struct stingy_spread *stack = &graph->stage[graph->order[i]].stack;

		if (!stack->n)
			continue;
		if (!any)
			fputs("\nstack: bytes below the scheduler, in turns measured; around what they cluster\n", out);
		any = true;
		fprintf(out, "%3" PRIu32 " %9" PRIu64 "  %s: at most %" PRIu64 "; ",
			graph->stage[graph->order[i]].number, stack->count,
			stingy_graph_name(graph, graph->order[i], name, sizeof(name)), stingy_spread_most(stack));
		print_clusters(stack, out);
		fputc('\n', out);
	}
}

static void print_call(const struct stingy_graph *graph, const struct stingy_graph_call *call, FILE *out)
{
	const struct stingy_graph_stage *stage = &graph->stage[call->stage];
	char name[NAME_SIZE], call_name[32];

	fprintf(out, "%3" PRIu32 " %9" PRIu64 " %8.2f", stage->number, call->count, per(call->count, stage->runs));
	print_us(per(call->ns, call->count), 8, out);
	print_us((double)call->longest_ns, 10, out);
	if (call->measured)
		fprintf(out, " %8.1f %8" PRIu64 " %8" PRIu64, per(call->blocked_ns, call->measured) / US, call->faults,
			call->switches);
	else
		fprintf(out, " %8s %8s %8s", "-", "-", "-");
	fprintf(out, "  %s: %s\n", stingy_graph_name(graph, call->stage, name, sizeof(name)),
		stingy_call_name(call->number, call_name, sizeof(call_name)));
}

void stingy_graph_text_calls(const struct stingy_graph *graph, FILE *out)
{
	fprintf(out, "%3s %9s %8s %8s %10s %8s %8s %8s  %s\n", "#", "calls", "per run", "us each", "longest", "blocked",
		"faults", "switches", "stage: system call");
	for (size_t i = 0; i < graph->n_calls; i++)
		print_call(graph, &graph->call[i], out);
}

void stingy_graph_text(const struct stingy_graph *graph, const char *title, FILE *out)
{
	print_head(graph, title, out);
	print_stages(graph, out);
	print_edges(graph, out);
	print_stacks(graph, out);
	if (!graph->n_calls)
		return;
	fputc('\n', out);
	stingy_graph_text_calls(graph, out);
}
