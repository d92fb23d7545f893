#include "colour.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NO_COLOUR UINT32_MAX

struct colouring {
	uint32_t n;
	const bool *conflict;
	const uint64_t *size;
	uint32_t *colour; /* the best so far */
	uint32_t n_colours;
	uint64_t bytes;
	uint32_t *turn;  /* the vertices, largest first */
	uint32_t *trial; /* by vertex; NO_COLOUR beyond the vertices tried */
};

static bool conflict(const struct colouring *colouring, uint32_t a, uint32_t b)
{
	return colouring->conflict[(size_t)a * colouring->n + b];
}

static bool is_free(const struct colouring *colouring, const uint32_t *colour, uint32_t vertex, uint32_t tried)
{
	for (uint32_t i = 0; i < colouring->n; i++)
		if (colour[i] == tried && conflict(colouring, vertex, i))
			return false;
	return true;
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

/* Tries all colours for the vertices from the at-th on, largest first; used and bytes are of those before. */
static void search(struct colouring *colouring, uint32_t at, uint32_t used, uint64_t bytes)
{
	uint32_t vertex;

	if (used > colouring->n_colours || (used == colouring->n_colours && bytes >= colouring->bytes))
		return;
	if (at == colouring->n) {
		memcpy(colouring->colour, colouring->trial, colouring->n * sizeof(*colouring->colour));
		colouring->n_colours = used;
		colouring->bytes = bytes;
		return;
	}
	vertex = colouring->turn[at];
	for (uint32_t colour = 0; colour <= used; colour++) {
		bool new = colour == used;

		if (!new && !is_free(colouring, colouring->trial, vertex, colour))
			continue;
		colouring->trial[vertex] = colour;
		search(colouring, at + 1, used + new, bytes + (new ? colouring->size[vertex] : 0));
		colouring->trial[vertex] = NO_COLOUR;
	}
}

static void sort_by_size(struct colouring *colouring)
{
	for (uint32_t i = 0; i < colouring->n; i++) {
		uint32_t at = i;

		while (at > 0 && colouring->size[colouring->turn[at - 1]] < colouring->size[i]) {
			colouring->turn[at] = colouring->turn[at - 1];
			at--;
		}
		colouring->turn[at] = i;
	}
}

/* DSATUR's answer is the first bound. */
static void search_all(struct colouring *colouring)
{
	colouring->turn = stingy_memory_new(colouring->n, sizeof(*colouring->turn));
	colouring->trial = stingy_memory_new(colouring->n, sizeof(*colouring->trial));
	memset(colouring->trial, 0xff, colouring->n * sizeof(*colouring->trial)); /* NO_COLOUR */
	colouring->bytes = UINT64_MAX;
	sort_by_size(colouring);
	search(colouring, 0, 0, 0);
	free(colouring->turn);
	free(colouring->trial);
}

uint32_t stingy_colour(uint32_t n, const bool *conflicts, const uint64_t *size, uint32_t *colour, bool *exact)
{
	struct colouring colouring = {.n = n, .conflict = conflicts, .size = size, .colour = colour};

	dsatur(&colouring);
	*exact = n <= STINGY_COLOUR_EXACT;
	if (*exact && n)
		search_all(&colouring);
	return colouring.n_colours;
}
