#include "scc.h"

#include "memory.h"

#include <stdlib.h>

#define UNVISITED UINT32_MAX
#define OPEN      UINT32_MAX /* in component: not known yet */

struct search {
	uint32_t *first;     /* by vertex: where its edges begin in target; n + 1 of them */
	uint32_t *target;    /* of the edges, by the vertices that they come from */
	uint32_t *next;      /* by vertex: the edge to follow next */
	uint32_t *number;    /* by vertex: in the order of visits */
	uint32_t *low;       /* by vertex: the least number of an open vertex that was seen from it, or below it */
	uint32_t *path;      /* from the root to the vertex that is being visited: the stack of the recursion */
	uint32_t *open;      /* vertices visited whose component is not known yet */
	uint32_t *component; /* by vertex */
	uint32_t n_path, n_open, n_visited, n_components;
};

/* Counting sort of the edges by where they come from. */
static void sort_edges(struct search *search, uint32_t n, const struct stingy_edge *edge, size_t n_edges)
{
	for (size_t i = 0; i < n_edges; i++)
		search->first[edge[i].from + 1]++;
	for (uint32_t i = 0; i < n; i++) {
		search->first[i + 1] += search->first[i];
		search->next[i] = search->first[i];
	}
	for (size_t i = 0; i < n_edges; i++)
		search->target[search->next[edge[i].from]++] = edge[i].to;
	for (uint32_t i = 0; i < n; i++) {
		search->next[i] = search->first[i];
		search->number[i] = UNVISITED;
		search->component[i] = OPEN;
	}
}

static void enter(struct search *search, uint32_t vertex)
{
	search->number[vertex] = search->low[vertex] = search->n_visited++;
	search->path[search->n_path++] = vertex;
	search->open[search->n_open++] = vertex;
}

static void see(struct search *search, uint32_t vertex, uint32_t low)
{
	if (low < search->low[vertex])
		search->low[vertex] = low;
}

/* All edges of the vertex at the path's end were followed. What is open above the root of a component is all of it. */
static void leave(struct search *search)
{
	uint32_t vertex = search->path[--search->n_path], member;

	if (search->n_path)
		see(search, search->path[search->n_path - 1], search->low[vertex]);
	if (search->low[vertex] != search->number[vertex])
		return;
	do {
		member = search->open[--search->n_open];
		search->component[member] = search->n_components;
	} while (member != vertex);
	search->n_components++;
}

static void visit_from(struct search *search, uint32_t root)
{
	enter(search, root);
	while (search->n_path) {
		uint32_t vertex = search->path[search->n_path - 1], target;

		if (search->next[vertex] == search->first[vertex + 1]) {
			leave(search);
			continue;
		}
		target = search->target[search->next[vertex]++];
		if (search->number[target] == UNVISITED)
			enter(search, target);
		else if (search->component[target] == OPEN)
			see(search, vertex, search->number[target]);
	}
}

uint32_t stingy_scc_find(uint32_t n, const struct stingy_edge *edge, size_t n_edges, uint32_t *component)
{
	struct search search = {.component = component};

	search.first = stingy_memory_new((size_t)n + 1, sizeof(*search.first));
	search.target = stingy_memory_new(n_edges, sizeof(*search.target));
	search.next = stingy_memory_new(n, sizeof(*search.next));
	search.number = stingy_memory_new(n, sizeof(*search.number));
	search.low = stingy_memory_new(n, sizeof(*search.low));
	search.path = stingy_memory_new(n, sizeof(*search.path));
	search.open = stingy_memory_new(n, sizeof(*search.open));
	sort_edges(&search, n, edge, n_edges);
	for (uint32_t i = 0; i < n; i++)
		if (search.number[i] == UNVISITED)
			visit_from(&search, i);
	free(search.first);
	free(search.target);
	free(search.next);
	free(search.number);
	free(search.low);
	free(search.path);
	free(search.open);
	return search.n_components;
}

void stingy_scc_cycles(uint32_t n, const struct stingy_edge *edge, size_t n_edges, const uint32_t *component,
		       bool *in_cycle)
{
	for (uint32_t i = 0; i < n; i++)
		in_cycle[i] = false;
	/* An edge that stays in its component lies on a cycle, and every vertex of a cycle has one. */
	for (size_t i = 0; i < n_edges; i++)
		if (component[edge[i].from] == component[edge[i].to])
			in_cycle[edge[i].from] = true;
}
