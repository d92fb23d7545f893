#include "flow.h"

#include "../manifests/manifest.h"
#include "bits.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LIVE_PERCENT 1u  /* of a stage's runs: kinds less often live at its beginning do not count */
#define TIMED_RUNS   30u /* fewer tell no difference of means */

static double mean(uint64_t sum, uint64_t n)
{
	return n ? (double)sum / (double)n : 0;
}

/* What a run costs that was never timed, such as one that follows another within a turn: what all cost. */
static double weigh_any(const struct stingy_census *census)
{
	uint64_t runs = 0, ns = 0;

	for (uint32_t i = 0; i < census->n_stages; i++) {
		runs += census->stage[i].firsts + census->stage[i].rests;
		ns += census->stage[i].first_ns + census->stage[i].rest_ns;
	}
	return mean(ns, runs);
}

/*
 * What the first run of a stage costs more than the ones that follow it, in nanoseconds; without enough of both, what
 * it costs at all.
 */
static double weigh(const struct stingy_census *census, const struct stingy_census_stage *stage)
{
	double extra = mean(stage->first_ns, stage->firsts) - mean(stage->rest_ns, stage->rests);
	double weight;

	if (stage->firsts >= TIMED_RUNS && stage->rests >= TIMED_RUNS && extra >= 1)
		return extra;
	if (stage->firsts + stage->rests)
		weight = mean(stage->first_ns + stage->rest_ns, stage->firsts + stage->rests);
	else
		weight = weigh_any(census);
	return weight >= 1 ? weight : 1;
}

static void fill_stage(const struct stingy_census *census, const struct stingy_model *model,
		       const struct stingy_census_stage *from, struct stingy_problem_stage *stage)
{
	uint32_t n = model->problem.n_kinds;

	stage->weight = weigh(census, from) * (double)from->runs;
	stage->live = stingy_memory_new(n, sizeof(*stage->live));
	stage->allocates = stingy_memory_new(n, sizeof(*stage->allocates));
	stage->count = stingy_memory_new(n, sizeof(*stage->count));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t unit = model->kind[i], need = stingy_census_need(from, unit, STINGY_COVER_RUNS);

		if (from->live[unit] && (uint64_t)from->live[unit] * 100 >= from->task_runs * LIVE_PERCENT)
			stage->live[stage->n_live++] = i;
		if (!need)
			continue;
		stage->allocates[stage->n_allocates] = i;
		stage->count[stage->n_allocates++] = need;
	}
}

static void drop_allocated(struct stingy_problem_stage *stage, uint32_t at)
{
	uint32_t after = --stage->n_allocates - at;

	memmove(&stage->allocates[at], &stage->allocates[at + 1], after * sizeof(*stage->allocates));
	memmove(&stage->count[at], &stage->count[at + 1], after * sizeof(*stage->count));
}

/* The format bounds what it can say of one stage: what a run allocates the fewest of is left out. */
static void cut_allocated(struct stingy_model *model, struct stingy_problem_stage *stage)
{
	const struct stingy_problem_kind *kind = model->problem.kind;

	for (; stage->n_allocates > STINGY_ALLOCATES_MAX; model->n_allocates_cut++) {
		uint32_t least = 0;

		for (uint32_t i = 1; i < stage->n_allocates; i++)
			if (stage->count[i] < stage->count[least] ||
			    (stage->count[i] == stage->count[least] &&
			     kind[stage->allocates[i]].value < kind[stage->allocates[least]].value))
				least = i;
		drop_allocated(stage, least);
	}
}

/* And it bounds the stages: those that weigh least are left out. */
static void cut_stages(struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;

	for (; problem->n_stages > STINGY_STAGES_MAX; model->n_stages_cut++) {
		uint32_t least = 0, after;

		for (uint32_t i = 1; i < problem->n_stages; i++)
			if (problem->stage[i].weight < problem->stage[least].weight)
				least = i;
		stingy_problem_stage_fini(&problem->stage[least]);
		after = --problem->n_stages - least;
		memmove(&problem->stage[least], &problem->stage[least + 1], after * sizeof(*problem->stage));
		memmove(&model->stage[least], &model->stage[least + 1], after * sizeof(*model->stage));
	}
}

/*
 * What is back when its task is done with it does not bound how many tasks there may be. Of such kinds there never were
 * more at once than one run makes, or one task holds.
 */
static bool is_left_behind(const struct stingy_census *census, const struct stingy_model *model,
			   const struct stingy_problem_stage *stage, uint32_t at)
{
	uint32_t kind = stage->allocates[at], most = census->unit[model->kind[kind]].max_live_in_thread;

	return most > stage->count[at] && most > model->problem.kind[kind].per_task;
}

static void set_lasting(const struct stingy_census *census, const struct stingy_model *model,
			struct stingy_problem_stage *stage)
{
	stage->lasting = stingy_memory_new(stage->n_allocates, sizeof(*stage->lasting));
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		if (is_left_behind(census, model, stage, i))
			stage->lasting[stage->n_lasting++] = stage->allocates[i];
}

static void scale_weights(struct stingy_problem *problem)
{
	double sum = 0;

	for (uint32_t i = 0; i < problem->n_stages; i++)
		sum += problem->stage[i].weight;
	for (uint32_t i = 0; i < problem->n_stages; i++)
		problem->stage[i].weight /= sum;
}

/* The concurrency of one stage alone: the objective falls as more of its tasks fit. */
static void choose_stage(const struct stingy_choices *choices, struct stingy_problem *problem)
{
	for (uint32_t i = 0; choices->stage && i < problem->n_stages; i++)
		problem->stage[i].weight = strcmp(problem->stage[i].name, choices->stage) == 0;
}

static char *name_stage(const struct stingy_model_source *source, uint32_t number)
{
	const struct stingy_stage *stage = &source->stages->stage[number];
	char name[32];

	if (stage->name)
		return stingy_memory_text(stage->name, strlen(stage->name));
	if (number == STINGY_STAGE_OTHER)
		return stingy_memory_text("other", strlen("other"));
	snprintf(name, sizeof(name), "0x%" PRIx64, stage->function);
	return stingy_memory_text(name, strlen(name));
}

void stingy_flow_add_stages(const struct stingy_model_source *source, struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	uint32_t *sorted = stingy_stages_sort(source->stages, source->places);

	problem->stage = stingy_memory_new(source->stages->n_stages, sizeof(*problem->stage));
	model->stage = stingy_memory_new(source->stages->n_stages, sizeof(*model->stage));
	for (uint32_t i = 0; i < source->stages->n_stages; i++) {
		const struct stingy_census_stage *from = &source->census->stage[sorted[i]];

		if (!from->runs)
			continue;
		problem->stage[problem->n_stages].name = name_stage(source, sorted[i]);
		fill_stage(source->census, model, from, &problem->stage[problem->n_stages]);
		cut_allocated(model, &problem->stage[problem->n_stages]);
		set_lasting(source->census, model, &problem->stage[problem->n_stages]);
		model->stage[problem->n_stages++] = sorted[i];
	}
	cut_stages(model);
	scale_weights(problem);
	choose_stage(source->choices, problem);
	free(sorted);
}

/* Whether in every task that had the lesser kind the greater one was live when it began. */
static bool dominates(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t more,
		      uint32_t less)
{
	const struct stingy_census *census = source->census;
	const struct stingy_unit *unit = &census->unit[model->kind[less]];

	if (more == less || stingy_unit_is_taskless(unit))
		return false;
	return stingy_bits_has(census->dominates + model->kind[less] * census->n_words, model->kind[more]);
}

/* The weight of a constraint: n_more is at least this many times n_less. */
static double ratio(const struct stingy_problem *problem, uint32_t more, uint32_t less)
{
	struct stingy_problem_order order = {.more = more, .less = less};
	uint32_t more_factor, less_factor;

	stingy_problem_factors(problem, &order, &more_factor, &less_factor);
	return (double)less_factor / more_factor;
}

/* A constraint that follows from two others is left to them. */
static bool is_implied(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t more,
		       uint32_t less)
{
	const struct stingy_problem *problem = &model->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		if (dominates(source, model, more, i) && dominates(source, model, i, less) &&
		    ratio(problem, more, i) * ratio(problem, i, less) >= ratio(problem, more, less))
			return true;
	return false;
}

void stingy_flow_add_orders(const struct stingy_model_source *source, struct stingy_model *model)
{
	struct stingy_problem *problem = &model->problem;
	size_t room = 0;

	for (uint32_t more = 0; more < problem->n_kinds; more++) {
		for (uint32_t less = 0; less < problem->n_kinds; less++) {
			if (!dominates(source, model, more, less) || is_implied(source, model, more, less))
				continue;
			STINGY_GROW(problem->order, &room, (size_t)problem->n_orders + 1);
			problem->order[problem->n_orders++] = (struct stingy_problem_order){
				.more = more, .less = less, .tasks = source->bounds->kind[model->kind[less]].tasks};
		}
	}
}
