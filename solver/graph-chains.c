#include "graph-chains.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct stingy_graph_pair {
	uint64_t key; /* stage and chain */
	struct stingy_graph_below shows;
	UT_hash_handle hh;
};

struct stingy_graph_function {
	struct {
		uint64_t function;
		uint32_t module, stage;
	} key;
	UT_hash_handle hh;
};

void stingy_graph_chains_init(struct stingy_graph_chains *below, const struct stingy_stages *stages,
			      const struct stingy_places *places, const struct stingy_chains *chains)
{
	*below = (struct stingy_graph_chains){.stages = stages, .places = places, .chains = chains};
	below->n_functions = stingy_memory_new(stages->n_stages, sizeof(*below->n_functions));
}

void stingy_graph_chains_fini(struct stingy_graph_chains *below)
{
	struct stingy_graph_pair *pair, *next_pair;
	struct stingy_graph_function *function, *next;

	HASH_ITER(hh, below->pairs, pair, next_pair)
	{
		HASH_DEL(below->pairs, pair);
		free(pair->shows.called);
		free(pair);
	}
	HASH_ITER(hh, below->functions, function, next)
	{
		HASH_DEL(below->functions, function);
		free(function);
	}
	free(below->n_functions);
	memset(below, 0, sizeof(*below));
}

/* Of a place whose function is not known, each address counts as one. */
static uint64_t function_of(const struct stingy_place *place)
{
	return place->function ? place->function : place->offset;
}

static void count_function(struct stingy_graph_chains *below, uint32_t stage, const struct stingy_place *place)
{
	struct stingy_graph_function *function, *found;

	function = stingy_memory_new(1, sizeof(*function));
	function->key.function = function_of(place);
	function->key.module = place->module;
	function->key.stage = stage;
	HASH_FIND(hh, below->functions, &function->key, sizeof(function->key), found);
	if (found) {
		free(function);
		return;
	}
	HASH_ADD(hh, below->functions, key, sizeof(function->key), function);
	below->n_functions[stage]++;
}

static void note_called(struct stingy_graph_below *shows, uint32_t stage)
{
	for (uint32_t i = 0; i < shows->n_called; i++)
		if (shows->called[i] == stage)
			return;
	shows->called = stingy_memory_resize(shows->called, shows->n_called + 1, sizeof(*shows->called));
	shows->called[shows->n_called++] = stage;
}

/* Goes inwards from the stage's own frame, the outermost one in its function. */
static void look(struct stingy_graph_chains *below, uint32_t stage, const struct stingy_chain *chain,
		 struct stingy_graph_below *shows)
{
	bool is_below = false;

	for (uint32_t i = chain->depth; i-- > 0;) {
		const struct stingy_place *place = &below->places->place[chain->place[i]];
		uint32_t here = stingy_stages_find(below->stages, place);

		if (is_below && here != STINGY_STAGE_OTHER && here != stage)
			note_called(shows, here);
		is_below |= here == stage;
		if (is_below)
			count_function(below, stage, place);
	}
}

const struct stingy_graph_below *stingy_graph_chains_look(struct stingy_graph_chains *below, uint32_t stage,
							  uint32_t chain)
{
	uint64_t key = (uint64_t)stage << 32 | chain;
	struct stingy_graph_pair *pair;

	HASH_FIND(hh, below->pairs, &key, sizeof(key), pair);
	if (pair)
		return &pair->shows;
	pair = stingy_memory_new(1, sizeof(*pair));
	pair->key = key;
	HASH_ADD(hh, below->pairs, key, sizeof(pair->key), pair);
	if (stage != STINGY_STAGE_OTHER)
		look(below, stage, &below->chains->chain[chain], &pair->shows);
	return &pair->shows;
}
