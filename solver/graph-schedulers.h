/*
 * The schedulers of a graph: where the call chains of waits and those of what the waits were for part.
 *
 * Most of what is done after a wait is done by functions that one function calls: that is the scheduler, be it the one
 * that waits itself, or one further out. For graph.c, whose header has the result.
 */
#ifndef STINGY_GRAPH_SCHEDULERS_H
#define STINGY_GRAPH_SCHEDULERS_H

#include "graph.h"

/* Makes graph->scheduler of what was seen. */
void stingy_graph_schedulers_finish(struct stingy_graph *graph);
void stingy_graph_schedulers_fini(struct stingy_graph *graph);

#endif
