#define _GNU_SOURCE /* qsort_r */
#include "graph-schedulers.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>

/* A function in which chains part from those of a wait. */
struct parting {
	uint32_t place;
	uint64_t n; /* of what was done below it */
};

struct stingy_graph_wait {
	uint32_t chain;
	uint64_t waits, depth;
	struct parting *parting;
	size_t n_partings, room;
	UT_hash_handle hh;
};

void stingy_graph_schedulers_fini(struct stingy_graph *graph)
{
	struct stingy_graph_wait *wait, *next;

	HASH_ITER(hh, graph->waits, wait, next)
	{
		HASH_DEL(graph->waits, wait);
		free(wait->parting);
		free(wait);
	}
}

static struct stingy_graph_wait *get_wait(struct stingy_graph *graph, uint32_t chain)
{
	struct stingy_graph_wait *wait;

	HASH_FIND(hh, graph->waits, &chain, sizeof(chain), wait);
	if (wait)
		return wait;
	wait = stingy_memory_new(1, sizeof(*wait));
	wait->chain = chain;
	HASH_ADD(hh, graph->waits, chain, sizeof(wait->chain), wait);
	return wait;
}

static bool same_function(const struct stingy_graph *graph, uint32_t a, uint32_t b)
{
	const struct stingy_place *x = &graph->places->place[a], *y = &graph->places->place[b];

	return a == b || (x->module == y->module && x->function && x->function == y->function);
}

/* Where the other chain parts from the wait's: in a function of both, or below the place that called both. */
static uint32_t part(const struct stingy_graph *graph, const struct stingy_chain *wait,
		     const struct stingy_chain *other)
{
	uint32_t common = 0, least = wait->depth < other->depth ? wait->depth : other->depth;

	while (common < least && wait->place[wait->depth - 1 - common] == other->place[other->depth - 1 - common])
		common++;
	if (common < least &&
	    same_function(graph, wait->place[wait->depth - 1 - common], other->place[other->depth - 1 - common]))
		common++;
	return common ? wait->place[wait->depth - common] : UINT32_MAX;
}

void stingy_graph_parted(struct stingy_graph *graph, uint32_t wait_chain, uint32_t chain, uint64_t n)
{
	struct stingy_graph_wait *wait = get_wait(graph, wait_chain);
	const struct stingy_chain *all = graph->chains.chains->chain;
	uint32_t place = part(graph, &all[wait_chain], &all[chain]);

	if (place == UINT32_MAX)
		return;
	for (size_t i = 0; i < wait->n_partings; i++)
		if (same_function(graph, wait->parting[i].place, place)) {
			wait->parting[i].n += n;
			return;
		}
	STINGY_GROW(wait->parting, &wait->room, wait->n_partings + 1);
	wait->parting[wait->n_partings++] = (struct parting){.place = place, .n = n};
}

void stingy_graph_waited(struct stingy_graph *graph, uint32_t chain, uint64_t depth)
{
	struct stingy_graph_wait *wait = get_wait(graph, chain);

	wait->waits++;
	if (depth > wait->depth)
		wait->depth = depth;
}

/* The function below which most was done; if nothing was, the one that waits. */
static uint32_t place_of(const struct stingy_graph *graph, const struct stingy_graph_wait *wait)
{
	const struct stingy_chain *chain = &graph->chains.chains->chain[wait->chain];
	uint32_t place = chain->depth ? chain->place[0] : UINT32_MAX;
	uint64_t most = 0;

	for (size_t i = 0; i < wait->n_partings; i++) {
		if (wait->parting[i].n <= most)
			continue;
		most = wait->parting[i].n;
		place = wait->parting[i].place;
	}
	return place;
}

static void add_wait(struct stingy_graph *graph, const struct stingy_graph_wait *wait)
{
	uint32_t place = place_of(graph, wait);
	size_t i = 0;

	while (i < graph->n_schedulers && graph->scheduler[i].place != place &&
	       (place == UINT32_MAX || graph->scheduler[i].place == UINT32_MAX ||
		!same_function(graph, graph->scheduler[i].place, place)))
		i++;
	if (i == graph->n_schedulers) {
		STINGY_GROW(graph->scheduler, &graph->scheduler_room, i + 1);
		graph->scheduler[graph->n_schedulers++] = (struct stingy_graph_scheduler){.place = place};
	}
	graph->scheduler[i].waits += wait->waits;
	if (wait->depth > graph->scheduler[i].depth)
		graph->scheduler[i].depth = wait->depth;
}

static int by_waits(const void *a, const void *b, void *data)
{
	const struct stingy_graph_scheduler *x = a, *y = b;
	const struct stingy_graph *graph = data;

	if (x->waits != y->waits)
		return (x->waits < y->waits) - (x->waits > y->waits);
	if (x->place == UINT32_MAX || y->place == UINT32_MAX)
		return (x->place > y->place) - (x->place < y->place);
	return stingy_places_compare(graph->places, x->place, y->place);
}

void stingy_graph_schedulers_finish(struct stingy_graph *graph)
{
	struct stingy_graph_wait *wait, *next;

	HASH_ITER(hh, graph->waits, wait, next)
	if (wait->waits)
		add_wait(graph, wait);
	if (graph->n_schedulers)
		qsort_r(graph->scheduler, graph->n_schedulers, sizeof(*graph->scheduler), by_waits, graph);
}
