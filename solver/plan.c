#include "plan.h"

#include "memory.h"
#include "round.h"
#include "trial.h"

#include <stdlib.h>
#include <string.h>

/* Puts a region behind those that there are, at the offset. Returns where it ends, aligned for the next. */
static uint64_t add_region(struct stingy_plan *plan, uint64_t offset, uint32_t slot, uint32_t count)
{
	plan->region[plan->n_regions++] =
		(struct stingy_manifest_region){.offset = (uint32_t)offset, .slot = slot, .count = count};
	return stingy_round_up(offset + (uint64_t)slot * count, STINGY_REGION_ALIGN);
}

static void add_kind(struct stingy_plan *plan, const struct stingy_plan_kind *kind)
{
	plan->number[kind->kind] = plan->n_kinds;
	plan->kind[plan->n_kinds++] = *kind;
}

/* Returns where the next region may begin. */
static uint64_t add_globals(struct stingy_plan *plan, const struct stingy_globals *globals, uint64_t offset)
{
	for (uint32_t i = 0; i < globals->n_globals; i++) {
		const struct stingy_global *global = &globals->global[i];
		struct stingy_plan_kind kind = {.kind = global->kind, .region = plan->n_regions};

		kind.size = (uint32_t)global->size;
		kind.high = UINT32_MAX;
		kind.n = global->count;
		add_kind(plan, &kind);
		offset = add_region(plan, offset, kind.size, kind.n);
	}
	plan->n_globals = globals->n_globals;
	return offset;
}

static uint64_t add_layout(struct stingy_plan *plan, const struct stingy_model *model,
			   const struct stingy_layout *layout, uint64_t offset)
{
	const struct stingy_problem *problem = &model->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		struct stingy_plan_kind kind = {.kind = model->kind[i], .high = UINT32_MAX, .n = layout->n[i]};

		kind.region = plan->n_globals + problem->kind[i].colour;
		kind.size = (uint32_t)problem->kind[i].size;
		add_kind(plan, &kind);
	}
	for (uint32_t i = 0; i < layout->n_regions; i++)
		offset = add_region(plan, offset, layout->region[i].slot, layout->region[i].count);
	return offset;
}

void stingy_plan_init(struct stingy_plan *plan, uint32_t stack, const struct stingy_globals *globals,
		      const struct stingy_model *model, const struct stingy_layout *layout, uint32_t n_kinds)
{
	uint32_t n_regions = globals->n_globals + layout->n_regions + STINGY_PLAN_HIGH_MAX;
	uint64_t end;

	memset(plan, 0, sizeof(*plan));
	plan->region = stingy_memory_new(n_regions, sizeof(*plan->region));
	plan->kind = stingy_memory_new(globals->n_globals + model->problem.n_kinds, sizeof(*plan->kind));
	plan->number = stingy_memory_new(n_kinds, sizeof(*plan->number));
	memset(plan->number, 0xff, n_kinds * sizeof(*plan->number)); /* STINGY_NO_UNIT */
	plan->slab.stack = stack;
	plan->slab.arenas = 1;
	end = add_globals(plan, globals, stack);
	plan->slab.size = (uint32_t)add_layout(plan, model, layout, end);
}

void stingy_plan_fini(struct stingy_plan *plan)
{
	free(plan->region);
	free(plan->kind);
	free(plan->number);
	memset(plan, 0, sizeof(*plan));
}

struct want {
	uint32_t number; /* of the kind in the plan */
	uint32_t slot;   /* bytes */
	uint32_t count;
	uint64_t allocations;
};

/* The most allocations a byte first. */
static int compare_wants(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	double worth_x = (double)x->allocations / ((double)x->slot * x->count);
	double worth_y = (double)y->allocations / ((double)y->slot * y->count);

	if (worth_x != worth_y)
		return worth_x < worth_y ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

/* What the kinds want of the high slab: a slot of what they could not place, and no smaller than they have. */
static uint32_t take_wants(const struct stingy_plan *plan, const struct stingy_trial *trial,
			   const struct stingy_choices *choices, struct want *want)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_kinds; i++) {
		const struct stingy_beside *beside = &trial->beside[i];
		uint64_t slot = stingy_sizes_cover(&beside->sizes, choices->cover);

		if (!beside->allocations)
			continue;
		if (slot < plan->kind[i].size)
			slot = plan->kind[i].size;
		want[n++] = (struct want){.number = i,
					  .slot = (uint32_t)stingy_round_up(slot, STINGY_SLOT_ALIGN),
					  .count = stingy_model_head_room(beside->max_live, choices->head_room),
					  .allocations = beside->allocations};
	}
	qsort(want, n, sizeof(*want), compare_wants);
	return n;
}

void stingy_plan_add_high(struct stingy_plan *plan, const struct stingy_trial *trial,
			  const struct stingy_choices *choices, uint32_t room)
{
	struct want *want = stingy_memory_new(plan->n_kinds, sizeof(*want));
	uint64_t begin = stingy_manifest_high(&plan->slab), offset = begin;
	uint32_t n_wants = take_wants(plan, trial, choices, want), last = plan->n_regions + STINGY_PLAN_HIGH_MAX;

	for (uint32_t i = 0; i < n_wants && plan->n_regions < last; i++) {
		uint64_t fit = (begin + room - offset) / want[i].slot;
		uint32_t count = want[i].count < fit ? want[i].count : (uint32_t)fit;

		if (!count)
			continue;
		plan->kind[want[i].number].high = plan->n_regions;
		offset = add_region(plan, offset, want[i].slot, count);
	}
	plan->slab.high = (uint32_t)(offset - begin);
	free(want);
}
