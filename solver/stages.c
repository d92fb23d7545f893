#define _GNU_SOURCE /* qsort_r */
#include "stages.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NO_PLACE   UINT32_MAX
#define NO_FRAME   UINT32_MAX
#define PAIR(w, c) ((uint64_t)(w) << 32 | (c))
#define STEPS      3u /* direct calls between a dispatcher and its call by pointer */
#define OWN        2u /* percent of what happens in a dispatcher that may be its own */

/* Two chains of one thread: where it last waited, and where it was. */
struct stingy_stage_pair {
	uint64_t key;
	uint32_t chain;
	uint32_t frame; /* the outermost one that may be the stage's; NO_FRAME: none */
	uint64_t n;     /* times */
	bool is_call;   /* of the system; else an allocation */
	uint32_t stage;
	UT_hash_handle hh;
};

struct function_key {
	uint64_t module, function;
};

/* What happens in a function that may be a stage, or a dispatcher. */
struct stingy_stage_function {
	struct function_key key;
	uint64_t own, dispatched;
	UT_hash_handle hh;
};

void stingy_stages_init(struct stingy_stages *stages)
{
	memset(stages, 0, sizeof(*stages));
	STINGY_GROW(stages->stage, &stages->room, 1);
	stages->stage[stages->n_stages++] = (struct stingy_stage){.module = STINGY_NO_MODULE};
}

void stingy_stages_fini(struct stingy_stages *stages)
{
	struct stingy_stage_pair *pair, *next_pair;
	struct stingy_stage_function *function, *next_function;

	HASH_ITER(hh, stages->pairs, pair, next_pair)
	{
		HASH_DEL(stages->pairs, pair);
		free(pair);
	}
	HASH_ITER(hh, stages->functions, function, next_function)
	{
		HASH_DEL(stages->functions, function);
		free(function);
	}
	for (uint32_t i = 0; i < stages->n_stages; i++)
		free(stages->stage[i].name);
	free(stages->stage);
	memset(stages, 0, sizeof(*stages));
}

static uint64_t function_of(const struct stingy_place *place)
{
	return place->function ? place->function : place->offset;
}

uint32_t stingy_stages_find(const struct stingy_stages *stages, const struct stingy_place *place)
{
	for (uint32_t i = 1; i < stages->n_stages; i++)
		if (stages->stage[i].module == place->module && stages->stage[i].function == function_of(place))
			return i;
	return STINGY_STAGE_OTHER;
}

uint32_t stingy_stages_add(struct stingy_stages *stages, const struct stingy_place *place)
{
	uint32_t found = stingy_stages_find(stages, place);
	struct stingy_stage *stage;

	if (found != STINGY_STAGE_OTHER || place->module == STINGY_NO_MODULE || !place->function)
		return found;
	STINGY_GROW(stages->stage, &stages->room, stages->n_stages + 1);
	stage = &stages->stage[stages->n_stages];
	*stage = (struct stingy_stage){.module = place->module, .function = function_of(place)};
	if (place->name)
		stage->name = stingy_memory_text(place->name, strlen(place->name));
	return stages->n_stages++;
}

/* Of two places in functions that are not known nobody can tell, but each is in the function that it is in. */
static bool same_function(const struct stingy_places *places, uint32_t a, uint32_t b)
{
	const struct stingy_place *x = &places->place[a], *y = &places->place[b];

	return a == b || (x->module == y->module && x->function && x->function == y->function);
}

/*
 * Where the chains part: the frame of the function that the scheduler called. Either both are still in the scheduler
 * there, or it called the two through one pointer.
 */
static uint32_t part(const struct stingy_places *places, const struct stingy_chain *wait,
		     const struct stingy_chain *chain)
{
	uint32_t common = 0, least = wait->depth < chain->depth ? wait->depth : chain->depth;
	uint32_t here, there;

	while (common < least && wait->place[wait->depth - 1 - common] == chain->place[chain->depth - 1 - common])
		common++;
	if (common == least || !wait->complete || !chain->complete)
		return NO_FRAME;
	here = chain->depth - 1 - common;
	there = wait->depth - 1 - common;
	if (same_function(places, chain->place[here], wait->place[there]))
		return here > 0 ? here - 1 : NO_FRAME;
	return common > 0 ? here : NO_FRAME;
}

void stingy_stages_note(struct stingy_stages *stages, const struct stingy_places *places,
			const struct stingy_chains *chains, uint32_t wait, uint32_t chain, uint64_t n, bool is_call)
{
	uint64_t key = PAIR(wait, chain);
	struct stingy_stage_pair *pair;

	HASH_FIND(hh, stages->pairs, &key, sizeof(key), pair);
	if (!pair) {
		pair = stingy_memory_new(1, sizeof(*pair));
		pair->key = key;
		pair->chain = chain;
		pair->frame = part(places, &chains->chain[wait], &chains->chain[chain]);
		pair->is_call = is_call;
		HASH_ADD(hh, stages->pairs, key, sizeof(pair->key), pair);
	}
	pair->n += n;
}

static struct stingy_stage_function *function_at(struct stingy_stages *stages, const struct stingy_place *place)
{
	struct function_key key = {place->module, function_of(place)};
	struct stingy_stage_function *function;

	HASH_FIND(hh, stages->functions, &key, sizeof(key), function);
	if (function)
		return function;
	function = stingy_memory_new(1, sizeof(*function));
	function->key = key;
	HASH_ADD(hh, stages->functions, key, sizeof(function->key), function);
	return function;
}

/*
 * The frame of the function that the one at the given frame calls by pointer, itself or a few direct calls below;
 * NO_FRAME: none. What is inside a function whose beginning is not known may be a stage, it may not.
 */
static uint32_t next_frame(const struct stingy_places *places, const struct stingy_chain *chain, uint32_t frame)
{
	if (!places->place[chain->place[frame]].function)
		return frame > 0 ? frame - 1 : NO_FRAME;
	for (uint32_t steps = 0; steps <= STEPS && steps < frame; steps++)
		if (places->place[chain->place[frame - steps]].indirect)
			return frame - steps - 1;
	return NO_FRAME;
}

/* A method that does nothing but the one call of the system is part of what calls it. */
static void weigh(struct stingy_stages *stages, const struct stingy_places *places, const struct stingy_chain *chain,
		  const struct stingy_stage_pair *pair)
{
	uint32_t frame = pair->frame, next;

	for (unsigned level = 0; level < STINGY_DISPATCHERS && frame != NO_FRAME; level++, frame = next) {
		struct stingy_stage_function *function = function_at(stages, &places->place[chain->place[frame]]);

		next = next_frame(places, chain, frame);
		if (next == NO_FRAME)
			function->own += pair->n;
		else if (next > 0 || !pair->is_call)
			function->dispatched += pair->n;
	}
}

static bool is_dispatcher(struct stingy_stages *stages, const struct stingy_place *place)
{
	const struct stingy_stage_function *function = function_at(stages, place);

	if (!place->function)
		return true;
	return function->dispatched && function->own * 100 <= (function->own + function->dispatched) * OWN;
}

static uint32_t settle(struct stingy_stages *stages, const struct stingy_places *places,
		       const struct stingy_chain *chain, uint32_t frame)
{
	for (unsigned level = 0; level < STINGY_DISPATCHERS; level++) {
		uint32_t next = next_frame(places, chain, frame);

		if (next == NO_FRAME || !is_dispatcher(stages, &places->place[chain->place[frame]]))
			break;
		frame = next;
	}
	return stingy_stages_add(stages, &places->place[chain->place[frame]]);
}

void stingy_stages_settle(struct stingy_stages *stages, const struct stingy_places *places,
			  const struct stingy_chains *chains)
{
	struct stingy_stage_pair *pair, *next;

	HASH_ITER(hh, stages->pairs, pair, next)
	{
		if (pair->frame != NO_FRAME)
			weigh(stages, places, &chains->chain[pair->chain], pair);
	}
	HASH_ITER(hh, stages->pairs, pair, next)
	{
		if (pair->frame != NO_FRAME)
			pair->stage = settle(stages, places, &chains->chain[pair->chain], pair->frame);
	}
}

uint32_t stingy_stages_of(const struct stingy_stages *stages, uint32_t wait, uint32_t chain)
{
	uint64_t key = PAIR(wait, chain);
	struct stingy_stage_pair *pair;

	HASH_FIND(hh, stages->pairs, &key, sizeof(key), pair);
	return pair ? pair->stage : STINGY_STAGE_OTHER;
}

struct sorting {
	const struct stingy_stages *stages;
	const struct stingy_places *places;
};

static int compare_stages(const void *a, const void *b, void *data)
{
	const struct sorting *sorting = data;
	const struct stingy_stage *x = &sorting->stages->stage[*(const uint32_t *)a];
	const struct stingy_stage *y = &sorting->stages->stage[*(const uint32_t *)b];
	int result = stingy_places_compare_modules(sorting->places, x->module, y->module);

	return result ? result : (x->function > y->function) - (x->function < y->function);
}

uint32_t *stingy_stages_sort(const struct stingy_stages *stages, const struct stingy_places *places)
{
	struct sorting sorting = {.stages = stages, .places = places};
	uint32_t *sorted = stingy_memory_new(stages->n_stages, sizeof(*sorted));

	for (uint32_t i = 0; i < stages->n_stages; i++)
		sorted[i] = i;
	qsort_r(sorted, stages->n_stages, sizeof(*sorted), compare_stages, &sorting);
	return sorted;
}
