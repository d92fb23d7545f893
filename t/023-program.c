/* The integer program: the paper's example, and random instances against trying everything. */
#include "../solver/layout.h"
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
#define STAGES_MAX 4u
#define COUNT_MAX  12u
#define SIZE       4096u

static const struct stingy_program_limits any = {.gap = 0};

static char *copy(const char *text)
{
	return strdup(text);
}

static uint32_t *list(uint32_t n, uint32_t a, uint32_t b)
{
	uint32_t *result = calloc(2, sizeof(*result));

	assert_true(n <= 2);
	result[0] = a;
	result[1] = b;
	return result;
}

static void set_stage(struct stingy_problem_stage *stage, const char *name, uint32_t n_live, uint32_t n_allocates,
		      uint32_t allocates)
{
	stage->name = copy(name);
	stage->weight = 0.2;
	stage->n_live = n_live;
	stage->live = n_live == 1 ? list(1, 1, 0) : list(2, 0, 1);
	stage->n_allocates = n_allocates;
	stage->allocates = list(1, allocates, 0);
	stage->count = list(1, 1, 0);
}

/*
 * The paper's figure 2: O2 is allocated in stage 1 and live in stages 2 and 3, O1 is allocated in stage 2 and live in
 * stage 3. Kind 0 is O1, kind 1 is O2; seven objects fit.
 */
static void make_figure_2(struct stingy_problem *problem)
{
	memset(problem, 0, sizeof(*problem));
	problem->tau = 7 * SIZE;
	problem->n_kinds = 2;
	problem->kind = calloc(2, sizeof(*problem->kind));
	problem->kind[0] = (struct stingy_problem_kind){copy("O1"), SIZE, 7, 1, 0, 1, 0};
	problem->kind[1] = (struct stingy_problem_kind){copy("O2"), SIZE, 7, 1, 1, 1, 0};
	problem->n_stages = 5;
	problem->stage = calloc(5, sizeof(*problem->stage));
	set_stage(&problem->stage[0], "s1", 0, 1, 1);
	set_stage(&problem->stage[1], "s2", 1, 1, 0);
	set_stage(&problem->stage[2], "s3", 2, 0, 0);
	set_stage(&problem->stage[3], "s4", 0, 0, 0);
	set_stage(&problem->stage[4], "s5", 0, 0, 0);
	stingy_problem_set_colours(problem, 2);
	problem->order = calloc(1, sizeof(*problem->order));
	problem->order[0] = (struct stingy_problem_order){.more = 1, .less = 0};
	problem->n_orders = 1;
}

static void figure_2_has_the_papers_constraints(void **state)
{
	static const char expected[] = "tau = 28672\n"
				       "stage s1: 4096 <= tau\n"
				       "stage s2: 4096*n_O2 + 4096 <= tau\n"
				       "stage s3: 4096*n_O1 + 4096*n_O2 <= tau\n"
				       "order: n_O2 >= n_O1\n"
				       "layout: 4096*r_0 + 4096*r_1 <= tau\n"
				       "run: r_0 >= 1\n"
				       "run: r_1 >= 1\n"
				       "bounds: 1 <= n_O1 <= r_0, n_O1 <= 7\n"
				       "bounds: 1 <= n_O2 <= r_1, n_O2 <= 7\n";
	struct stingy_problem problem;
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	make_figure_2(&problem);
	stingy_problem_print(&problem, out);
	fclose(out);
	assert_string_equal(text, expected);
	stingy_problem_fini(&problem);
}

static void figure_2_has_the_papers_solution(void **state)
{
	struct stingy_solution solution;
	struct stingy_problem problem;
	uint32_t n[2];

	(void)state;
	make_figure_2(&problem);
	assert_int_equal(stingy_program_solve(&problem, &any, n, &solution), 0);
	assert_int_equal(n[0], 3);
	assert_int_equal(n[1], 4);
	assert_true(fabs(solution.objective - 0.2 * (1.0 / 4 + 1.0 / 4 + 1.0 / 3)) < 1e-12);
	assert_true(solution.gap == 0);
	stingy_solution_fini(&solution);
	stingy_problem_fini(&problem);
}

static void nothing_fits_is_told(void **state)
{
	struct stingy_solution solution;
	struct stingy_problem problem;
	uint32_t n[2];

	(void)state;
	make_figure_2(&problem);
	problem.tau = 2 * SIZE - 1;
	assert_int_equal(stingy_program_solve(&problem, &any, n, &solution), -1);
	problem.tau = 2 * SIZE;
	assert_int_equal(stingy_program_solve(&problem, &any, n, &solution), 0);
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 1);
	stingy_solution_fini(&solution);
	stingy_problem_fini(&problem);
}

/* However few instances the stages gain by, a region must hold what one run allocates: else none is ever let run. */
static void regions_hold_what_a_run_allocates(void **state)
{
	struct stingy_problem problem;
	uint32_t n[2] = {1, 1};

	(void)state;
	make_figure_2(&problem);
	problem.stage[0].count[0] = 5;
	stingy_problem_set_colours(&problem, 2);
	assert_true(stingy_problem_is_feasible(&problem, n));
	problem.stage[1].count[0] = 3;
	stingy_problem_set_colours(&problem, 2);
	assert_int_equal(stingy_problem_layout_bytes(&problem, n), (5 + 3) * SIZE);
	assert_false(stingy_problem_is_feasible(&problem, n));
	stingy_problem_fini(&problem);
}

/* Without that, all that is given away would go to the kind with the higher bound, and leave the other one slot. */
static void layouts_hold_what_a_run_allocates(void **state)
{
	struct stingy_solution solution;
	struct stingy_problem problem;
	struct stingy_layout layout;
	uint32_t n[2];

	(void)state;
	make_figure_2(&problem);
	problem.n_orders = 0;
	problem.kind[1].max = 1;
	problem.stage[0].count[0] = 5;
	stingy_problem_set_colours(&problem, 2);
	assert_int_equal(stingy_program_solve(&problem, &any, n, &solution), 0);
	assert_int_equal(n[1], 1);
	stingy_layout_init(&layout, &problem, n, 64);
	assert_int_equal(layout.region[0].count, 2);
	assert_int_equal(layout.region[1].count, 5);
	stingy_layout_fini(&layout);
	stingy_solution_fini(&solution);
	stingy_problem_fini(&problem);
}

static void make_stage(struct stingy_problem *problem, struct stingy_problem_stage *stage)
{
	stage->name = copy("s");
	stage->weight = below(10);
	stage->live = calloc(KINDS_MAX, sizeof(*stage->live));
	stage->allocates = calloc(KINDS_MAX, sizeof(*stage->allocates));
	stage->count = calloc(KINDS_MAX, sizeof(*stage->count));
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		if (below(2))
			stage->live[stage->n_live++] = i;
		if (below(3))
			continue;
		stage->count[stage->n_allocates] = 1 + below(2);
		stage->allocates[stage->n_allocates++] = i;
	}
}

/* Orders go from lower to higher numbers: they hold no cycle, as in a trace. */
static void make_orders(struct stingy_problem *problem)
{
	problem->order = calloc(KINDS_MAX * KINDS_MAX, sizeof(*problem->order));
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		for (uint32_t j = i + 1; j < problem->n_kinds; j++)
			if (below(4) == 0)
				problem->order[problem->n_orders++] = (struct stingy_problem_order){i, j, 0};
}

static void make_random(struct stingy_problem *problem)
{
	memset(problem, 0, sizeof(*problem));
	problem->tau = 4096 + 1024 * below(40);
	problem->n_kinds = 1 + below(KINDS_MAX);
	problem->kind = calloc(KINDS_MAX, sizeof(*problem->kind));
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		struct stingy_problem_kind *kind = &problem->kind[i];

		kind->name = copy("k");
		kind->size = 16 * (1 + below(256));
		kind->max = 1 + below(COUNT_MAX);
		kind->per_task = 1 + below(3);
		kind->colour = below(2) ? i : 0;
	}
	problem->n_stages = 1 + below(STAGES_MAX);
	problem->stage = calloc(STAGES_MAX, sizeof(*problem->stage));
	for (uint32_t i = 0; i < problem->n_stages; i++)
		make_stage(problem, &problem->stage[i]);
	make_orders(problem);
	stingy_problem_set_colours(problem, problem->n_kinds);
}

static void try_all(const struct stingy_problem *problem, uint32_t *n, uint32_t at, double *best)
{
	double objective;

	if (at < problem->n_kinds) {
		for (n[at] = 1; n[at] <= problem->kind[at].max; n[at]++)
			try_all(problem, n, at + 1, best);
		return;
	}
	if (!stingy_problem_is_feasible(problem, n))
		return;
	objective = stingy_problem_objective(problem, n);
	if (objective < *best)
		*best = objective;
}

static void random_instances_are_solved_to_the_optimum(void **state)
{
	unsigned n_feasible = 0;

	(void)state;
	seed_random(24);
	for (unsigned i = 0; i < INSTANCES; i++) {
		uint32_t n[KINDS_MAX], trial[KINDS_MAX];
		struct stingy_solution solution;
		struct stingy_problem problem;
		double best = INFINITY;
		int result;

		make_random(&problem);
		try_all(&problem, trial, 0, &best);
		result = stingy_program_solve(&problem, &any, n, &solution);
		assert_int_equal(result, isinf(best) ? -1 : 0);
		if (result == 0) {
			n_feasible++;
			assert_true(stingy_problem_is_feasible(&problem, n));
			assert_true(fabs(stingy_problem_objective(&problem, n) - solution.objective) < 1e-9);
			if (fabs(solution.objective - best) > 1e-9)
				fail_msg("instance %u: %.12f, but %.12f is possible", i, solution.objective, best);
			assert_true(solution.gap == 0);
			stingy_solution_fini(&solution);
		}
		stingy_problem_fini(&problem);
	}
	/* A test of instances none of which can be solved would be none. */
	assert_true(n_feasible > INSTANCES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_2_has_the_papers_constraints),
		cmocka_unit_test(figure_2_has_the_papers_solution),
		cmocka_unit_test(nothing_fits_is_told),
		cmocka_unit_test(regions_hold_what_a_run_allocates),
		cmocka_unit_test(layouts_hold_what_a_run_allocates),
		cmocka_unit_test(random_instances_are_solved_to_the_optimum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
