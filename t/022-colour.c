/* Colouring: small graphs against trying everything, large ones for being a colouring at all. */
#include "../solver/colour.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GRAPHS 300u
#define SMALL  7u
#define LARGE  60u
#define HARD   50u

struct graph {
	uint32_t n;
	bool conflict[LARGE * LARGE];
	uint64_t size[LARGE];
};

static void make(struct graph *graph, uint32_t n, unsigned percent)
{
	memset(graph, 0, sizeof(*graph));
	graph->n = n;
	for (uint32_t i = 0; i < n; i++) {
		graph->size[i] = 16 * (1 + below(8));
		for (uint32_t j = 0; j < i; j++)
			graph->conflict[i * n + j] = graph->conflict[j * n + i] = below(100) < percent;
	}
}

static bool is_proper(const struct graph *graph, const uint32_t *colour)
{
	for (uint32_t i = 0; i < graph->n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (graph->conflict[i * graph->n + j] && colour[i] == colour[j])
				return false;
	return true;
}

/* Bytes of all colours, each as large as its largest vertex. */
static uint64_t bytes_of(const struct graph *graph, const uint32_t *colour, uint32_t *n_colours)
{
	uint64_t largest[LARGE] = {0}, sum = 0;

	*n_colours = 0;
	for (uint32_t i = 0; i < graph->n; i++)
		if (graph->size[i] > largest[colour[i]])
			largest[colour[i]] = graph->size[i];
	for (uint32_t i = 0; i < graph->n; i++) {
		sum += largest[i];
		*n_colours += largest[i] > 0;
	}
	return sum;
}

static void try_all(const struct graph *graph, uint32_t *colour, uint32_t at, uint32_t *best, uint64_t *best_bytes)
{
	uint32_t n_colours;
	uint64_t bytes;

	if (at < graph->n) {
		for (colour[at] = 0; colour[at] <= at; colour[at]++)
			try_all(graph, colour, at + 1, best, best_bytes);
		return;
	}
	if (!is_proper(graph, colour))
		return;
	bytes = bytes_of(graph, colour, &n_colours);
	if (n_colours < *best || (n_colours == *best && bytes < *best_bytes)) {
		*best = n_colours;
		*best_bytes = bytes;
	}
}

static void small_graphs_are_exact(void **state)
{
	struct graph graph;

	(void)state;
	seed_random(22);
	for (unsigned i = 0; i < GRAPHS; i++) {
		uint32_t colour[LARGE], trial[LARGE], best = UINT32_MAX, n_colours;
		uint64_t best_bytes = UINT64_MAX;
		bool exact;

		make(&graph, 1 + below(SMALL), 10 + below(80));
		try_all(&graph, trial, 0, &best, &best_bytes);
		assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact), best);
		assert_true(exact);
		assert_true(is_proper(&graph, colour));
		assert_int_equal(bytes_of(&graph, colour, &n_colours), best_bytes);
		assert_int_equal(n_colours, best);
	}
}

static void large_graphs_are_coloured(void **state)
{
	struct graph graph;

	(void)state;
	seed_random(23);
	for (unsigned i = 0; i < GRAPHS; i++) {
		uint32_t colour[LARGE], n, n_colours;
		bool exact;

		make(&graph, STINGY_COLOUR_EXACT + 1 + below(LARGE - STINGY_COLOUR_EXACT), below(101));
		n = stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact);
		assert_false(exact);
		assert_true(is_proper(&graph, colour));
		bytes_of(&graph, colour, &n_colours);
		assert_int_equal(n_colours, n);
	}
}

/*
 * A clique of the smallest vertices, the others alone: where the search does not see early that the others need no
 * colour of their own, it takes minutes.
 */
static void cliques_are_found_early(void **state)
{
	static struct graph graph;
	uint32_t colour[LARGE], n_colours;
	bool exact;

	(void)state;
	for (uint32_t clique = 1; clique <= STINGY_COLOUR_EXACT; clique++) {
		make(&graph, STINGY_COLOUR_EXACT, 0);
		for (uint32_t i = 0; i < graph.n; i++)
			graph.size[i] = 1600 - 16 * i;
		for (uint32_t i = graph.n - clique; i < graph.n; i++)
			for (uint32_t j = graph.n - clique; j < graph.n; j++)
				graph.conflict[i * graph.n + j] = i != j;
		n_colours = stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact);
		assert_int_equal(n_colours, clique);
		assert_true(exact);
		assert_true(is_proper(&graph, colour));
	}
}

/* Whatever the graph: a colouring, in a bounded number of steps, and the same each time. */
static void graphs_of_the_largest_exact_size_end(void **state)
{
	static struct graph graph;
	unsigned n_exact = 0;

	(void)state;
	seed_random(24);
	for (unsigned i = 0; i < HARD; i++) {
		uint32_t colour[LARGE], again[LARGE], n, n_colours;
		bool exact;

		make(&graph, STINGY_COLOUR_EXACT, below(101));
		n = stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact);
		n_exact += exact;
		assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, again, &exact), n);
		assert_memory_equal(colour, again, graph.n * sizeof(*colour));
		assert_true(is_proper(&graph, colour));
		bytes_of(&graph, colour, &n_colours);
		assert_int_equal(n_colours, n);
	}
	print_message("# %u of %u exact\n", n_exact, HARD);
}

static void knows_extremes(void **state)
{
	static struct graph graph;
	uint32_t colour[LARGE];
	bool exact;

	(void)state;
	assert_int_equal(stingy_colour(0, graph.conflict, graph.size, colour, &exact), 0);
	make(&graph, STINGY_COLOUR_EXACT, 0);
	assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact), 1);
	make(&graph, STINGY_COLOUR_EXACT, 100);
	assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &exact), STINGY_COLOUR_EXACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_graphs_are_exact),  cmocka_unit_test(large_graphs_are_coloured),
		cmocka_unit_test(cliques_are_found_early), cmocka_unit_test(graphs_of_the_largest_exact_size_end),
		cmocka_unit_test(knows_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
