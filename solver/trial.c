#include "trial.h"

#include "memory.h"
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static void empty_arenas(struct stingy_trial *trial)
{
	const struct stingy_plan *plan = trial->plan;

	for (uint32_t i = 0; i < plan->slab.arenas; i++)
		for (uint32_t j = 0; j < plan->n_regions; j++)
			trial->n_free[i * plan->n_regions + j] = plan->region[j].count;
	memset(trial->live, 0, (size_t)plan->slab.arenas * plan->n_kinds * sizeof(*trial->live));
	memset(trial->arena_of, 0, STINGY_CENSUS_THREADS * sizeof(*trial->arena_of));
	trial->n_taken = 0;
}

void stingy_trial_init(struct stingy_trial *trial, const struct stingy_plan *plan, uint64_t largest)
{
	memset(trial, 0, sizeof(*trial));
	trial->plan = plan;
	trial->largest = largest;
	trial->beside = stingy_memory_new(plan->n_kinds, sizeof(*trial->beside));
	trial->n_free = stingy_memory_new((size_t)plan->slab.arenas * plan->n_regions, sizeof(*trial->n_free));
	trial->live = stingy_memory_new((size_t)plan->slab.arenas * plan->n_kinds, sizeof(*trial->live));
	trial->arena_of = stingy_memory_new(STINGY_CENSUS_THREADS, sizeof(*trial->arena_of));
	empty_arenas(trial);
}

void stingy_trial_fini(struct stingy_trial *trial)
{
	free(trial->beside);
	free(trial->n_free);
	free(trial->live);
	free(trial->arena_of);
	memset(trial, 0, sizeof(*trial));
}

void stingy_trial_next(struct stingy_trial *trial)
{
	empty_arenas(trial);
}

/* The object's thread's arena, its number + 1; 0: there are no more. */
static uint8_t find_arena(struct stingy_trial *trial, const struct stingy_object *object)
{
	uint8_t *arena = &trial->arena_of[object->thread];

	if (!*arena && trial->n_taken < trial->plan->slab.arenas)
		*arena = (uint8_t)++trial->n_taken;
	if (object->serving && *arena > trial->n_arenas)
		trial->n_arenas = *arena;
	return *arena;
}

static uint32_t *free_slots(const struct stingy_trial *trial, const struct stingy_object *object, uint32_t region)
{
	return &trial->n_free[(object->arena - 1u) * trial->plan->n_regions + region];
}

static uint32_t *live_beside(const struct stingy_trial *trial, const struct stingy_object *object, uint32_t kind)
{
	return &trial->live[(object->arena - 1u) * trial->plan->n_kinds + kind];
}

/* Where the shim would put it. */
static enum stingy_whereabouts find_place(const struct stingy_trial *trial, const struct stingy_object *object,
					  const struct stingy_plan_kind *kind, uint64_t size)
{
	if (size <= kind->size && *free_slots(trial, object, kind->region))
		return STINGY_IN_REGION;
	if (kind->high != UINT32_MAX && size <= trial->plan->region[kind->high].slot &&
	    *free_slots(trial, object, kind->high))
		return STINGY_IN_HIGH_REGION;
	return size <= trial->largest ? STINGY_BESIDE : STINGY_NOWHERE;
}

static void count_beside(struct stingy_trial *trial, const struct stingy_object *object, uint32_t kind, uint64_t size)
{
	struct stingy_beside *beside = &trial->beside[kind];
	uint32_t live = ++*live_beside(trial, object, kind);

	if (live > beside->max_live)
		beside->max_live = live;
	if (!object->serving)
		return;
	beside->allocations++;
	stingy_sizes_add(&beside->sizes, size);
}

/* The free slots of the region that the object is in; NULL: it is in none. */
static uint32_t *slots_around(const struct stingy_trial *trial, const struct stingy_object *object)
{
	const struct stingy_plan *plan = trial->plan;

	if (object->where == STINGY_IN_REGION)
		return free_slots(trial, object, plan->kind[plan->number[object->unit]].region);
	if (object->where == STINGY_IN_HIGH_REGION)
		return free_slots(trial, object, plan->kind[plan->number[object->unit]].high);
	return NULL;
}

void stingy_trial_begin(struct stingy_trial *trial, struct stingy_object *object, uint64_t size)
{
	uint32_t number = trial->plan->number[object->unit], *slots;

	object->where = STINGY_NOWHERE;
	if (number == STINGY_NO_UNIT)
		return;
	object->arena = find_arena(trial, object);
	if (!object->arena)
		return;
	object->where = find_place(trial, object, &trial->plan->kind[number], size);
	if (object->where == STINGY_BESIDE)
		count_beside(trial, object, number, size);
	slots = slots_around(trial, object);
	if (!slots)
		return;
	--*slots;
	trial->served += object->serving;
	trial->beside[number].served += object->serving;
	trial->beside[number].in_region += object->serving && object->where == STINGY_IN_REGION;
}

void stingy_trial_end(struct stingy_trial *trial, const struct stingy_object *object)
{
	uint32_t *slots = slots_around(trial, object);

	if (slots)
		++*slots;
	if (object->where == STINGY_BESIDE)
		--*live_beside(trial, object, trial->plan->number[object->unit]);
}
