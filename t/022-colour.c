/* Colouring: small graphs against trying everything, large ones for being a colouring at all. */
#include "../solver/colour.h"
#include "seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GRAPHS 1000u
#define SMALL  7u
#define LARGE  90u
#define HARD   3u
#define LIVES  40u

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
		enum stingy_colour_proof proof;

		make(&graph, 1 + below(SMALL), 10 + below(80));
		try_all(&graph, trial, 0, &best, &best_bytes);
		assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof), best);
		assert_int_equal(proof, STINGY_COLOUR_BEST);
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
		enum stingy_colour_proof proof;

		make(&graph, STINGY_COLOUR_EXACT + 1 + below(LARGE - STINGY_COLOUR_EXACT), below(101));
		n = stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof);
		assert_int_equal(proof, STINGY_COLOUR_DSATUR);
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
	enum stingy_colour_proof proof;

	(void)state;
	for (uint32_t clique = 1; clique <= STINGY_COLOUR_EXACT; clique++) {
		make(&graph, STINGY_COLOUR_EXACT, 0);
		for (uint32_t i = 0; i < graph.n; i++)
			graph.size[i] = 1600 - 16 * i;
		for (uint32_t i = graph.n - clique; i < graph.n; i++)
			for (uint32_t j = graph.n - clique; j < graph.n; j++)
				graph.conflict[i * graph.n + j] = i != j;
		n_colours = stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof);
		assert_int_equal(n_colours, clique);
		assert_int_equal(proof, STINGY_COLOUR_BEST);
		assert_true(is_proper(&graph, colour));
	}
}

/* Whatever the graph: a colouring, in a bounded number of steps, and the same each time. */
static void graphs_of_the_largest_exact_size_end(void **state)
{
	static struct graph graph;
	unsigned n_best = 0, n_fewest = 0;

	(void)state;
	seed_random(24);
	for (unsigned i = 0; i < HARD; i++) {
		uint32_t colour[LARGE], again[LARGE], n, n_colours;
		enum stingy_colour_proof proof;

		make(&graph, STINGY_COLOUR_EXACT, below(101));
		n = stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof);
		n_best += proof == STINGY_COLOUR_BEST;
		n_fewest += proof >= STINGY_COLOUR_FEWEST;
		assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, again, &proof), n);
		assert_memory_equal(colour, again, graph.n * sizeof(*colour));
		assert_true(is_proper(&graph, colour));
		bytes_of(&graph, colour, &n_colours);
		assert_int_equal(n_colours, n);
	}
	print_message("# of %u, %u of the fewest colours, %u of the fewest bytes too\n", HARD, n_fewest, n_best);
}

/* What conflict graphs are made of: kinds live over some stages in a row; only those of a similar size may share. */
static void lifetimes_of_the_largest_exact_size_are_exact(void **state)
{
	static struct graph graph;
	unsigned n_best = 0;

	(void)state;
	seed_random(25);
	for (unsigned i = 0; i < LIVES; i++) {
		uint32_t colour[LARGE], first[LARGE], last[LARGE], n_stages = 3 + below(30), n_colours, n;
		enum stingy_colour_proof proof;

		make(&graph, STINGY_COLOUR_EXACT, 0);
		for (uint32_t j = 0; j < graph.n; j++) {
			first[j] = below(n_stages);
			last[j] = first[j] + below(n_stages - first[j]);
			for (uint32_t k = 0; k < j; k++)
				graph.conflict[j * graph.n + k] = graph.conflict[k * graph.n + j] =
					(first[j] <= last[k] && first[k] <= last[j]) ||
					graph.size[j] * 4 < graph.size[k] * 3 || graph.size[k] * 4 < graph.size[j] * 3;
		}
		n = stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof);
		assert_int_not_equal(proof, STINGY_COLOUR_DSATUR);
		n_best += proof == STINGY_COLOUR_BEST;
		assert_true(is_proper(&graph, colour));
		bytes_of(&graph, colour, &n_colours);
		assert_int_equal(n_colours, n);
	}
	print_message("# %u of %u of the fewest bytes too\n", n_best, LIVES);
	assert_true(n_best * 2 > LIVES);
}

static void knows_extremes(void **state)
{
	static struct graph graph;
	uint32_t colour[LARGE];
	enum stingy_colour_proof proof;

	(void)state;
	assert_int_equal(stingy_colour(0, graph.conflict, graph.size, colour, &proof), 0);
	make(&graph, STINGY_COLOUR_EXACT, 0);
	assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof), 1);
	make(&graph, STINGY_COLOUR_EXACT, 100);
	assert_int_equal(stingy_colour(graph.n, graph.conflict, graph.size, colour, &proof), STINGY_COLOUR_EXACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_graphs_are_exact),
		cmocka_unit_test(large_graphs_are_coloured),
		cmocka_unit_test(cliques_are_found_early),
		cmocka_unit_test(graphs_of_the_largest_exact_size_end),
		cmocka_unit_test(lifetimes_of_the_largest_exact_size_are_exact),
		cmocka_unit_test(knows_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
