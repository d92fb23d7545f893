#include "model.h"

#include "../manifests/manifest.h"
#include "bits.h"
#include "flow.h"
#include "memory.h"
#include "round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_PART 4u   /* of the slab: what one object, or one task's objects of a kind, may take at most */
#define KINDS_MAX  512u /* more regions than that would have a page each, and hardly a line of it in use */
#define SIMILAR    75u  /* percent: kinds share a region only if the smaller is at least that of the larger */

/* Rare alignments beyond those of regions, and garbage in a damaged trace, go to the next allocator at run time. */
uint64_t stingy_model_size(const struct stingy_unit *unit, unsigned cover)
{
	uint64_t size = unit->estimate ? unit->estimate : stingy_sizes_cover(&unit->served->sizes, cover);
	uint64_t align = unit->max_align;

	if (align < STINGY_SLOT_ALIGN || align > STINGY_REGION_ALIGN || (align & (align - 1)))
		align = STINGY_SLOT_ALIGN;
	return stingy_round_up(size, align);
}

const char *stingy_model_reason(enum stingy_left_out reason)
{
	static const char *const names[STINGY_LEFT_OUT_REASONS] = {
		[STINGY_KEPT] = "kept",
		[STINGY_KEPT_GLOBAL] = "kept",
		[STINGY_LEFT_OUT_GLOBAL] = "beyond the globals' part of the cache",
		[STINGY_LEFT_OUT_RARE] = "hardly any allocations",
		[STINGY_LEFT_OUT_KEPT] = "kept by connections from request to request, and by more than fit",
		[STINGY_LEFT_OUT_UNBOUNDED] = "in a cycle of stages, and not bounded per task",
		[STINGY_LEFT_OUT_LARGE] = "too large for the cache",
		[STINGY_LEFT_OUT_NO_ROOM] = "no room left",
	};

	return names[reason];
}

uint32_t stingy_model_head_room(uint64_t n, unsigned percent)
{
	n = (n * percent + 99) / 100;
	if (n > STINGY_SLOTS_MAX)
		n = STINGY_SLOTS_MAX;
	return n ? (uint32_t)n : 1;
}

/* How often global state is allocated tells nothing of how often it is used: no share of it is too small. */
static enum stingy_left_out judge(const struct stingy_model_source *source, uint32_t number)
{
	const struct stingy_unit *unit = &source->census->unit[number];
	const struct stingy_bound *bound = &source->bounds->kind[number];
	uint64_t size;

	if (source->kinds->kind[number].class == STINGY_CLASS_FINAL)
		return stingy_globals_has(source->globals, number) ? STINGY_KEPT_GLOBAL : STINGY_LEFT_OUT_GLOBAL;
	if (!unit->serving || unit->serving * 1000000 < source->census->serving * source->min_share)
		return STINGY_LEFT_OUT_RARE;
	if (source->is_for_tasks && source->kinds->kind[number].class == STINGY_CLASS_PER_CONNECTION)
		return STINGY_LEFT_OUT_KEPT;
	if (bound->by == STINGY_BOUND_BY_NOTHING)
		return STINGY_LEFT_OUT_UNBOUNDED;
	size = stingy_model_size(unit, source->choices->cover);
	if (size * bound->per_task > source->slab / LARGE_PART)
		return STINGY_LEFT_OUT_LARGE;
	return STINGY_KEPT;
}

/* Of two kinds, whether the first is the one to do without: the fewest allocations a byte. */
static bool is_worth_less(const struct stingy_model_source *source, uint32_t a, uint32_t b)
{
	const struct stingy_unit *x = &source->census->unit[a], *y = &source->census->unit[b];
	unsigned cover = source->choices->cover;

	return (double)x->serving / (double)stingy_model_size(x, cover) <
	       (double)y->serving / (double)stingy_model_size(y, cover);
}

static void leave_out_least(const struct stingy_model_source *source, struct stingy_model *model)
{
	uint32_t least = STINGY_NO_UNIT;

	for (uint32_t i = 0; i < source->kinds->n_kinds; i++)
		if (model->left_out[i] == STINGY_KEPT && (least == STINGY_NO_UNIT || is_worth_less(source, i, least)))
			least = i;
	model->left_out[least] = STINGY_LEFT_OUT_NO_ROOM;
}

static uint32_t count_kept(const struct stingy_model_source *source, const struct stingy_model *model)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < source->kinds->n_kinds; i++)
		n += model->left_out[i] == STINGY_KEPT;
	return n;
}

static void choose(const struct stingy_model_source *source, struct stingy_model *model)
{
	model->left_out = stingy_memory_new(source->kinds->n_kinds, sizeof(*model->left_out));
	for (uint32_t i = 0; i < source->kinds->n_kinds; i++)
		model->left_out[i] = judge(source, i);
	for (uint32_t n = count_kept(source, model); n > KINDS_MAX; n--)
		leave_out_least(source, model);
}

static void add_kinds(const struct stingy_model_source *source, struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	uint32_t n = count_kept(source, model);

	problem->kind = stingy_memory_new(n, sizeof(*problem->kind));
	model->kind = stingy_memory_new(n, sizeof(*model->kind));
	for (uint32_t i = 0; i < source->kinds->n_kinds; i++) {
		const struct stingy_unit *unit = &source->census->unit[i];
		const char *name = source->kinds->kind[i].name;
		struct stingy_problem_kind *kind = &problem->kind[problem->n_kinds];

		if (model->left_out[i] != STINGY_KEPT)
			continue;
		kind->name = stingy_memory_text(name, strlen(name));
		kind->size = stingy_model_size(unit, source->choices->cover);
		kind->max = 1;
		kind->per_task = source->bounds->kind[i].per_task;
		kind->value = unit->serving;
		model->kind[problem->n_kinds++] = i;
	}
}

/* Touched lines, of all kinds that are kept: what the objective of serving the most goes by. */
static void set_worth(const struct stingy_model_source *source, struct stingy_problem *problem)
{
	double all = 0;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		struct stingy_problem_kind *kind = &problem->kind[i];
		uint64_t lines = (kind->size + source->line - 1) / source->line;

		kind->worth = (double)kind->value * (double)lines;
		all += kind->worth;
	}
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		problem->kind[i].worth /= all;
	problem->objective = source->choices->objective;
}

static bool is_similar(uint64_t a, uint64_t b)
{
	return a < b ? a * 100 >= b * SIMILAR : b * 100 >= a * SIMILAR;
}

static bool may_share(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t a,
		      uint32_t b)
{
	const struct stingy_census *census = source->census;
	uint32_t x = model->kind[a], y = model->kind[b];

	if (!is_similar(model->problem.kind[a].size, model->problem.kind[b].size))
		return false;
	if (stingy_unit_is_taskless(&census->unit[x]) || stingy_unit_is_taskless(&census->unit[y]))
		return false;
	return !stingy_bits_has(census->together + x * census->n_words, y) &&
	       !stingy_bits_has(census->together + y * census->n_words, x);
}

/* Of a colour: its allocations, and what one slot takes. */
struct heat {
	uint32_t colour;
	uint64_t allocations, bytes;
};

static int compare_heat(const void *a, const void *b)
{
	const struct heat *x = a, *y = b;
	double heat_x = (double)x->allocations / (double)x->bytes, heat_y = (double)y->allocations / (double)y->bytes;

	if (heat_x != heat_y)
		return heat_x < heat_y ? 1 : -1;
	return (x->colour > y->colour) - (x->colour < y->colour);
}

/*
 * Gives the kinds their colours, numbered by heat, which is the order of the regions: what is allocated most, a byte,
 * comes first, so that the pages that are in use lie side by side, and those hardly ever touched behind them.
 */
static void sort_colours(struct stingy_problem *problem, const uint32_t *colour, uint32_t n_colours)
{
	struct heat *heat = stingy_memory_new(n_colours, sizeof(*heat));

	for (uint32_t i = 0; i < n_colours; i++)
		heat[i].colour = i;
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		struct heat *mine = &heat[colour[i]];

		mine->allocations += problem->kind[i].value;
		mine->bytes = problem->kind[i].size > mine->bytes ? problem->kind[i].size : mine->bytes;
	}
	qsort(heat, n_colours, sizeof(*heat), compare_heat);
	for (uint32_t i = 0; i < n_colours; i++)
		for (uint32_t j = 0; j < problem->n_kinds; j++)
			if (colour[j] == heat[i].colour)
				problem->kind[j].colour = i;
	free(heat);
}

static void colour_kinds(const struct stingy_model_source *source, struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	uint32_t n = problem->n_kinds;
	bool *conflict = stingy_memory_new((size_t)n * n, sizeof(*conflict));
	uint64_t *size = stingy_memory_new(n, sizeof(*size));
	uint32_t *colour = stingy_memory_new(n, sizeof(*colour));
	uint32_t n_colours;

	for (uint32_t i = 0; i < n; i++) {
		size[i] = problem->kind[i].size;
		for (uint32_t j = 0; j < n; j++)
			conflict[(size_t)i * n + j] = i != j && !may_share(source, model, i, j);
	}
	n_colours = stingy_colour(n, conflict, size, colour, &model->colours);
	sort_colours(problem, colour, n_colours);
	stingy_problem_set_colours(problem, n_colours);
	free(conflict);
	free(size);
	free(colour);
}

/*
 * How many instances of a kind could be of use in one thread: each has an arena of its own. A profiling run goes
 * through its tasks one by one, so that few objects that live from stage to stage are there at once; but gathering
 * tasks stage by stage, which is what all this is for, has as many as there are tasks. Objects that live within a stage
 * are never more than were seen.
 */
static uint32_t bound(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t kind,
		      bool from_stage_to_stage)
{
	uint64_t most = source->tau / model->problem.kind[kind].size;
	uint64_t n = source->census->unit[model->kind[kind]].max_live_in_thread;
	uint64_t tasks = (uint64_t)model->problem.kind[kind].per_task * source->census->max_tasks_in_thread;

	if (from_stage_to_stage && tasks > n)
		n = tasks;
	n = stingy_model_head_room(n, source->choices->head_room);
	if (n > most)
		n = most;
	return n ? (uint32_t)n : 1;
}

static void set_bounds(const struct stingy_model_source *source, struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	bool *live = stingy_memory_new(problem->n_kinds, sizeof(*live));
	uint32_t *max = stingy_memory_new(problem->n_kinds, sizeof(*max));

	for (uint32_t i = 0; i < problem->n_stages; i++)
		for (uint32_t j = 0; j < problem->stage[i].n_live; j++)
			live[problem->stage[i].live[j]] = true;
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		max[i] = bound(source, model, i, live[i]);
	stingy_problem_raise(problem, max);
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		problem->kind[i].max = max[i];
	free(live);
	free(max);
}

/* The stage that does not fit at one instance of each kind; NULL: all do. */
static const struct stingy_problem_stage *find_overfull(const struct stingy_problem *problem, const uint32_t *ones)
{
	for (uint32_t i = 0; i < problem->n_stages; i++)
		if (stingy_problem_stage_bytes(problem, &problem->stage[i], ones) > problem->tau)
			return &problem->stage[i];
	return NULL;
}

/* Raises count[n_kinds] to the instances of each kind that a run of the stage allocates. */
static void count_allocated(const struct stingy_problem_stage *stage, uint32_t *count)
{
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		if (stage->count[i] > count[stage->allocates[i]])
			count[stage->allocates[i]] = stage->count[i];
}

/* Of a stage that does not fit, the kind with the most bytes in it. */
static uint32_t largest_of_stage(const struct stingy_problem *problem, const struct stingy_problem_stage *stage)
{
	uint32_t *count = stingy_memory_new(problem->n_kinds, sizeof(*count)), largest = 0;

	count_allocated(stage, count);
	for (uint32_t i = 0; i < stage->n_live; i++)
		count[stage->live[i]]++;
	for (uint32_t i = 1; i < problem->n_kinds; i++)
		if (problem->kind[i].size * count[i] > problem->kind[largest].size * count[largest])
			largest = i;
	free(count);
	return largest;
}

/* Where the regions do not fit, the kind with the fewest allocations for each byte that it cannot do without. */
static uint32_t least_worth(const struct stingy_problem *problem)
{
	uint32_t *count = stingy_memory_new(problem->n_kinds, sizeof(*count)), least = 0;
	double lowest = INFINITY;

	for (uint32_t i = 0; i < problem->n_stages; i++)
		count_allocated(&problem->stage[i], count);
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		double bytes = (double)problem->kind[i].size * (count[i] ? count[i] : 1);
		double worth = (double)problem->kind[i].value / bytes;

		if (worth >= lowest)
			continue;
		least = i;
		lowest = worth;
	}
	free(count);
	return least;
}

/* Whether one instance of each kind fits; if not, there is one kind less to go on with. */
static bool fits(struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	uint32_t *ones = stingy_memory_new(problem->n_kinds, sizeof(*ones));
	const struct stingy_problem_stage *overfull;
	bool result;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		ones[i] = 1;
	overfull = find_overfull(problem, ones);
	result = !overfull && stingy_problem_layout_bytes(problem, ones) <= problem->tau;
	free(ones);
	if (!result) {
		uint32_t one = overfull ? largest_of_stage(problem, overfull) : least_worth(problem);

		model->left_out[model->kind[one]] = STINGY_LEFT_OUT_NO_ROOM;
	}
	return result;
}

static void clear(struct stingy_model *model)
{
	stingy_problem_fini(&model->problem);
	free(model->kind);
	free(model->stage);
	model->kind = model->stage = NULL;
	model->n_stages_cut = model->n_allocates_cut = 0;
}

/* Leaving a kind out changes the colours and the slots: all is made anew, which takes no time worth saving. */
void stingy_model_init(struct stingy_model *model, const struct stingy_model_source *source)
{
	memset(model, 0, sizeof(*model));
	choose(source, model);
	do {
		clear(model);
		model->problem.tau = source->tau;
		add_kinds(source, model);
		set_worth(source, &model->problem);
		stingy_flow_add_stages(source, model);
		colour_kinds(source, model);
	} while (!fits(model));
	stingy_flow_add_orders(source, model);
	set_bounds(source, model);
}

uint64_t stingy_model_spare(const struct stingy_model *model)
{
	const struct stingy_problem *problem = &model->problem;
	uint32_t *most = stingy_memory_new(problem->n_kinds, sizeof(*most));
	uint64_t bytes;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		most[i] = problem->kind[i].max;
	bytes = stingy_problem_layout_bytes(problem, most);
	free(most);
	return bytes < problem->tau ? problem->tau - bytes : 0;
}

void stingy_model_fini(struct stingy_model *model)
{
	clear(model);
	free(model->left_out);
	memset(model, 0, sizeof(*model));
}
