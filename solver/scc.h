/*
 * The strongly connected components of a directed graph, by Tarjan's algorithm: which vertices lie on a cycle?
 *
 * Takes steps in proportion to vertices and edges, and no more of the stack however deep the graph is. Vertices are
 * numbered from 0; edges may be given twice, and may lead back to where they come from. Heap memory, freed on return.
 */
#ifndef STINGY_SCC_H
#define STINGY_SCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stingy_edge {
	uint32_t from, to;
};

/*
 * Fills component[n]: vertices have the same number if each can be reached from the other. An edge between two
 * components leads from the higher number to the lower one. Returns how many components there are.
 */
uint32_t stingy_scc_find(uint32_t n, const struct stingy_edge *edge, size_t n_edges, uint32_t *component);

/* Fills in_cycle[n]: whether the vertex can be reached from itself, be it by one edge. component: as found. */
void stingy_scc_cycles(uint32_t n, const struct stingy_edge *edge, size_t n_edges, const uint32_t *component,
		       bool *in_cycle);

#endif
