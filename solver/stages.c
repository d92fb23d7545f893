#define _GNU_SOURCE /* qsort_r */
#include "stages.h"

#include "declarations.h"
#include "hash.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NO_PLACE   UINT32_MAX
#define NO_FRAME   STINGY_NO_FRAME
#define PAIR(w, c) ((uint64_t)(w) << 32 | (c))
#define STEPS      3u /* direct calls between a dispatcher and its call by pointer */
#define MANY       4u /* functions called from one place: then it is by a pointer, of which the place need not know */
#define OWN        2u /* percent of what happens in a dispatcher that may be its own */

/* Two chains of one thread: where it last waited, and where it was. */
struct stingy_stage_pair {
	uint64_t key;
	uint32_t chain;
	uint32_t frame;    /* the outermost one that may be the stage's; NO_FRAME: none, or it is declared */
	uint32_t declared; /* a place in the stage, by the user's word; NO_PLACE: there is none */
	uint64_t n;        /* times */
	uint32_t call;     /* 0: it allocated; else it called the system, by that number + 1 */
	uint32_t stage;
	UT_hash_handle hh;
};

struct function_key {
	uint64_t module, function;
};

/* The functions that are called in one way: the first one seen, and whether there are others. */
struct called {
	const struct stingy_stage_function *first;
	bool others;
};

/* What happens in a function that may be a stage, or a dispatcher. */
struct stingy_stage_function {
	struct function_key key;
	uint64_t own, dispatched;
	uint32_t call;        /* the first system call in it, as in the pair; 0: none so far */
	bool is_more;         /* than a method that makes one sort of system call */
	struct called stages; /* what it calls by pointer, itself or a few direct calls below; methods do not count */
	uint32_t site;        /* where it does that; NO_PLACE: nowhere so far */
	bool is_sequence;     /* in several places, or not itself */
	struct called pointer, direct; /* what it calls itself, where the scheduler leads to it directly */
	bool works;                    /* it allocates, or calls the system, itself */
	UT_hash_handle hh;
};

/* Where a call returns to, as the chains below the scheduler have it. */
struct site {
	uint32_t callee[MANY]; /* places in the functions that are called; NO_PLACE: no more */
	bool by_pointer;
};

/* While stages are settled. */
struct settling {
	struct stingy_stages *stages;
	const struct stingy_places *places;
	struct site *site; /* by place */
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
			const struct stingy_chains *chains, uint32_t wait, uint32_t chain, uint64_t n, uint32_t call)
{
	uint64_t key = PAIR(wait, chain);
	struct stingy_stage_pair *pair;

	HASH_FIND(hh, stages->pairs, &key, sizeof(key), pair);
	if (!pair) {
		pair = stingy_memory_new(1, sizeof(*pair));
		pair->key = key;
		pair->chain = chain;
		pair->frame = part(places, &chains->chain[wait], &chains->chain[chain]);
		pair->declared = NO_PLACE;
		stingy_declarations_heed(places, &chains->chain[chain], &pair->frame, &pair->declared);
		if (call == STINGY_STAGES_QUEUED)
			pair->frame = NO_FRAME; /* nothing is inferred from it */
		pair->call = call;
		HASH_ADD(hh, stages->pairs, key, sizeof(pair->key), pair);
	}
	pair->n += n;
}

static struct stingy_stage_function *function_at(const struct settling *settling, uint32_t number)
{
	const struct stingy_place *place = &settling->places->place[number];
	struct function_key key = {place->module, function_of(place)};
	struct stingy_stage_function *function;

	HASH_FIND(hh, settling->stages->functions, &key, sizeof(key), function);
	if (function)
		return function;
	function = stingy_memory_new(1, sizeof(*function));
	function->key = key;
	function->site = NO_PLACE;
	HASH_ADD(hh, settling->stages->functions, key, sizeof(function->key), function);
	return function;
}

static void note_callee(const struct settling *settling, struct site *site, uint32_t callee)
{
	for (unsigned i = 0; i < MANY; i++) {
		if (site->callee[i] == NO_PLACE) {
			site->callee[i] = callee;
			site->by_pointer |= i + 1 == MANY;
			return;
		}
		if (same_function(settling->places, site->callee[i], callee))
			return;
	}
}

/*
 * From the scheduler's call inwards. A direct call of what goes on by a jump through a pointer shows in the functions
 * that it is seen to call; one of what goes on by plain jumps calls two or three.
 */
static void find_sites(const struct settling *settling, const struct stingy_chain *chain, uint32_t outermost)
{
	for (uint32_t frame = outermost; frame > 0; frame--) {
		struct site *site = &settling->site[chain->place[frame]];

		site->by_pointer |= settling->places->place[chain->place[frame]].indirect;
		note_callee(settling, site, chain->place[frame - 1]);
	}
}

static void note_called(struct called *called, const struct stingy_stage_function *function)
{
	if (!called->first)
		called->first = function;
	called->others |= called->first != function;
}

/* What the functions do that the scheduler leads to by direct calls. */
static void find_calls(const struct settling *settling, const struct stingy_chain *chain,
		       const struct stingy_stage_pair *pair)
{
	bool by_pointer = false;

	for (uint32_t frame = pair->frame; !by_pointer && pair->frame - frame <= STEPS; frame--) {
		struct stingy_stage_function *function = function_at(settling, chain->place[frame]);

		function->works |= frame == 0;
		if (frame == 0)
			break;
		by_pointer = settling->site[chain->place[frame]].by_pointer;
		if (!by_pointer || frame > 1 || !pair->call)
			note_called(by_pointer ? &function->pointer : &function->direct,
				    function_at(settling, chain->place[frame - 1]));
	}
}

/* It calls one of its stages directly, as the most frequent one, and all others by pointer. */
static bool calls_one_directly(const struct stingy_stage_function *function)
{
	return function->pointer.others && function->direct.first && !function->direct.others && !function->works;
}

/*
 * The frame of the function that the one at the given frame calls by pointer, itself or a few direct calls below;
 * NO_FRAME: none. What is inside a function whose beginning is not known may be a stage, it may not.
 */
static uint32_t next_frame(const struct settling *settling, const struct stingy_chain *chain, uint32_t frame)
{
	if (!settling->places->place[chain->place[frame]].function)
		return frame > 0 ? frame - 1 : NO_FRAME;
	for (uint32_t steps = 0; steps <= STEPS && steps < frame; steps++)
		if (settling->site[chain->place[frame - steps]].by_pointer ||
		    calls_one_directly(function_at(settling, chain->place[frame - steps])))
			return frame - steps - 1;
	return NO_FRAME;
}

/* Notes what happens in the functions: a method such as tcp_read makes one sort of system call, and no more. */
static void observe(const struct settling *settling, const struct stingy_chain *chain,
		    const struct stingy_stage_pair *pair)
{
	uint32_t frame = pair->frame;

	for (unsigned level = 0; level < STINGY_DISPATCHERS && frame != NO_FRAME; level++) {
		struct stingy_stage_function *function = function_at(settling, chain->place[frame]);

		function->is_more |= !pair->call || (function->call && function->call != pair->call);
		function->call = pair->call;
		frame = next_frame(settling, chain, frame);
	}
}

/* What such a method does is the work of whom it is called for, unless that calls it itself: as a loop calls a handler.
 */
static void weigh(const struct settling *settling, const struct stingy_chain *chain,
		  const struct stingy_stage_pair *pair)
{
	uint32_t frame = pair->frame, next;

	for (unsigned level = 0; level < STINGY_DISPATCHERS && frame != NO_FRAME; level++, frame = next) {
		struct stingy_stage_function *function = function_at(settling, chain->place[frame]), *callee = NULL;

		next = next_frame(settling, chain, frame);
		if (next != NO_FRAME)
			callee = function_at(settling, chain->place[next]);
		if (!callee || (!callee->is_more && next + 1 < frame)) {
			function->own += pair->n;
			continue;
		}
		function->dispatched += pair->n;
		note_called(&function->stages, callee);
		function->is_sequence |=
			next + 1 < frame || (function->site != NO_PLACE && function->site != chain->place[frame]);
		function->site = chain->place[frame];
	}
}

/*
 * A function that is itself called by pointer is a stage, though it may do all its work by others called so; unless it
 * is seen to call several from one place, as what calls back into objects of a class does.
 */
static bool is_dispatcher(const struct settling *settling, const struct stingy_chain *chain, uint32_t frame)
{
	const struct stingy_stage_function *function = function_at(settling, chain->place[frame]);

	if (!settling->places->place[chain->place[frame]].function)
		return true;
	if (!function->dispatched || function->own * 100 > (function->own + function->dispatched) * OWN)
		return false;
	return (function->stages.others && !function->is_sequence) ||
	       !settling->site[chain->place[frame + 1]].by_pointer;
}

static uint32_t settle(const struct settling *settling, const struct stingy_chain *chain, uint32_t frame)
{
	frame = stingy_declarations_unwrap(settling->places, chain, frame);
	for (unsigned level = 0; level < STINGY_DISPATCHERS; level++) {
		uint32_t next = next_frame(settling, chain, frame);

		if (next == NO_FRAME || !is_dispatcher(settling, chain, frame))
			break;
		frame = stingy_declarations_unwrap(settling->places, chain, next);
	}
	return stingy_stages_add(settling->stages, &settling->places->place[chain->place[frame]]);
}

/* The outermost frame that may be the stage's is never the chain's outermost: the scheduler is further out. */
void stingy_stages_settle(struct stingy_stages *stages, const struct stingy_places *places,
			  const struct stingy_chains *chains)
{
	struct settling settling = {stages, places, NULL};
	const struct stingy_chain *chain = chains->chain;
	struct stingy_stage_pair *pair;

	settling.site = stingy_memory_new(places->n_places, sizeof(*settling.site));
	memset(settling.site, 0xff, places->n_places * sizeof(*settling.site)); /* NO_PLACE */
	for (uint32_t i = 0; i < places->n_places; i++)
		settling.site[i].by_pointer = false;
	for (pair = stages->pairs; pair; pair = pair->hh.next)
		if (pair->frame != NO_FRAME)
			find_sites(&settling, &chain[pair->chain], pair->frame + 1);
	for (pair = stages->pairs; pair; pair = pair->hh.next)
		if (pair->frame != NO_FRAME)
			find_calls(&settling, &chain[pair->chain], pair);
	for (pair = stages->pairs; pair; pair = pair->hh.next)
		if (pair->frame != NO_FRAME)
			observe(&settling, &chain[pair->chain], pair);
	for (pair = stages->pairs; pair; pair = pair->hh.next)
		if (pair->frame != NO_FRAME)
			weigh(&settling, &chain[pair->chain], pair);
	for (pair = stages->pairs; pair; pair = pair->hh.next) {
		if (pair->frame != NO_FRAME)
			pair->stage = settle(&settling, &chain[pair->chain], pair->frame);
		else if (pair->declared != NO_PLACE)
			pair->stage = stingy_stages_add(stages, &places->place[pair->declared]);
	}
	free(settling.site);
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
