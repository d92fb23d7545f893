#define _GNU_SOURCE /* qsort_r */
#include "stages.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS     (STINGY_DISPATCHERS + 1)
#define NO_PLACE   UINT32_MAX
#define NO_FRAME   UINT32_MAX
#define PAIR(w, c) ((uint64_t)(w) << 32 | (c))

/* Two chains of one thread, and the places that may be the stage's: below the scheduler, one deeper, and so on. */
struct stingy_stage_pair {
	uint64_t key;
	uint32_t scheduler;
	uint32_t place[LEVELS];
	uint32_t stage;
	UT_hash_handle hh;
};

struct stingy_scheduler {
	uint32_t place;         /* some place in its function */
	uint32_t first[LEVELS]; /* what the first pair had at each level */
	unsigned fans_out;      /* bit of each level at which there are several functions */
};

void stingy_stages_init(struct stingy_stages *stages)
{
	memset(stages, 0, sizeof(*stages));
	STINGY_GROW(stages->stage, &stages->room, 1);
	stages->stage[stages->n_stages++] = (struct stingy_stage){.module = STINGY_NO_MODULE};
}

void stingy_stages_fini(struct stingy_stages *stages)
{
	struct stingy_stage_pair *pair, *next;

	HASH_ITER(hh, stages->pairs, pair, next)
	{
		HASH_DEL(stages->pairs, pair);
		free(pair);
	}
	for (uint32_t i = 0; i < stages->n_stages; i++)
		free(stages->stage[i].name);
	free(stages->stage);
	free(stages->scheduler);
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

	if (found != STINGY_STAGE_OTHER || place->module == STINGY_NO_MODULE)
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
 * Where the chains part: gives the frame of the stage in the allocation's chain, and a place of the scheduler.
 * Either both are still in the scheduler there, or the scheduler called the two through one pointer.
 */
static uint32_t part(const struct stingy_places *places, const struct stingy_chain *wait,
		     const struct stingy_chain *chain, uint32_t *scheduler)
{
	uint32_t common = 0, least = wait->depth < chain->depth ? wait->depth : chain->depth;
	uint32_t here, there;

	while (common < least && wait->place[wait->depth - 1 - common] == chain->place[chain->depth - 1 - common])
		common++;
	if (common == least || !wait->complete || !chain->complete)
		return NO_FRAME;
	here = chain->depth - 1 - common;
	there = wait->depth - 1 - common;
	if (same_function(places, chain->place[here], wait->place[there])) {
		*scheduler = chain->place[here];
		return here > 0 ? here - 1 : NO_FRAME;
	}
	if (common == 0)
		return NO_FRAME;
	*scheduler = chain->place[here + 1];
	return here;
}

static uint32_t find_scheduler(struct stingy_stages *stages, const struct stingy_places *places,
			       const struct stingy_stage_pair *pair, uint32_t place)
{
	struct stingy_scheduler *scheduler;

	for (uint32_t i = 0; i < stages->n_schedulers; i++)
		if (same_function(places, stages->scheduler[i].place, place))
			return i;
	STINGY_GROW(stages->scheduler, &stages->scheduler_room, stages->n_schedulers + 1);
	scheduler = &stages->scheduler[stages->n_schedulers];
	*scheduler = (struct stingy_scheduler){.place = place};
	memcpy(scheduler->first, pair->place, sizeof(pair->place));
	return stages->n_schedulers++;
}

static void note_scheduler(struct stingy_stages *stages, const struct stingy_places *places,
			   struct stingy_stage_pair *pair, uint32_t place)
{
	struct stingy_scheduler *scheduler;

	pair->scheduler = find_scheduler(stages, places, pair, place);
	scheduler = &stages->scheduler[pair->scheduler];
	for (unsigned level = 0; level < LEVELS; level++)
		if (!same_function(places, pair->place[level], scheduler->first[level]))
			scheduler->fans_out |= 1u << level;
}

void stingy_stages_note(struct stingy_stages *stages, const struct stingy_places *places,
			const struct stingy_chains *chains, uint32_t wait, uint32_t chain)
{
	uint64_t key = PAIR(wait, chain);
	uint32_t scheduler = NO_PLACE, frame;
	struct stingy_stage_pair *pair;

	HASH_FIND(hh, stages->pairs, &key, sizeof(key), pair);
	if (pair)
		return;
	pair = stingy_memory_new(1, sizeof(*pair));
	pair->key = key;
	pair->place[0] = NO_PLACE;
	HASH_ADD(hh, stages->pairs, key, sizeof(pair->key), pair);
	frame = part(places, &chains->chain[wait], &chains->chain[chain], &scheduler);
	if (frame == NO_FRAME)
		return;
	for (unsigned level = 0; level < LEVELS; level++)
		pair->place[level] = chains->chain[chain].place[frame > level ? frame - level : 0];
	note_scheduler(stages, places, pair, scheduler);
}

/* The first level that fans out; if none does, the scheduler has one stage, and it is the outermost function. */
static unsigned settle_level(const struct stingy_scheduler *scheduler)
{
	for (unsigned level = 0; level < LEVELS; level++)
		if (scheduler->fans_out & 1u << level)
			return level;
	return 0;
}

void stingy_stages_settle(struct stingy_stages *stages, const struct stingy_places *places)
{
	struct stingy_stage_pair *pair, *next;

	HASH_ITER(hh, stages->pairs, pair, next)
	{
		const struct stingy_place *place;

		if (pair->place[0] == NO_PLACE)
			continue;
		place = &places->place[pair->place[settle_level(&stages->scheduler[pair->scheduler])]];
		if (place->function)
			pair->stage = stingy_stages_add(stages, place);
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
