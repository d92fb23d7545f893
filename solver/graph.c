#define _GNU_SOURCE /* qsort_r, basename */
#include "graph.h"

#include "clean.h"
#include "graph-schedulers.h"
#include "hash.h"
#include "memory.h"
#include "scc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_RUNS 16u /* of either sort, for the difference of their means to tell anything */

/* Where in its array the entry of a pair of numbers is. */
struct stingy_graph_index {
	uint64_t key;
	size_t at;
	uint64_t last_run; /* of an edge: the last run for which a call was counted */
	UT_hash_handle hh;
};

void stingy_graph_init(struct stingy_graph *graph, const struct stingy_stages *stages,
		       const struct stingy_places *places, const struct stingy_chains *chains)
{
	*graph = (struct stingy_graph){.stages = stages, .places = places, .n_stages = stages->n_stages};
	graph->stage = stingy_memory_new(stages->n_stages, sizeof(*graph->stage));
	stingy_graph_chains_init(&graph->chains, stages, places, chains);
}

static void free_index(struct stingy_graph_index **all)
{
	struct stingy_graph_index *entry, *next;

	HASH_ITER(hh, *all, entry, next)
	{
		HASH_DEL(*all, entry);
		free(entry);
	}
}

void stingy_graph_fini(struct stingy_graph *graph)
{
	for (uint32_t i = 0; i < graph->n_stages; i++) {
		stingy_spread_fini(&graph->stage[i].stack);
		stingy_spread_fini(&graph->stage[i].shared);
	}
	free_index(&graph->edges);
	free_index(&graph->calls);
	stingy_graph_schedulers_fini(graph);
	if (graph->n_stages)
		stingy_graph_chains_fini(&graph->chains);
	free(graph->stage);
	free(graph->order);
	free(graph->edge);
	free(graph->call);
	free(graph->scheduler);
	memset(graph, 0, sizeof(*graph));
}

/* The entry of the key; *count is the number of entries, and grows if it is new. */
static struct stingy_graph_index *get_index(struct stingy_graph_index **all, uint64_t key, size_t *count)
{
	struct stingy_graph_index *entry;

	HASH_FIND(hh, *all, &key, sizeof(key), entry);
	if (entry)
		return entry;
	entry = stingy_memory_new(1, sizeof(*entry));
	entry->key = key;
	entry->at = (*count)++;
	HASH_ADD(hh, *all, key, sizeof(entry->key), entry);
	return entry;
}

static struct stingy_graph_edge *get_edge(struct stingy_graph *graph, uint32_t from, uint32_t to,
					  struct stingy_graph_index **index)
{
	size_t n = graph->n_edges;
	struct stingy_graph_index *entry = get_index(&graph->edges, (uint64_t)from << 32 | to, &graph->n_edges);

	if (entry->at == n) {
		STINGY_GROW(graph->edge, &graph->edge_room, n + 1);
		graph->edge[n] = (struct stingy_graph_edge){.from = from, .to = to};
	}
	if (index)
		*index = entry;
	return &graph->edge[entry->at];
}

static uint32_t stage_of(const struct stingy_run *run)
{
	return run->stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : run->stage;
}

/* Which stage the task was in before the run; the scheduler, if it began with it; NULL's: nothing is known. */
static void note_predecessor(struct stingy_graph *graph, const struct stingy_run *run)
{
	const struct stingy_task *task = run->task;
	uint32_t from = STINGY_GRAPH_SCHEDULER;

	if (!task || task->n_runs - run->number >= STINGY_TASK_HISTORY)
		return;
	if (run->number)
		from = task->history[(run->number - 1) % STINGY_TASK_HISTORY];
	get_edge(graph, from, stage_of(run), NULL)->followed++;
}

void stingy_graph_run(struct stingy_graph *graph, const struct stingy_run *run)
{
	struct stingy_graph_stage *stage = &graph->stage[stage_of(run)];

	if (run->is_idle)
		return;
	stage->runs++;
	stage->task_runs += run->task != NULL;
	stage->allocations += run->n_begun;
	stage->releases += run->n_ended;
	note_predecessor(graph, run);
}

void stingy_graph_chain(struct stingy_graph *graph, const struct stingy_run *run, uint32_t chain)
{
	const struct stingy_graph_below *below;

	if (stage_of(run) == STINGY_STAGE_OTHER)
		return;
	below = stingy_graph_chains_look(&graph->chains, run->stage, chain);
	for (uint32_t i = 0; i < below->n_called; i++) {
		struct stingy_graph_index *index;
		struct stingy_graph_edge *edge = get_edge(graph, run->stage, below->called[i], &index);

		edge->called += index->last_run != run->serial;
		index->last_run = run->serial;
	}
}

void stingy_graph_called(struct stingy_graph *graph, uint32_t stage, const struct stingy_trace_call *call)
{
	size_t n = graph->n_calls;
	size_t at = get_index(&graph->calls, (uint64_t)stage << 32 | call->number, &graph->n_calls)->at;
	struct stingy_graph_call *sum;

	if (at == n) {
		STINGY_GROW(graph->call, &graph->call_room, n + 1);
		graph->call[n] = (struct stingy_graph_call){.stage = stage, .number = call->number};
	}
	sum = &graph->call[at];
	sum->count++;
	sum->ns += call->took;
	if (call->took > sum->longest_ns)
		sum->longest_ns = call->took;
	if (call->blocked == UINT64_MAX)
		return;
	sum->measured++;
	sum->blocked_ns += call->blocked;
	sum->faults += call->faults;
	sum->switches += call->switches;
}

void stingy_graph_queued(struct stingy_graph *graph, uint32_t from, uint32_t to)
{
	get_edge(graph, from, to, NULL)->queued++;
}

void stingy_graph_used_stack(struct stingy_graph *graph, uint32_t stage, uint64_t bytes, bool alone)
{
	stingy_spread_add(alone ? &graph->stage[stage].stack : &graph->stage[stage].shared, bytes);
}

static double mean(uint64_t sum, uint64_t n)
{
	return n ? (double)sum / (double)n : 0;
}

static void take_stage(struct stingy_graph_stage *stage, const struct stingy_census_stage *from)
{
	stage->first_ns = mean(from->first_ns, from->firsts);
	stage->rest_ns = mean(from->rest_ns, from->rests);
	stage->mean_ns = mean(from->first_ns + from->rest_ns, from->firsts + from->rests);
	if (from->firsts >= TIMED_RUNS && from->rests >= TIMED_RUNS && stage->first_ns > stage->rest_ns)
		stage->weight_ns = stage->first_ns - stage->rest_ns;
}

static void mark_parts(struct stingy_graph *graph, bool *is_part)
{
	for (uint32_t i = 0; i < graph->n_stages; i++)
		is_part[i] = graph->stage[i].runs > 0;
	for (size_t i = 0; i < graph->n_edges; i++) {
		is_part[graph->edge[i].to] = true;
		if (graph->edge[i].from != STINGY_GRAPH_SCHEDULER)
			is_part[graph->edge[i].from] = true;
	}
}

static int by_runs(const void *a, const void *b, void *data)
{
	const struct stingy_graph *graph = data;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	uint64_t x = graph->stage[i].runs, y = graph->stage[j].runs;

	return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

/* By runs, which go before the order of the functions in their files. */
static void number_stages(struct stingy_graph *graph)
{
	uint32_t *sorted = stingy_stages_sort(graph->stages, graph->places);
	bool *is_part = stingy_memory_new(graph->n_stages, sizeof(*is_part));

	mark_parts(graph, is_part);
	graph->order = stingy_memory_new(graph->n_stages, sizeof(*graph->order));
	for (uint32_t i = 0; i < graph->n_stages; i++)
		if (is_part[sorted[i]])
			graph->order[graph->n_order++] = sorted[i];
	free(is_part);
	free(sorted);
	qsort_r(graph->order, graph->n_order, sizeof(*graph->order), by_runs, graph);
	for (uint32_t i = 0; i < graph->n_order; i++)
		graph->stage[graph->order[i]].number = i + 1;
}

static uint32_t number_of(const struct stingy_graph *graph, uint32_t stage)
{
	return stage == STINGY_GRAPH_SCHEDULER ? 0 : graph->stage[stage].number;
}

static int by_ends(const void *a, const void *b, void *data)
{
	const struct stingy_graph_edge *x = a, *y = b;
	uint32_t i = number_of(data, x->from), j = number_of(data, y->from);

	if (i == j) {
		i = number_of(data, x->to);
		j = number_of(data, y->to);
	}
	return (i > j) - (i < j);
}

static int by_time(const void *a, const void *b, void *data)
{
	const struct stingy_graph_call *x = a, *y = b;
	uint32_t i = number_of(data, x->stage), j = number_of(data, y->stage);

	if (i != j)
		return (i > j) - (i < j);
	if (x->ns != y->ns)
		return (x->ns < y->ns) - (x->ns > y->ns);
	return (x->number > y->number) - (x->number < y->number);
}

/* From 1, in the order of the stages. */
static void number_cycles(struct stingy_graph *graph, const uint32_t *component, const bool *in_cycle)
{
	uint32_t *cycle = stingy_memory_new(graph->n_stages, sizeof(*cycle)), n = 0;

	for (uint32_t i = 0; i < graph->n_order; i++) {
		uint32_t stage = graph->order[i];

		if (!in_cycle[stage])
			continue;
		if (!cycle[component[stage]])
			cycle[component[stage]] = ++n;
		graph->stage[stage].cycle = cycle[component[stage]];
	}
	free(cycle);
}

/* Cycles of event edges: that a stage calls another and is called back is no way back for a task. */
static void find_cycles(struct stingy_graph *graph)
{
	struct stingy_edge *edge = stingy_memory_new(graph->n_edges ? graph->n_edges : 1, sizeof(*edge));
	uint32_t *component = stingy_memory_new(graph->n_stages, sizeof(*component));
	bool *in_cycle = stingy_memory_new(graph->n_stages, sizeof(*in_cycle));
	size_t n = 0;

	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edge[i].from != STINGY_GRAPH_SCHEDULER && graph->edge[i].followed + graph->edge[i].queued)
			edge[n++] = (struct stingy_edge){.from = graph->edge[i].from, .to = graph->edge[i].to};
	stingy_scc_find(graph->n_stages, edge, n, component);
	stingy_scc_cycles(graph->n_stages, edge, n, component, in_cycle);
	number_cycles(graph, component, in_cycle);
	free(in_cycle);
	free(component);
	free(edge);
}

void stingy_graph_finish(struct stingy_graph *graph, const struct stingy_census *census)
{
	for (uint32_t i = 0; i < graph->n_stages; i++) {
		take_stage(&graph->stage[i], &census->stage[i]);
		graph->stage[i].n_functions = graph->chains.n_functions[i];
		graph->runs += graph->stage[i].runs;
	}
	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edge[i].from == STINGY_GRAPH_SCHEDULER)
			graph->tasks += graph->edge[i].followed;
	graph->allocations = census->serving;
	graph->requests = census->requests;
	number_stages(graph);
	find_cycles(graph);
	if (graph->n_edges)
		qsort_r(graph->edge, graph->n_edges, sizeof(*graph->edge), by_ends, graph);
	if (graph->n_calls)
		qsort_r(graph->call, graph->n_calls, sizeof(*graph->call), by_time, graph);
	stingy_graph_schedulers_finish(graph);
}

/* "name", else "module+0xoffset". */
static char *print_function(const struct stingy_graph *graph, uint32_t module, uint64_t function, const char *name,
			    char *text, size_t size)
{
	if (name)
		snprintf(text, size, "%s", name);
	else if (module == STINGY_NO_MODULE)
		snprintf(text, size, "0x%" PRIx64, function);
	else
		snprintf(text, size, "%s+0x%" PRIx64, basename(graph->places->module[module].path), function);
	return stingy_clean(text);
}

char *stingy_graph_name(const struct stingy_graph *graph, uint32_t stage, char *text, size_t size)
{
	if (stage == STINGY_GRAPH_SCHEDULER)
		snprintf(text, size, "scheduler");
	else if (stage == STINGY_STAGE_OTHER)
		snprintf(text, size, "(none known)");
	else
		print_function(graph, graph->stages->stage[stage].module, graph->stages->stage[stage].function,
			       graph->stages->stage[stage].name, text, size);
	return text;
}

char *stingy_graph_scheduler_name(const struct stingy_graph *graph, const struct stingy_graph_scheduler *scheduler,
				  char *text, size_t size)
{
	const struct stingy_place *place;

	if (scheduler->place == UINT32_MAX) {
		snprintf(text, size, "(not known)");
		return text;
	}
	place = &graph->places->place[scheduler->place];
	return print_function(graph, place->module, place->function ? place->function : place->offset, place->name,
			      text, size);
}
