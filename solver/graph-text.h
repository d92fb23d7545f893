/*
 * A stage call graph as text for a terminal: the scheduler, a table of the stages, the edges, the stack, the system
 * calls. Numbers come first in each line and names last, so that lines can be cut and sorted. A finished graph; one
 * thread; errors are the stream's.
 */
#ifndef STINGY_GRAPH_TEXT_H
#define STINGY_GRAPH_TEXT_H

#include "graph.h"

#include <stdio.h>

/* All of it. title: what it is of. */
void stingy_graph_text(const struct stingy_graph *graph, const char *title, FILE *out);

/* The table of system calls alone. */
void stingy_graph_text_calls(const struct stingy_graph *graph, FILE *out);

#endif
