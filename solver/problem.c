#include "problem.h"

#include "../manifests/manifest.h"
#include "memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void stingy_problem_stage_fini(struct stingy_problem_stage *stage)
{
	free(stage->name);
	free(stage->live);
	free(stage->allocates);
	free(stage->count);
	free(stage->lasting);
}

void stingy_problem_fini(struct stingy_problem *problem)
{
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		free(problem->kind[i].name);
	for (uint32_t i = 0; i < problem->n_stages; i++)
		stingy_problem_stage_fini(&problem->stage[i]);
	free(problem->kind);
	free(problem->stage);
	free(problem->order);
	free(problem->slot);
	free(problem->least);
	memset(problem, 0, sizeof(*problem));
}

static void set_least(struct stingy_problem *problem)
{
	uint32_t *sum = stingy_memory_new(problem->n_colours, sizeof(*sum));

	for (uint32_t i = 0; i < problem->n_stages; i++) {
		const struct stingy_problem_stage *stage = &problem->stage[i];

		memset(sum, 0, problem->n_colours * sizeof(*sum));
		for (uint32_t j = 0; j < stage->n_allocates; j++)
			sum[problem->kind[stage->allocates[j]].colour] += stage->count[j];
		for (uint32_t j = 0; j < problem->n_colours; j++)
			if (sum[j] > problem->least[j])
				problem->least[j] = sum[j];
	}
	free(sum);
}

void stingy_problem_set_colours(struct stingy_problem *problem, uint32_t n)
{
	free(problem->slot);
	free(problem->least);
	problem->slot = stingy_memory_new(n, sizeof(*problem->slot));
	problem->least = stingy_memory_new(n, sizeof(*problem->least));
	problem->n_colours = n;
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint64_t *slot = &problem->slot[problem->kind[i].colour];

		if (problem->kind[i].size > *slot)
			*slot = problem->kind[i].size;
	}
	set_least(problem);
}

/* A region's bytes are a multiple of what divides both its slot and the alignment: that much is never lost. */
uint64_t stingy_problem_padding(uint64_t slot)
{
	uint64_t divides = STINGY_REGION_ALIGN;

	while (slot % divides)
		divides /= 2;
	return STINGY_REGION_ALIGN - divides;
}

const uint32_t *stingy_problem_bounding(const struct stingy_problem_stage *stage, uint32_t *n)
{
	*n = stage->n_live ? stage->n_live : stage->lasting ? stage->n_lasting : stage->n_allocates;
	return stage->n_live ? stage->live : stage->lasting ? stage->lasting : stage->allocates;
}

/*
 * The paper has one instance a task. Where a task holds three of the lesser kind for one of the greater, three times
 * as many are no reason for more of the greater. The other way round the plain constraint is kept: it must hold at
 * one instance each.
 */
void stingy_problem_factors(const struct stingy_problem *problem, const struct stingy_problem_order *order,
			    uint32_t *more, uint32_t *less)
{
	uint32_t per_more = problem->kind[order->more].per_task, per_less = problem->kind[order->less].per_task;

	*more = per_less > per_more ? per_less : 1;
	*less = per_less > per_more ? per_more : 1;
}

uint64_t stingy_problem_stage_bytes(const struct stingy_problem *problem, const struct stingy_problem_stage *stage,
				    const uint32_t *n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < stage->n_live; i++)
		bytes += problem->kind[stage->live[i]].size * n[stage->live[i]];
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		bytes += problem->kind[stage->allocates[i]].size * stage->count[i];
	return bytes;
}

uint64_t stingy_problem_layout_bytes(const struct stingy_problem *problem, const uint32_t *n)
{
	uint32_t *most = stingy_memory_copy(problem->least, problem->n_colours * sizeof(*most));
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		if (n[i] > most[problem->kind[i].colour])
			most[problem->kind[i].colour] = n[i];
	for (uint32_t i = 0; i < problem->n_colours; i++)
		bytes += problem->slot[i] * most[i] + stingy_problem_padding(problem->slot[i]);
	free(most);
	return bytes;
}

/* The factors are at most 1, so that a cycle of constraints could not raise without end. */
void stingy_problem_raise(const struct stingy_problem *problem, uint32_t *n)
{
	bool raised = true;

	while (raised) {
		raised = false;
		for (uint32_t i = 0; i < problem->n_orders; i++) {
			const struct stingy_problem_order *order = &problem->order[i];
			uint32_t more, less;
			uint64_t wanted;

			stingy_problem_factors(problem, order, &more, &less);
			wanted = ((uint64_t)less * n[order->less] + more - 1) / more;
			if (n[order->more] >= wanted)
				continue;
			n[order->more] = (uint32_t)wanted;
			raised = true;
		}
	}
}

void stingy_problem_lower(const struct stingy_problem *problem, uint32_t *n)
{
	bool lowered = true;

	while (lowered) {
		lowered = false;
		for (uint32_t i = 0; i < problem->n_orders; i++) {
			const struct stingy_problem_order *order = &problem->order[i];
			uint32_t more, less;
			uint64_t allowed;

			stingy_problem_factors(problem, order, &more, &less);
			allowed = (uint64_t)more * n[order->more] / less;
			if (n[order->less] <= allowed)
				continue;
			n[order->less] = (uint32_t)allowed;
			lowered = true;
		}
	}
}

bool stingy_problem_allows(const struct stingy_problem *problem, const uint32_t *n)
{
	for (uint32_t i = 0; i < problem->n_stages; i++)
		if (stingy_problem_stage_bytes(problem, &problem->stage[i], n) > problem->tau)
			return false;
	for (uint32_t i = 0; i < problem->n_orders; i++) {
		const struct stingy_problem_order *order = &problem->order[i];
		uint32_t more, less;

		stingy_problem_factors(problem, order, &more, &less);
		if ((uint64_t)more * n[order->more] < (uint64_t)less * n[order->less])
			return false;
	}
	return true;
}

bool stingy_problem_is_feasible(const struct stingy_problem *problem, const uint32_t *n)
{
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		if (n[i] < 1 || n[i] > problem->kind[i].max)
			return false;
	return stingy_problem_allows(problem, n) && stingy_problem_layout_bytes(problem, n) <= problem->tau;
}

/* Of the work of a stage that is left when the kind is what bounds its runs. */
static double share_of(const struct stingy_problem *problem, const uint32_t *n, uint32_t kind)
{
	return (double)problem->kind[kind].per_task / n[kind];
}

static double not_served(const struct stingy_problem *problem, const uint32_t *n)
{
	double sum = 0;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		sum += problem->kind[i].worth * (1 - (double)n[i] / problem->kind[i].max);
	return sum;
}

double stingy_problem_objective(const struct stingy_problem *problem, const uint32_t *n)
{
	double sum = 0;

	if (problem->objective == STINGY_OBJECTIVE_SERVED)
		return not_served(problem, n);

	for (uint32_t i = 0; i < problem->n_stages; i++) {
		const struct stingy_problem_stage *stage = &problem->stage[i];
		double worst = 0;
		uint32_t n_bounding;
		const uint32_t *bounding = stingy_problem_bounding(stage, &n_bounding);

		for (uint32_t j = 0; j < n_bounding; j++)
			worst = fmax(worst, share_of(problem, n, bounding[j]));
		sum += stage->weight * worst;
	}
	return sum;
}

/* Takes the trial, with what the order constraints ask for on top of it, if that is allowed, and better. */
static bool take_if_better(const struct stingy_problem *problem, uint32_t *trial, uint32_t *n)
{
	stingy_problem_raise(problem, trial);
	if (!stingy_problem_is_feasible(problem, trial) ||
	    stingy_problem_objective(problem, trial) >= stingy_problem_objective(problem, n))
		return false;
	memcpy(n, trial, problem->n_kinds * sizeof(*n));
	return true;
}

/* One more of each kind that bounds the stage most. Returns whether that is allowed, and better. */
static bool improve_stage(const struct stingy_problem *problem, const struct stingy_problem_stage *stage, uint32_t *n)
{
	uint32_t *trial = stingy_memory_copy(n, problem->n_kinds * sizeof(*n)), n_bounding;
	const uint32_t *bounding = stingy_problem_bounding(stage, &n_bounding);
	double worst = 0;
	bool better;

	for (uint32_t i = 0; i < n_bounding; i++)
		worst = fmax(worst, share_of(problem, n, bounding[i]));
	for (uint32_t i = 0; i < n_bounding; i++)
		trial[bounding[i]] += share_of(problem, n, bounding[i]) == worst;
	better = take_if_better(problem, trial, n);
	free(trial);
	return better;
}

/* One more of the kind. */
static bool improve_kind(const struct stingy_problem *problem, uint32_t kind, uint32_t *n)
{
	uint32_t *trial = stingy_memory_copy(n, problem->n_kinds * sizeof(*n));
	bool better;

	trial[kind]++;
	better = take_if_better(problem, trial, n);
	free(trial);
	return better;
}

static bool improve_any(const struct stingy_problem *problem, uint32_t *n)
{
	bool better = false;

	if (problem->objective == STINGY_OBJECTIVE_SERVED) {
		for (uint32_t i = 0; i < problem->n_kinds; i++)
			while (improve_kind(problem, i, n))
				better = true;
		return better;
	}
	for (uint32_t i = 0; i < problem->n_stages; i++)
		while (problem->stage[i].weight > 0 && improve_stage(problem, &problem->stage[i], n))
			better = true;
	return better;
}

void stingy_problem_improve(const struct stingy_problem *problem, uint32_t *n)
{
	if (!stingy_problem_is_feasible(problem, n))
		return;
	while (improve_any(problem, n))
		;
}

static void print_stage(const struct stingy_problem *problem, const struct stingy_problem_stage *stage, FILE *out)
{
	uint64_t allocated = 0;
	const char *plus = "";

	fprintf(out, "stage %s: ", stage->name);
	for (uint32_t i = 0; i < stage->n_live; i++, plus = " + ")
		fprintf(out, "%s%" PRIu64 "*n_%s", plus, problem->kind[stage->live[i]].size,
			problem->kind[stage->live[i]].name);
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		allocated += problem->kind[stage->allocates[i]].size * stage->count[i];
	if (allocated)
		fprintf(out, "%s%" PRIu64, plus, allocated);
	fputs(" <= tau\n", out);
}

static void print_order(const struct stingy_problem *problem, const struct stingy_problem_order *order, FILE *out)
{
	uint32_t more, less;

	stingy_problem_factors(problem, order, &more, &less);
	fputs("order: ", out);
	if (more > 1)
		fprintf(out, "%" PRIu32 "*", more);
	fprintf(out, "n_%s >= ", problem->kind[order->more].name);
	if (less > 1)
		fprintf(out, "%" PRIu32 "*", less);
	fprintf(out, "n_%s", problem->kind[order->less].name);
	fputc('\n', out);
}

static void print_layout(const struct stingy_problem *problem, FILE *out)
{
	uint64_t padding = 0;

	fputs("layout: ", out);
	for (uint32_t i = 0; i < problem->n_colours; i++) {
		fprintf(out, "%s%" PRIu64 "*r_%" PRIu32, i ? " + " : "", problem->slot[i], i);
		padding += stingy_problem_padding(problem->slot[i]);
	}
	if (padding)
		fprintf(out, " + %" PRIu64, padding);
	fputs(" <= tau\n", out);
}

void stingy_problem_print(const struct stingy_problem *problem, FILE *out)
{
	fprintf(out, "tau = %" PRIu64 "\n", problem->tau);
	for (uint32_t i = 0; i < problem->n_stages; i++)
		if (problem->stage[i].n_live + problem->stage[i].n_allocates)
			print_stage(problem, &problem->stage[i], out);
	for (uint32_t i = 0; i < problem->n_orders; i++)
		print_order(problem, &problem->order[i], out);
	print_layout(problem, out);
	for (uint32_t i = 0; i < problem->n_colours; i++)
		if (problem->least[i])
			fprintf(out, "run: r_%" PRIu32 " >= %" PRIu32 "\n", i, problem->least[i]);
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		const struct stingy_problem_kind *kind = &problem->kind[i];

		fprintf(out, "bounds: 1 <= n_%s <= r_%" PRIu32 ", n_%s <= %" PRIu32 "\n", kind->name, kind->colour,
			kind->name, kind->max);
	}
}
