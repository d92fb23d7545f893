#include "colour.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NO_COLOUR UINT32_MAX
#define CALLS_MAX 1000000u /* of the search: a fraction of a second */

/* A graph, and the best colouring so far. */
struct colouring {
	uint32_t n;
	const bool *conflict;
	const uint64_t *size;
	uint32_t *colour;
	uint32_t n_colours;
	uint64_t bytes;
};

/* Branch and bound; sets of vertices are bits of a word. */
struct search {
	struct colouring *best;
	uint32_t calls_left;
	uint32_t clique;                            /* vertices of one: that many colours at least */
	uint32_t turn[STINGY_COLOUR_EXACT];         /* the vertices, largest first */
	uint32_t trial[STINGY_COLOUR_EXACT];        /* by vertex: its colour */
	uint32_t members[STINGY_COLOUR_EXACT + 1];  /* by colour */
	uint32_t neighbours[STINGY_COLOUR_EXACT];   /* by vertex */
	uint64_t smallest[STINGY_COLOUR_EXACT + 1]; /* by number: bytes of that many vertices, the smallest ones */
};

_Static_assert(STINGY_COLOUR_EXACT <= 32, "sets of vertices are words");

static bool conflict(const struct colouring *colouring, uint32_t a, uint32_t b)
{
	return colouring->conflict[(size_t)a * colouring->n + b];
}

/* DSATUR's state, by vertex. */
struct surroundings {
	bool *seen;           /* n colours for each: whether a neighbour has it */
	uint32_t *saturation; /* how many of those */
	uint32_t *degree;
};

static void look_around(const struct colouring *colouring, struct surroundings *around)
{
	around->seen = stingy_memory_new((size_t)colouring->n * colouring->n, sizeof(*around->seen));
	around->saturation = stingy_memory_new(colouring->n, sizeof(*around->saturation));
	around->degree = stingy_memory_new(colouring->n, sizeof(*around->degree));
	for (uint32_t i = 0; i < colouring->n; i++)
		for (uint32_t j = 0; j < colouring->n; j++)
			around->degree[i] += conflict(colouring, i, j);
}

/* The uncoloured vertex with the most colours around it; among equals, the one with the most neighbours. */
static uint32_t most_saturated(const struct colouring *colouring, const struct surroundings *around)
{
	uint32_t best = NO_COLOUR;

	for (uint32_t i = 0; i < colouring->n; i++) {
		if (colouring->colour[i] != NO_COLOUR)
			continue;
		if (best == NO_COLOUR || around->saturation[i] > around->saturation[best] ||
		    (around->saturation[i] == around->saturation[best] && around->degree[i] > around->degree[best]))
			best = i;
	}
	return best;
}

static void give_colour(struct colouring *colouring, struct surroundings *around, uint32_t vertex, uint32_t colour)
{
	colouring->colour[vertex] = colour;
	if (colour == colouring->n_colours)
		colouring->n_colours++;
	for (uint32_t i = 0; i < colouring->n; i++) {
		bool *seen = &around->seen[(size_t)i * colouring->n + colour];

		if (!conflict(colouring, vertex, i) || *seen)
			continue;
		*seen = true;
		around->saturation[i]++;
	}
}

static void dsatur(struct colouring *colouring)
{
	struct surroundings around;

	look_around(colouring, &around);
	memset(colouring->colour, 0xff, colouring->n * sizeof(*colouring->colour)); /* NO_COLOUR */
	for (uint32_t done = 0; done < colouring->n; done++) {
		uint32_t vertex = most_saturated(colouring, &around), colour = 0;

		while (around.seen[(size_t)vertex * colouring->n + colour])
			colour++;
		give_colour(colouring, &around, vertex, colour);
	}
	free(around.seen);
	free(around.saturation);
	free(around.degree);
}

/* What colouring the vertices from some place in their order on costs at least, in bytes. */
static uint64_t bytes_to_come(const struct search *search, uint32_t used)
{
	return search->clique > used ? search->smallest[search->clique - used] : 0;
}

/*
 * Tries all colours for the vertices from the at-th on, largest first; used and bytes are of those before. As many
 * colours as a clique has vertices are needed in the end, and none costs less than the smallest vertices.
 */
static void try_colours(struct search *search, uint32_t at, uint32_t used, uint64_t bytes)
{
	struct colouring *best = search->best;
	uint32_t vertex;

	if (used > best->n_colours || (used == best->n_colours && bytes >= best->bytes) ||
	    (search->clique >= best->n_colours && bytes + bytes_to_come(search, used) >= best->bytes) ||
	    !search->calls_left)
		return;
	search->calls_left--;
	if (at == best->n) {
		memcpy(best->colour, search->trial, best->n * sizeof(*best->colour));
		best->n_colours = used;
		best->bytes = bytes;
		return;
	}
	vertex = search->turn[at];
	for (uint32_t colour = 0; colour <= used; colour++) {
		bool new = colour == used;

		if (search->members[colour] & search->neighbours[vertex])
			continue;
		search->trial[vertex] = colour;
		search->members[colour] |= UINT32_C(1) << vertex;
		try_colours(search, at + 1, used + new, bytes + (new ? best->size[vertex] : 0));
		search->members[colour] &= ~(UINT32_C(1) << vertex);
	}
}

static void sort_by_size(struct search *search)
{
	const uint64_t *size = search->best->size;

	for (uint32_t i = 0; i < search->best->n; i++) {
		uint32_t at = i;

		for (; at > 0 && size[search->turn[at - 1]] < size[i]; at--)
			search->turn[at] = search->turn[at - 1];
		search->turn[at] = i;
	}
}

/* The vertices of a clique, found by taking each vertex that fits those taken so far. */
static uint32_t find_clique(const struct search *search)
{
	uint32_t largest = 0;

	for (uint32_t first = 0; first < search->best->n; first++) {
		uint32_t clique = UINT32_C(1) << first, n = 1;

		for (uint32_t i = 0; i < search->best->n; i++) {
			if ((search->neighbours[i] & clique) != clique)
				continue;
			clique |= UINT32_C(1) << i;
			n++;
		}
		largest = n > largest ? n : largest;
	}
	return largest;
}

static void prepare(struct search *search)
{
	const struct colouring *best = search->best;

	for (uint32_t i = 0; i < best->n; i++)
		for (uint32_t j = 0; j < best->n; j++)
			if (conflict(best, i, j))
				search->neighbours[i] |= UINT32_C(1) << j;
	sort_by_size(search);
	for (uint32_t i = 0; i < best->n; i++)
		search->smallest[i + 1] = search->smallest[i] + best->size[search->turn[best->n - 1 - i]];
	search->clique = find_clique(search);
}

/* What the colouring at hand costs: each colour as much as its largest vertex. */
static uint64_t cost(const struct colouring *colouring)
{
	uint64_t largest[STINGY_COLOUR_EXACT] = {0}, bytes = 0;

	for (uint32_t i = 0; i < colouring->n; i++)
		if (colouring->size[i] > largest[colouring->colour[i]])
			largest[colouring->colour[i]] = colouring->size[i];
	for (uint32_t i = 0; i < colouring->n_colours; i++)
		bytes += largest[i];
	return bytes;
}

/* DSATUR's answer is the first to be bettered. Returns whether all was tried. */
static bool search_all(struct colouring *colouring)
{
	struct search search = {.best = colouring, .calls_left = CALLS_MAX};

	colouring->bytes = cost(colouring);
	prepare(&search);
	try_colours(&search, 0, 0, 0);
	return search.calls_left > 0;
}

uint32_t stingy_colour(uint32_t n, const bool *conflicts, const uint64_t *size, uint32_t *colour, bool *exact)
{
	struct colouring colouring = {.n = n, .conflict = conflicts, .size = size, .colour = colour};

	dsatur(&colouring);
	*exact = n <= STINGY_COLOUR_EXACT && (n == 0 || search_all(&colouring));
	return colouring.n_colours;
}
