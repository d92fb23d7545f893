/*
 * A stage call graph in the language of Graphviz, and drawn by it: boxes for stages, solid arrows for event edges,
 * dashed ones for call edges, as in figures 7 and 9 of the paper. A finished graph; one thread.
 *
 * Drawing runs the program 'dot' (Debian package graphviz), which reads from and writes to temporary files. The text
 * of a picture is that program's own.
 */
#ifndef STINGY_GRAPH_DOT_H
#define STINGY_GRAPH_DOT_H

#include "graph.h"

#include <stdio.h>

/* title: what it is of. Errors are the stream's. */
void stingy_graph_dot(const struct stingy_graph *graph, const char *title, FILE *out);

/* The picture as a whole SVG document. Returns 0, or -1 after a line on stderr that says why there is none. */
int stingy_graph_svg(const struct stingy_graph *graph, const char *title, FILE *out);

#endif
