#include "colour.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NO_COLOUR      UINT32_MAX
#define STEPS_MAX      1000000u /* of each search: a fraction of a second */
#define PART_STEPS_MAX 50000u   /* of each search that only serves as a bound */

/* A graph, and the best colouring so far. */
struct colouring {
	uint32_t n;
	const bool *conflict;
	const uint64_t *size;
	uint32_t *colour;
	uint32_t n_colours;
	uint64_t bytes;
};

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

/*
 * Branch and bound; sets of vertices are bits of a word. First for the fewest colours, from DSATUR's answer down; then,
 * with as many colours, for the fewest bytes.
 */
struct search {
	struct colouring *best;
	uint32_t steps_left;
	uint32_t trial[STINGY_COLOUR_EXACT];       /* by vertex: its colour, if it has one */
	uint64_t uncoloured;                       /* vertices */
	uint64_t around[STINGY_COLOUR_EXACT];      /* by colour: vertices with a neighbour that has it */
	uint32_t saturation[STINGY_COLOUR_EXACT];  /* by vertex: colours of its neighbours */
	uint64_t neighbours[STINGY_COLOUR_EXACT];  /* by vertex */
	uint64_t to_come[STINGY_COLOUR_EXACT + 1]; /* by colours used: bytes that those to come cost at least */
};

_Static_assert(STINGY_COLOUR_EXACT <= 64, "sets of vertices are words");

static uint64_t bit(uint32_t vertex)
{
	return UINT64_C(1) << vertex;
}

static uint32_t lowest(uint64_t set)
{
	return (uint32_t)__builtin_ctzll(set);
}

static uint64_t all_vertices(const struct colouring *colouring)
{
	return ~UINT64_C(0) >> (64 - colouring->n);
}

/* Gives the vertex the colour. Returns what take_back needs to know: who had a neighbour of that colour before. */
static uint64_t give(struct search *search, uint32_t vertex, uint32_t colour)
{
	uint64_t before = search->around[colour], now = before | search->neighbours[vertex];

	search->trial[vertex] = colour;
	search->uncoloured &= ~bit(vertex);
	search->around[colour] = now;
	for (uint64_t new = now & ~before; new; new &= new - 1)
		search->saturation[lowest(new)]++;
	return before;
}

static void take_back(struct search *search, uint32_t vertex, uint32_t colour, uint64_t before)
{
	for (uint64_t new = search->around[colour] & ~before; new; new &= new - 1)
		search->saturation[lowest(new)]--;
	search->around[colour] = before;
	search->uncoloured |= bit(vertex);
}

/* Of the set, the vertex with the most colours around it. */
static uint32_t tightest(const struct search *search, uint64_t set)
{
	uint32_t best = lowest(set);

	for (; set; set &= set - 1)
		if (search->saturation[lowest(set)] > search->saturation[best])
			best = lowest(set);
	return best;
}

static void keep(struct search *search, uint32_t used, uint64_t bytes)
{
	memcpy(search->best->colour, search->trial, search->best->n * sizeof(*search->trial));
	search->best->n_colours = used;
	search->best->bytes = bytes;
}

/* Looks for colourings of fewer colours than the best; least: none has fewer than that. */
static void try_fewer(struct search *search, uint32_t used, uint32_t least)
{
	uint32_t vertex;

	if (used >= search->best->n_colours || search->best->n_colours <= least || !search->steps_left)
		return;
	search->steps_left--;
	if (!search->uncoloured) {
		keep(search, used, 0);
		return;
	}
	vertex = tightest(search, search->uncoloured);
	for (uint32_t colour = 0; colour <= used; colour++) {
		uint64_t before;

		if (search->around[colour] & bit(vertex))
			continue;
		before = give(search, vertex, colour);
		try_fewer(search, used + (colour == used), least);
		take_back(search, vertex, colour, before);
	}
}

/* Whether some vertex has neighbours of all colours, and no new one is to be had. */
static bool is_stuck(const struct search *search, uint32_t used)
{
	uint64_t stuck = search->uncoloured;

	if (used < search->best->n_colours)
		return false;
	for (uint32_t i = 0; i < used && stuck; i++)
		stuck &= search->around[i];
	return stuck;
}

/*
 * While new colours may come, the largest vertices go first: the first of a colour is what it costs. Once all are in
 * use, the bytes are settled, and it is a matter of finding any colouring.
 */
static uint32_t choose_next(const struct search *search, uint32_t used)
{
	const struct colouring *best = search->best;
	uint64_t largest = 0, most = 0;

	if (used == best->n_colours)
		return tightest(search, search->uncoloured);
	for (uint64_t left = search->uncoloured; left; left &= left - 1) {
		uint64_t size = best->size[lowest(left)];

		if (size > most) {
			most = size;
			largest = 0;
		}
		if (size == most)
			largest |= bit(lowest(left));
	}
	return tightest(search, largest);
}

/* Looks for colourings of as many colours as the best, and fewer bytes. used and bytes are of those coloured. */
static void try_smaller(struct search *search, uint32_t used, uint64_t bytes)
{
	const struct colouring *best = search->best;
	uint32_t vertex;

	if (bytes + search->to_come[used] >= best->bytes || is_stuck(search, used) || !search->steps_left)
		return;
	search->steps_left--;
	if (!search->uncoloured) {
		keep(search, used, bytes);
		return;
	}
	vertex = choose_next(search, used);
	for (uint32_t colour = 0; colour <= used && colour < best->n_colours; colour++) {
		bool new = colour == used;
		uint64_t before;

		if (search->around[colour] & bit(vertex))
			continue;
		before = give(search, vertex, colour);
		try_smaller(search, used + new, bytes + (new ? best->size[vertex] : 0));
		take_back(search, vertex, colour, before);
	}
}

/* A clique, as far as it goes: the vertices that fit it, and the largest one found so far. */
struct clique {
	const uint64_t *neighbours;
	uint32_t largest;
	uint32_t steps_left;
};

/*
 * Grows a clique of n vertices by those of the set, which all fit it. The set is coloured greedily: no clique has more
 * of its vertices than that takes colours, so those of the last colours are tried first, and the rest may be left.
 */
static void grow_clique(struct clique *clique, uint64_t set, uint32_t n)
{
	uint32_t order[STINGY_COLOUR_EXACT], colours[STINGY_COLOUR_EXACT], n_ordered = 0;

	if (n > clique->largest)
		clique->largest = n;
	if (!clique->steps_left)
		return;
	clique->steps_left--;
	for (uint64_t left = set, colour = 1; left; colour++) {
		for (uint64_t free = left; free;) {
			uint32_t vertex = lowest(free);

			free &= ~(clique->neighbours[vertex] | bit(vertex));
			left &= ~bit(vertex);
			order[n_ordered] = vertex;
			colours[n_ordered++] = (uint32_t)colour;
		}
	}
	while (n_ordered-- > 0 && n + colours[n_ordered] > clique->largest) {
		grow_clique(clique, set & clique->neighbours[order[n_ordered]], n + 1);
		set &= ~bit(order[n_ordered]);
	}
}

/* How many vertices the largest clique in the set has, or one that is nearly as large. */
static uint32_t find_clique(const struct search *search, uint64_t set)
{
	struct clique clique = {.neighbours = search->neighbours, .steps_left = PART_STEPS_MAX};

	grow_clique(&clique, set, 0);
	return clique.largest;
}

/* Vertices of at least the size. */
static uint64_t as_large_as(const struct colouring *colouring, uint64_t size)
{
	uint64_t set = 0;

	for (uint32_t i = 0; i < colouring->n; i++)
		if (colouring->size[i] >= size)
			set |= bit(i);
	return set;
}

/* Of the sizes, the largest one that is smaller; 0: there is none. */
static uint64_t next_smaller(const struct colouring *colouring, uint64_t size)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < colouring->n; i++)
		if (colouring->size[i] < size && colouring->size[i] > next)
			next = colouring->size[i];
	return next;
}

/* The fewest colours for the vertices of the set, or, if that takes too many steps, for a clique of it. */
static uint32_t fewest_of(const struct search *search, uint64_t set)
{
	uint32_t colour[STINGY_COLOUR_EXACT] = {0}, clique = find_clique(search, set);
	struct colouring part = *search->best;
	struct search sub = {.best = &part, .steps_left = PART_STEPS_MAX, .uncoloured = set};

	part.colour = colour;
	memcpy(sub.neighbours, search->neighbours, sizeof(sub.neighbours));
	try_fewer(&sub, 0, clique);
	return sub.steps_left ? part.n_colours : clique;
}

/*
 * Where the vertices of some size at least need n colours, n colours cost that much at least. All that there are cost
 * no less than the smallest vertex.
 */
static void bound_bytes(struct search *search)
{
	const struct colouring *best = search->best;
	uint64_t size = next_smaller(best, UINT64_MAX), smaller;
	uint64_t least[STINGY_COLOUR_EXACT] = {0};
	uint32_t n = 0;

	for (; size && n < best->n_colours; size = smaller) {
		uint32_t needed;

		smaller = next_smaller(best, size);
		needed = smaller ? fewest_of(search, as_large_as(best, size)) : best->n_colours;
		while (n < needed)
			least[n++] = size;
	}
	for (uint32_t i = n; i-- > 0;)
		search->to_come[i] = search->to_come[i + 1] + least[i];
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

/* DSATUR's answer is the first to be bettered. */
static enum stingy_colour_proof search_all(struct colouring *colouring)
{
	struct search search = {.best = colouring, .steps_left = STEPS_MAX};
	bool fewest;

	search.uncoloured = all_vertices(colouring);
	for (uint32_t i = 0; i < colouring->n; i++)
		for (uint32_t j = 0; j < colouring->n; j++)
			if (conflict(colouring, i, j))
				search.neighbours[i] |= bit(j);
	try_fewer(&search, 0, find_clique(&search, search.uncoloured));
	fewest = search.steps_left > 0;
	search.steps_left = STEPS_MAX;
	colouring->bytes = cost(colouring);
	bound_bytes(&search);
	try_smaller(&search, 0, 0);
	if (!fewest)
		return STINGY_COLOUR_DSATUR;
	return search.steps_left ? STINGY_COLOUR_BEST : STINGY_COLOUR_FEWEST;
}

uint32_t stingy_colour(uint32_t n, const bool *conflicts, const uint64_t *size, uint32_t *colour,
		       enum stingy_colour_proof *proof)
{
	struct colouring colouring = {.n = n, .conflict = conflicts, .size = size, .colour = colour};

	dsatur(&colouring);
	*proof = n ? STINGY_COLOUR_DSATUR : STINGY_COLOUR_BEST;
	if (n && n <= STINGY_COLOUR_EXACT)
		*proof = search_all(&colouring);
	return colouring.n_colours;
}
