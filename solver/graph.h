/*
 * The stage call graph of a program (figures 7 and 9 of the paper), as traces show it: the stages, what a run of each
 * costs, and how tasks go from one to the next.
 *
 * An event edge from A to B: a run of B followed one of A for the same task, or A called a declared queue function for
 * B. A call edge: in a run of A, B's function was on the call chain of an allocation or a system call. Tasks come from
 * the scheduler, which is a vertex of its own. Stages that can be reached from themselves by event edges lie on a
 * cycle.
 *
 * Filled in two steps: a census (census.h) that has a graph tells it of what happens while traces are replayed; then
 * stingy_graph_finish puts the census's own figures beside that, and the graph is complete. How it is shown is in
 * graph-text.h and graph-dot.h. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_GRAPH_H
#define STINGY_GRAPH_H

#include "census.h"
#include "graph-chains.h"
#include "spread.h"
#include "stages.h"

#define STINGY_GRAPH_SCHEDULER UINT32_MAX /* in the place of a stage, where an edge comes from */

struct stingy_graph_stage {
	uint32_t number;      /* of its vertex, from 1, in the order of the graph; 0: it is not part of it */
	uint64_t runs;        /* executions */
	uint64_t task_runs;   /* of them: for a known task */
	uint64_t allocations; /* in all runs, as the next */
	uint64_t releases;
	uint32_t n_functions;        /* distinct ones on chains below the stage, itself included: the paper's nf */
	double mean_ns;              /* of a timed run; 0: none was timed */
	double first_ns, rest_ns;    /* likewise, of a run that followed another stage's, and of the others */
	double weight_ns;            /* what a first run costs more than the others; 0: too few were timed */
	struct stingy_spread stack;  /* bytes used by turns in which this was the only stage: the paper's sc */
	struct stingy_spread shared; /* by turns in which it was not */
	uint32_t cycle;              /* number of the cycles it lies on, the same for all that are entangled; 0: none */
};

struct stingy_graph_edge {
	uint32_t from, to; /* stages; from may be STINGY_GRAPH_SCHEDULER, then tasks began in the other */
	uint64_t followed; /* runs of the one right after a run of the other, for one task */
	uint64_t queued;   /* calls of a queue function */
	uint64_t called;   /* runs of the one that called the other */
};

/* What a stage spends in one system call. */
struct stingy_graph_call {
	uint32_t stage;
	uint32_t number; /* the kernel's */
	uint64_t count;
	uint64_t ns;
	uint64_t longest_ns;
	uint64_t measured; /* calls of which the rest is known */
	uint64_t blocked_ns, faults, switches;
};

struct stingy_graph_scheduler {
	uint32_t place; /* in its function; UINT32_MAX: unknown */
	uint64_t waits;
	uint64_t depth; /* bytes of stack at its waiting call, at most; 0: not measured */
};

struct stingy_graph {
	struct stingy_graph_stage *stage; /* by the number of stingy_stages */
	uint32_t n_stages;
	uint32_t *order; /* the stages that are part of the graph, those with the most runs first */
	uint32_t n_order;
	struct stingy_graph_edge *edge; /* sorted once it is finished */
	size_t n_edges;
	struct stingy_graph_call *call; /* likewise, the longest first in each stage */
	size_t n_calls;
	struct stingy_graph_scheduler *scheduler; /* likewise */
	size_t n_schedulers;
	uint64_t tasks, runs, allocations;
	uint64_t requests; /* seen to begin on connections, of which several may be one task */
	/* the rest is the module's own */
	const struct stingy_stages *stages;
	const struct stingy_places *places;
	struct stingy_graph_chains chains;
	struct stingy_graph_index *edges, *calls;
	struct stingy_graph_wait *waits;
	size_t edge_room, call_room, scheduler_room;
};

/* The stages must be settled; stages, places and chains must outlive the graph. */
void stingy_graph_init(struct stingy_graph *graph, const struct stingy_stages *stages,
		       const struct stingy_places *places, const struct stingy_chains *chains);
void stingy_graph_fini(struct stingy_graph *graph);

/* The census tells: a run is over. */
void stingy_graph_run(struct stingy_graph *graph, const struct stingy_run *run);

/* A chain was seen in a run whose stage is known: of an allocation, a system call or a queue function. */
void stingy_graph_chain(struct stingy_graph *graph, const struct stingy_run *run, uint32_t chain);

/* The replay tells: a stage made a system call; queued another; was run in a turn that used so much stack, alone or
 * not. */
void stingy_graph_called(struct stingy_graph *graph, uint32_t stage, const struct stingy_trace_call *call);
void stingy_graph_queued(struct stingy_graph *graph, uint32_t from, uint32_t to);
void stingy_graph_used_stack(struct stingy_graph *graph, uint32_t stage, uint64_t bytes, bool alone);

/* Before the replay: a thread that had waited at the one chain was at the other n times. */
void stingy_graph_parted(struct stingy_graph *graph, uint32_t wait, uint32_t chain, uint64_t n);

/* A thread waits at the chain; the waiting call is so many bytes deep in its stack (0: unknown). */
void stingy_graph_waited(struct stingy_graph *graph, uint32_t chain, uint64_t depth);

/* After the last trace. */
void stingy_graph_finish(struct stingy_graph *graph, const struct stingy_census *census);

/* The name of a stage, or of the scheduler: "name", else "module+0xoffset", clean. Writes into text. Returns it. */
char *stingy_graph_name(const struct stingy_graph *graph, uint32_t stage, char *text, size_t size);

/* The same of the function in which a scheduler is. */
char *stingy_graph_scheduler_name(const struct stingy_graph *graph, const struct stingy_graph_scheduler *scheduler,
				  char *text, size_t size);

#endif
