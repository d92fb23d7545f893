#include "plan.h"

#include "memory.h"
#include "round.h"
#include "trial.h"

#include <math.h>
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
	uint64_t end;

	memset(plan, 0, sizeof(*plan));
	plan->most_regions = globals->n_globals + layout->n_regions + STINGY_PLAN_HIGH_MAX;
	plan->region = stingy_memory_new(plan->most_regions, sizeof(*plan->region));
	plan->kind = stingy_memory_new(n_kinds, sizeof(*plan->kind));
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

bool stingy_plan_has(const struct stingy_plan *plan, uint32_t kind)
{
	return plan->number && plan->number[kind] != STINGY_NO_UNIT;
}

bool stingy_plan_is_high(const struct stingy_plan *plan, uint32_t region)
{
	return plan->region[region].offset >= plan->slab.size;
}

/* A region that is wanted in the high slab. */
struct want {
	uint32_t number; /* of the kind */
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

/* As much of it as fits room bytes, in a region of its own. Returns whether that is anything. */
static bool grant(struct stingy_plan *plan, const struct want *want, uint64_t room)
{
	uint64_t begin = stingy_manifest_high(&plan->slab), fit;
	uint32_t count;

	if (plan->n_regions == plan->most_regions || room <= plan->slab.high)
		return false;
	fit = (room - plan->slab.high) / want->slot;
	count = want->count < fit ? want->count : (uint32_t)fit;
	if (count)
		plan->slab.high = (uint32_t)(add_region(plan, begin + plan->slab.high, want->slot, count) - begin);
	return count;
}

static uint32_t want_kept(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t room,
			  struct want *want)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < source->kinds->n_kinds; i++) {
		const struct stingy_unit *unit = &source->census->unit[i];
		uint64_t size;

		if (model->left_out[i] != STINGY_LEFT_OUT_KEPT)
			continue;
		size = stingy_model_size(unit, source->choices->cover);
		if (size > room)
			continue;
		want[n++] = (struct want){
			.number = i,
			.slot = (uint32_t)size,
			.count = stingy_model_head_room(unit->max_live_in_thread, source->choices->head_room),
			.allocations = unit->serving,
		};
	}
	qsort(want, n, sizeof(*want), compare_wants);
	return n;
}

/* For more connections than the traces had: so many times as many of each as fit. */
static void want_more(const struct stingy_model_source *source, struct want *want, uint32_t n, double room)
{
	uint32_t seen = source->census->max_tasks_in_thread;
	double bytes = 0, times;

	for (uint32_t i = 0; i < n; i++)
		bytes += (double)want[i].slot * want[i].count + STINGY_REGION_ALIGN;
	times = fmin(room / bytes, (double)STINGY_PLAN_CROWD / (seen ? seen : 1));
	for (uint32_t i = 0; i < n && times > 1; i++)
		want[i].count = (uint32_t)fmin(want[i].count * times, STINGY_SLOTS_MAX);
}

void stingy_plan_add_kept(struct stingy_plan *plan, const struct stingy_model_source *source,
			  const struct stingy_model *model, uint32_t room)
{
	struct want *want = stingy_memory_new(source->kinds->n_kinds, sizeof(*want));
	uint32_t n = want_kept(source, model, room, want);

	want_more(source, want, n, room / 2.0);
	for (uint32_t i = 0; i < n; i++) {
		struct stingy_plan_kind kind = {.kind = want[i].number, .high = UINT32_MAX, .size = want[i].slot};

		kind.region = plan->n_regions;
		if (!grant(plan, &want[i], room))
			continue;
		kind.n = plan->region[kind.region].count;
		add_kind(plan, &kind);
	}
	free(want);
}

/* What the kinds want of the high slab: a slot of what they could not place, and no smaller than they have. */
static uint32_t want_beside(const struct stingy_plan *plan, const struct stingy_trial *trial,
			    const struct stingy_choices *choices, struct want *want)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_kinds; i++) {
		const struct stingy_beside *beside = &trial->beside[i];
		uint64_t slot = stingy_sizes_cover(&beside->sizes, choices->cover);

		if (!beside->allocations || stingy_plan_is_high(plan, plan->kind[i].region))
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
	uint32_t n = want_beside(plan, trial, choices, want);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t region = plan->n_regions;

		if (grant(plan, &want[i], room))
			plan->kind[want[i].number].high = region;
	}
	free(want);
}
