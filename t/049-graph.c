/* The stage call graph of made traces: edges, cycles, functions, stack, system calls; as text and for Graphviz. */
#include "../solver/graph-dot.h"
#include "../solver/graph-text.h"
#include "made-replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

static struct stingy_graph graph;

static int end_graph(void **state)
{
	stingy_graph_fini(&graph);
	return end(state);
}

static uint32_t stage_named(const char *name)
{
	for (uint32_t i = 1; i < graph.n_stages; i++)
		if (strcmp(graph.stages->stage[i].name, name) == 0)
			return i;
	fail_msg("no stage %s", name);
	return 0;
}

static const struct stingy_graph_stage *stage(const char *name)
{
	return &graph.stage[stage_named(name)];
}

static const struct stingy_graph_edge *edge(uint32_t from, uint32_t to)
{
	static const struct stingy_graph_edge none;

	for (size_t i = 0; i < graph.n_edges; i++)
		if (graph.edge[i].from == from && graph.edge[i].to == to)
			return &graph.edge[i];
	return &none;
}

static void made_call(struct made_trace *made, uint32_t chain, uint32_t number, uint64_t took, uint64_t blocked)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_CALL};

	record.call = (struct stingy_trace_call){.time = made->time += 10, .number = number, .chain = chain};
	record.call.fd = UINT64_MAX;
	record.call.took = took;
	record.call.blocked = blocked;
	record.call.faults = record.call.switches = blocked != UINT64_MAX;
	made_put(made, &record);
}

/* Two tasks: each is read, read again, then written. */
static void tasks_go_along_event_edges(void **state)
{
	struct replayed *replayed = *state;
	uint32_t read_it, write_it;

	for (uint64_t fd = 5; fd < 7; fd++) {
		turn(replayed, fd);
		made_alloc(&replayed->made, replayed->a, 16, 0x1000 * fd);
		turn(replayed, fd);
		made_alloc(&replayed->made, replayed->a, 16, 0x1000 * fd + 0x100);
		made_free(&replayed->made, 0x1000 * fd);
		turn(replayed, fd);
		made_alloc(&replayed->made, replayed->b, 16, 0x1000 * fd + 0x200);
	}
	graph_of(replayed, &graph);
	read_it = stage_named("read_it");
	write_it = stage_named("write_it");
	assert_int_equal(graph.n_order, 2);
	assert_int_equal(graph.order[0], read_it); /* it has more runs */
	assert_int_equal(graph.tasks, 2);
	assert_int_equal(graph.runs, 6);
	assert_int_equal(edge(STINGY_GRAPH_SCHEDULER, read_it)->followed, 2);
	assert_int_equal(edge(read_it, read_it)->followed, 2);
	assert_int_equal(edge(read_it, write_it)->followed, 2);
	assert_int_equal(edge(write_it, read_it)->followed, 0);
	assert_int_equal(stage("read_it")->allocations, 4);
	assert_int_equal(stage("read_it")->releases, 2);
	assert_int_equal(stage("read_it")->n_functions, 1);
	assert_int_equal(stage("read_it")->cycle, 1);
	assert_int_equal(stage("write_it")->cycle, 0);
	assert_int_equal(graph.n_schedulers, 1);
	assert_int_equal(graph.scheduler[0].waits, 7);
}

static void a_way_back_makes_a_cycle(void **state)
{
	struct replayed *replayed = *state;

	for (unsigned i = 0; i < 2; i++) {
		turn(replayed, 5);
		made_alloc(&replayed->made, replayed->a, 16, 0x100 + i);
		turn(replayed, 5);
		made_alloc(&replayed->made, replayed->b, 16, 0x200 + i);
	}
	graph_of(replayed, &graph);
	assert_int_equal(stage("read_it")->cycle, 1);
	assert_int_equal(stage("write_it")->cycle, 1);
}

/* What was measured in a turn with two stages is a bound for both. */
static void stack_belongs_to_stages(void **state)
{
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_stack(&replayed->made, 1000, 500);
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x200);
	made_alloc(&replayed->made, replayed->b, 16, 0x300);
	made_stack(&replayed->made, 3000, 600);
	graph_of(replayed, &graph);
	assert_int_equal(stage("read_it")->stack.count, 1);
	assert_int_equal(stingy_spread_most(&stage("read_it")->stack), 1000);
	assert_int_equal(stage("write_it")->stack.count, 0);
	assert_int_equal(stingy_spread_most(&stage("write_it")->shared), 3000);
	assert_int_equal(graph.scheduler[0].depth, 600);
}

static void calls_are_counted_by_stage(void **state)
{
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_call(&replayed->made, replayed->a, SYS_read, 100, UINT64_MAX);
	made_call(&replayed->made, replayed->a, SYS_read, 300, 50);
	made_call(&replayed->made, replayed->a, SYS_write, 1000, UINT64_MAX);
	graph_of(replayed, &graph);
	assert_int_equal(graph.n_calls, 2);
	assert_int_equal(graph.call[0].number, SYS_write); /* it took longer */
	assert_int_equal(graph.call[1].stage, stage_named("read_it"));
	assert_int_equal(graph.call[1].count, 2);
	assert_int_equal(graph.call[1].ns, 400);
	assert_int_equal(graph.call[1].longest_ns, 300);
	assert_int_equal(graph.call[1].measured, 1);
	assert_int_equal(graph.call[1].blocked_ns, 50);
	assert_int_equal(graph.call[1].switches, 1);
}

/* An announced stage whose function is on the chain of another's allocation was called by it, once in each run. */
static void calls_between_stages_are_edges(void **state)
{
	struct replayed *replayed = *state;
	struct made_trace *made = &replayed->made;
	uint32_t frame[3], chain;

	frame[0] = made_frame(made, 0x5000, 0x5010, "inner");
	frame[1] = made_frame(made, 0x6000, 0x6010, "outer");
	frame[2] = made_frame_rule(made, 0x1000, 0x1020, "main", (struct stingy_rule){.base = STINGY_RULE_END});
	chain = made_chain(made, 3, frame);
	made_stage(made, frame[0], 1);
	made_stage_end(made);
	for (unsigned i = 0; i < 3; i++) {
		made_stage(made, frame[1], 1);
		made_call(made, chain, SYS_read, 1, UINT64_MAX);
		made_call(made, chain, SYS_read, 1, UINT64_MAX);
		made_stage_end(made);
	}
	graph_of(replayed, &graph);
	assert_int_equal(edge(stage_named("outer"), stage_named("inner"))->called, 3);
	assert_int_equal(edge(stage_named("inner"), stage_named("outer"))->called, 0);
	assert_int_equal(stage("outer")->n_functions, 2);
	assert_int_equal(stage("outer")->cycle, 1); /* by event edges: it followed itself */
	assert_int_equal(stage("inner")->cycle, 0);
}

static char *print(void (*write)(const struct stingy_graph *graph, const char *title, FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	write(&graph, "a \"title\\\n", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void names_cannot_break_out(void **state)
{
	struct replayed *replayed = *state;
	char *text;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	graph_of(replayed, &graph);
	text = print(stingy_graph_dot);
	assert_non_null(strstr(text, "label=\"a \\\"title\\\\?: 1 tasks"));
	assert_non_null(strstr(text, "s1 [label=\"read_it\\nnf 1"));
	assert_non_null(strstr(text, "scheduler -> s1 [label=\"1\""));
	free(text);
	text = print(stingy_graph_text);
	assert_non_null(strstr(text, "a \"title\\?: 1 stage, 1 task, 1 run, 1 allocation while serving\n"));
	free(text);
}

#define GRAPH_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end_graph)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_TEST(tasks_go_along_event_edges),     GRAPH_TEST(a_way_back_makes_a_cycle),
		GRAPH_TEST(stack_belongs_to_stages),        GRAPH_TEST(calls_are_counted_by_stage),
		GRAPH_TEST(calls_between_stages_are_edges), GRAPH_TEST(names_cannot_break_out),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
