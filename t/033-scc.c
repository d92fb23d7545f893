/* Strongly connected components: examples, random graphs against reachability, and a graph as deep as it is large. */
#include "../solver/scc.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GRAPHS    2000u
#define SMALL     9u
#define EDGES_MAX 40u
#define DEEP      1000000u

/* Whether there is a way of at least one edge from one vertex to the other, by Warshall's algorithm. */
static void find_ways(uint32_t n, const struct stingy_edge *edge, size_t n_edges, bool way[SMALL][SMALL])
{
	memset(way, 0, sizeof(bool[SMALL][SMALL]));
	for (size_t i = 0; i < n_edges; i++)
		way[edge[i].from][edge[i].to] = true;
	for (uint32_t by = 0; by < n; by++)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t j = 0; j < n; j++)
				way[i][j] |= way[i][by] && way[by][j];
}

static void random_graphs_agree_with_reachability(void **state)
{
	unsigned n_cyclic = 0;

	(void)state;
	seed_random(33);
	for (unsigned graph = 0; graph < GRAPHS; graph++) {
		uint32_t n = 1 + below(SMALL), n_edges = below(EDGES_MAX), component[SMALL], n_components;
		struct stingy_edge edge[EDGES_MAX];
		bool way[SMALL][SMALL], in_cycle[SMALL];

		n_edges = n_edges > 3 * n ? n : n_edges;
		for (uint32_t i = 0; i < n_edges; i++)
			edge[i] = (struct stingy_edge){below(n), below(n)};
		find_ways(n, edge, n_edges, way);
		n_components = stingy_scc_find(n, edge, n_edges, component);
		stingy_scc_cycles(n, edge, n_edges, component, in_cycle);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(component[i] < n_components);
			assert_int_equal(in_cycle[i], way[i][i]);
			n_cyclic += in_cycle[i];
			for (uint32_t j = 0; j < n; j++) {
				assert_int_equal(component[i] == component[j], i == j || (way[i][j] && way[j][i]));
				if (way[i][j])
					assert_true(component[i] >= component[j]);
			}
		}
	}
	assert_true(n_cyclic > GRAPHS);
}

/* A recursion as deep as that would need more stack than there is. */
static void depth_takes_no_stack(void **state)
{
	struct stingy_edge *edge = calloc(DEEP, sizeof(*edge));
	uint32_t *component = calloc(DEEP, sizeof(*component));
	bool *in_cycle = calloc(DEEP, sizeof(*in_cycle));

	(void)state;
	for (uint32_t i = 0; i < DEEP; i++)
		edge[i] = (struct stingy_edge){i, (i + 1) % DEEP};
	assert_int_equal(stingy_scc_find(DEEP, edge, DEEP - 1, component), DEEP);
	stingy_scc_cycles(DEEP, edge, DEEP - 1, component, in_cycle);
	assert_false(in_cycle[0]);
	assert_int_equal(stingy_scc_find(DEEP, edge, DEEP, component), 1);
	stingy_scc_cycles(DEEP, edge, DEEP, component, in_cycle);
	assert_true(in_cycle[0] && in_cycle[DEEP - 1]);
	free(edge);
	free(component);
	free(in_cycle);
}

static void knows_extremes(void **state)
{
	const struct stingy_edge loop = {1, 1};
	uint32_t component[3];
	bool in_cycle[3];

	(void)state;
	assert_int_equal(stingy_scc_find(0, NULL, 0, component), 0);
	assert_int_equal(stingy_scc_find(3, &loop, 1, component), 3);
	stingy_scc_cycles(3, &loop, 1, component, in_cycle);
	assert_false(in_cycle[0]);
	assert_true(in_cycle[1]);
	assert_false(in_cycle[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_graphs_agree_with_reachability),
		cmocka_unit_test(depth_takes_no_stack),
		cmocka_unit_test(knows_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
