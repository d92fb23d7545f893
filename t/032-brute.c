/*
 * The solver against trying everything: random small problems, coloured and solved for each objective; the constraints
 * and objectives are written down here once more, as the papers have them.
 */
#include "../solver/bounds.h"
#include "../solver/classes.h"
#include "../solver/colour.h"
#include "../solver/model.h"
#include "../solver/program.h"
#include "seed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define INSTANCES  1000u
#define KINDS_MAX  4u
#define STAGES_MAX 3u
#define COUNT_MAX  7u

/* What must hold, and be told apart from, in the solver's own words. */
struct instance {
	struct stingy_problem problem;
	bool conflict[KINDS_MAX * KINDS_MAX];
	uint64_t size[KINDS_MAX];
	uint32_t colour[KINDS_MAX];
};

static uint32_t *some_kinds(uint32_t n_kinds, uint32_t *n)
{
	uint32_t *kind = calloc(KINDS_MAX, sizeof(*kind));

	*n = 0;
	for (uint32_t i = 0; i < n_kinds; i++)
		if (below(2))
			kind[(*n)++] = i;
	return kind;
}

static void make_stage(const struct stingy_problem *problem, struct stingy_problem_stage *stage)
{
	stage->name = strdup("s");
	stage->weight = below(5);
	stage->live = some_kinds(problem->n_kinds, &stage->n_live);
	stage->allocates = some_kinds(problem->n_kinds, &stage->n_allocates);
	stage->count = calloc(KINDS_MAX, sizeof(*stage->count));
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		stage->count[i] = 1 + below(2);
}

/* One stage alone counts if the objective is its concurrency. */
static void make_objective(struct stingy_problem *problem)
{
	uint32_t chosen = below(problem->n_stages);
	unsigned objective = below(3);

	problem->objective = objective == 0 ? STINGY_OBJECTIVE_SERVED : STINGY_OBJECTIVE_STAGES;
	for (uint32_t i = 0; objective == 1 && i < problem->n_stages; i++)
		problem->stage[i].weight = i == chosen;
}

static void make_kinds(struct instance *instance)
{
	struct stingy_problem *problem = &instance->problem;

	problem->n_kinds = 1 + below(KINDS_MAX);
	problem->kind = calloc(KINDS_MAX, sizeof(*problem->kind));
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		struct stingy_problem_kind *kind = &problem->kind[i];

		kind->name = strdup("k");
		kind->size = instance->size[i] = 16 * (1 + below(200));
		kind->max = 1 + below(COUNT_MAX);
		kind->per_task = 1 + below(3);
		kind->worth = below(100) / 100.0;
		for (uint32_t j = 0; j < i; j++)
			instance->conflict[i * problem->n_kinds + j] = instance->conflict[j * problem->n_kinds + i] =
				below(2);
	}
}

static void make_instance(struct instance *instance)
{
	struct stingy_problem *problem = &instance->problem;
	enum stingy_colour_proof proof;

	memset(instance, 0, sizeof(*instance));
	problem->tau = 2048 + 1024 * below(30);
	make_kinds(instance);
	problem->n_stages = 1 + below(STAGES_MAX);
	problem->stage = calloc(STAGES_MAX, sizeof(*problem->stage));
	for (uint32_t i = 0; i < problem->n_stages; i++)
		make_stage(problem, &problem->stage[i]);
	make_objective(problem);
	problem->order = calloc(KINDS_MAX * KINDS_MAX, sizeof(*problem->order));
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		for (uint32_t j = i + 1; j < problem->n_kinds; j++)
			if (below(4) == 0)
				problem->order[problem->n_orders++] = (struct stingy_problem_order){i, j, 1};
	problem->n_colours =
		stingy_colour(problem->n_kinds, instance->conflict, instance->size, instance->colour, &proof);
	assert_int_equal(proof, STINGY_COLOUR_BEST);
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		problem->kind[i].colour = instance->colour[i];
	stingy_problem_set_colours(problem, problem->n_colours);
}

/* Colours and bytes, as one number to compare; UINT64_MAX: two that conflict have one colour. */
static uint64_t rate_colours(const struct instance *instance, const uint32_t *colour)
{
	uint32_t n = instance->problem.n_kinds;
	uint64_t largest[KINDS_MAX] = {0}, bytes = 0, n_colours = 0;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < n; j++)
			if (colour[i] == colour[j] && instance->conflict[i * n + j])
				return UINT64_MAX;
		if (instance->size[i] > largest[colour[i]])
			largest[colour[i]] = instance->size[i];
	}
	for (uint32_t i = 0; i < n; i++) {
		bytes += largest[i];
		n_colours += largest[i] > 0;
	}
	return n_colours << 32 | bytes;
}

static uint64_t best_colours(const struct instance *instance, uint32_t *colour, uint32_t at)
{
	uint64_t best = UINT64_MAX;

	if (at == instance->problem.n_kinds)
		return rate_colours(instance, colour);
	for (colour[at] = 0; colour[at] < instance->problem.n_kinds; colour[at]++) {
		uint64_t rated = best_colours(instance, colour, at + 1);

		best = rated < best ? rated : best;
	}
	return best;
}

/* The paper's first constraint. */
static bool fits_stages(const struct stingy_problem *problem, const uint32_t *n)
{
	for (uint32_t i = 0; i < problem->n_stages; i++) {
		const struct stingy_problem_stage *stage = &problem->stage[i];
		uint64_t bytes = 0;

		for (uint32_t j = 0; j < stage->n_live; j++)
			bytes += n[stage->live[j]] * problem->kind[stage->live[j]].size;
		for (uint32_t j = 0; j < stage->n_allocates; j++)
			bytes += stage->count[j] * problem->kind[stage->allocates[j]].size;
		if (bytes > problem->tau)
			return false;
	}
	return true;
}

/* The second, between tasks: where one holds more of the lesser kind, so many times more are no reason for more. */
static bool keeps_order(const struct stingy_problem *problem, const uint32_t *n)
{
	for (uint32_t i = 0; i < problem->n_orders; i++) {
		uint32_t more = problem->order[i].more, less = problem->order[i].less;
		double times = (double)problem->kind[less].per_task / problem->kind[more].per_task;

		if (n[more] * (times > 1 ? times : 1) < n[less] - 1e-9)
			return false;
	}
	return true;
}

/* Ours: a region for each colour, of what its kinds need, and one run of each stage; 1 KiB may be lost to alignment. */
static bool fits_slab(const struct stingy_problem *problem, const uint32_t *n)
{
	uint64_t bytes = 0;

	for (uint32_t colour = 0; colour < problem->n_colours; colour++) {
		uint64_t slot = 0, slots = 0, lost = 1024;

		for (uint32_t i = 0; i < problem->n_kinds; i++) {
			if (problem->kind[i].colour != colour)
				continue;
			slot = problem->kind[i].size > slot ? problem->kind[i].size : slot;
			slots = n[i] > slots ? n[i] : slots;
		}
		for (uint32_t i = 0; i < problem->n_stages; i++) {
			uint64_t run = 0;

			for (uint32_t j = 0; j < problem->stage[i].n_allocates; j++)
				if (problem->kind[problem->stage[i].allocates[j]].colour == colour)
					run += problem->stage[i].count[j];
			slots = run > slots ? run : slots;
		}
		while (slot % lost)
			lost /= 2;
		bytes += slot * slots + 1024 - lost;
	}
	return bytes <= problem->tau;
}

static double rate(const struct stingy_problem *problem, const uint32_t *n)
{
	double sum = 0;

	for (uint32_t i = 0; problem->objective == STINGY_OBJECTIVE_SERVED && i < problem->n_kinds; i++)
		sum += problem->kind[i].worth * (1 - (double)n[i] / problem->kind[i].max);
	for (uint32_t i = 0; problem->objective == STINGY_OBJECTIVE_STAGES && i < problem->n_stages; i++) {
		const struct stingy_problem_stage *stage = &problem->stage[i];
		const uint32_t *kind = stage->n_live ? stage->live : stage->allocates;
		double worst = 0;

		for (uint32_t j = 0; j < (stage->n_live ? stage->n_live : stage->n_allocates); j++)
			worst = fmax(worst, (double)problem->kind[kind[j]].per_task / n[kind[j]]);
		sum += stage->weight * worst;
	}
	return sum;
}

static bool is_feasible(const struct stingy_problem *problem, const uint32_t *n)
{
	return fits_stages(problem, n) && keeps_order(problem, n) && fits_slab(problem, n);
}

static double best_counts(const struct stingy_problem *problem, uint32_t *n, uint32_t at)
{
	double best = INFINITY;

	if (at == problem->n_kinds)
		return is_feasible(problem, n) ? rate(problem, n) : INFINITY;
	for (n[at] = 1; n[at] <= problem->kind[at].max; n[at]++)
		best = fmin(best, best_counts(problem, n, at + 1));
	return best;
}

/* Returns whether it can be solved. */
static bool check_instance(const struct instance *instance, unsigned number)
{
	const struct stingy_program_limits limits = {.gap = 0};
	const struct stingy_problem *problem = &instance->problem;
	uint32_t n[KINDS_MAX], trial[KINDS_MAX];
	double best = best_counts(problem, trial, 0);
	struct stingy_solution solution;
	int result;

	assert_int_equal(rate_colours(instance, instance->colour), best_colours(instance, trial, 0));
	result = stingy_program_solve(problem, &limits, n, &solution);
	assert_int_equal(result, isinf(best) ? -1 : 0);
	if (result < 0)
		return false;
	assert_true(is_feasible(problem, n));
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		assert_in_range(n[i], 1, problem->kind[i].max);
	if (fabs(rate(problem, n) - best) > 1e-9)
		fail_msg("instance %u: %.12f, but %.12f is possible", number, rate(problem, n), best);
	assert_true(fabs(solution.objective - best) < 1e-9);
	assert_true(solution.gap == 0);
	assert_true(solution.end == STINGY_PROGRAM_OPTIMUM || solution.end == STINGY_PROGRAM_BOUNDS);
	stingy_solution_fini(&solution);
	return true;
}

static void small_instances_are_solved_as_by_brute_force(void **state)
{
	unsigned n_feasible = 0;

	(void)state;
	seed_random(32);
	for (unsigned i = 0; i < INSTANCES; i++) {
		struct instance instance;

		make_instance(&instance);
		n_feasible += check_instance(&instance, i);
		stingy_problem_fini(&instance.problem);
	}
	/* A test of instances none of which can be solved would be none. */
	assert_in_range(n_feasible, INSTANCES / 2, INSTANCES - 1);
}

/* By the definition: 0.9^29 is just below 0.05, and 0.9^28 above. */
static void bounds_need_tasks_enough(void **state)
{
	uint64_t held[8] = {0};

	(void)state;
	held[2] = 28;
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 0);
	held[2] = 29;
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 2);
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 99), 0);
	held[5] = 1; /* one of thirty beyond: 46 must be seen before that is so few */
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 5);
	held[2] = 44;
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 5);
	held[2] = 45;
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 2);
	held[7] = 10; /* those that held more than are told apart */
	assert_int_equal(stingy_bounds_quantile(held, 8, 90, 95), 0);
}

/* What is printed of classes and decisions must be there for each that is ever added. */
static void all_decisions_have_words(void **state)
{
	(void)state;
	for (int i = 0; i < STINGY_CLASSES; i++) {
		assert_non_null(stingy_class_name(i));
		assert_non_null(stingy_class_reason(i));
	}
	for (int i = 0; i < STINGY_LEFT_OUT_REASONS; i++)
		assert_non_null(stingy_model_reason(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_instances_are_solved_as_by_brute_force),
		cmocka_unit_test(bounds_need_tasks_enough),
		cmocka_unit_test(all_decisions_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
