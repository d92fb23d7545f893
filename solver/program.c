#include "program.h"

#include "lp.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_KINDS 40u /* problems of more search fewer nodes, each of which takes longer */
#define SMALL_NODES 20000
#define LARGE_WORK  30000 /* nodes times kinds */
#define ROUNDS_MAX  200   /* of lines added; far more than were ever seen to be needed */
#define BELOW       1e-9  /* how far below a line counts */
#define EXACT       1e-9  /* relative: what double arithmetic leaves of a gap of 0 */

/* The columns and rows of one problem, by their numbers in the linear program; 0: there is none. */
struct program {
	const struct stingy_problem *problem;
	struct stingy_lp lp;
	int *count;  /* by kind: n */
	int *share;  /* by kind: at least 1/n; only where the objective needs it */
	int *region; /* by colour: n of the region; 0: no kind has the colour */
	int *stage;  /* by stage: row of its cache constraint */
	int *order;  /* by order constraint: its row */
	int layout;  /* row of the layout constraint */
	uint32_t *best;
	double objective; /* at best */
	struct stingy_lp_search search;
	struct stingy_solution *solution;
};

/* share >= the line through (j, 1/j) and (j+1, 1/(j+1)), times j, which keeps the numbers of all lines alike. */
static void add_line(struct program *program, uint32_t kind, uint32_t j)
{
	stingy_lp_term(&program->lp, program->share[kind], j);
	stingy_lp_term(&program->lp, program->count[kind], 1 / (j + 1.0));
	stingy_lp_at_least(&program->lp, (2.0 * j + 1) / (j + 1.0));
	program->solution->n_lines++;
}

static void add_share(struct program *program, uint32_t kind)
{
	uint32_t max = program->problem->kind[kind].max;

	if (program->share[kind])
		return;
	program->share[kind] = stingy_lp_column(&program->lp, false, 1.0 / max, 1);
	for (uint32_t j = 1; j < max; j *= 4)
		add_line(program, kind, j);
}

/* The stage's part of the objective is weight times a variable above per_task * share of each bounding kind. */
static void add_objective(struct program *program, const struct stingy_problem_stage *stage)
{
	uint32_t n, most = 1;
	const uint32_t *bounding = stingy_problem_bounding(stage, &n);
	int column;

	if (!n || stage->weight <= 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t per_task = program->problem->kind[bounding[i]].per_task;

		add_share(program, bounding[i]);
		most = per_task > most ? per_task : most;
	}
	column = stingy_lp_column(&program->lp, false, 0, most);
	stingy_lp_cost(&program->lp, column, stage->weight);
	for (uint32_t i = 0; i < n; i++) {
		stingy_lp_term(&program->lp, column, 1);
		stingy_lp_term(&program->lp, program->share[bounding[i]],
			       -(double)program->problem->kind[bounding[i]].per_task);
		stingy_lp_at_least(&program->lp, 0);
	}
}

/* What is not served: a straight line in n. */
static void add_served_objective(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	double all = 0;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		stingy_lp_cost(&program->lp, program->count[i], -problem->kind[i].worth / problem->kind[i].max);
		all += problem->kind[i].worth;
	}
	stingy_lp_cost(&program->lp, 0, all);
}

/* Returns its row; 0: there is none. */
static int add_cache_constraint(struct program *program, const struct stingy_problem_stage *stage)
{
	const struct stingy_problem *problem = program->problem;
	double left = (double)problem->tau;

	if (!stage->n_live)
		return 0;
	for (uint32_t i = 0; i < stage->n_live; i++)
		stingy_lp_term(&program->lp, program->count[stage->live[i]],
			       (double)problem->kind[stage->live[i]].size);
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		left -= (double)problem->kind[stage->allocates[i]].size * stage->count[i];
	return stingy_lp_at_most(&program->lp, left);
}

static int add_order_constraint(struct program *program, const struct stingy_problem_order *order)
{
	uint32_t more, less;

	stingy_problem_factors(program->problem, order, &more, &less);
	stingy_lp_term(&program->lp, program->count[order->more], more);
	stingy_lp_term(&program->lp, program->count[order->less], -(double)less);
	return stingy_lp_at_least(&program->lp, 0);
}

/* A region has as many instances as the largest of its kinds needs, and as one run of a stage allocates. */
static void add_regions(struct program *program)
{
	const struct stingy_problem *problem = program->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint32_t colour = problem->kind[i].colour;
		int *region = &program->region[colour];

		if (!*region)
			*region = stingy_lp_column(&program->lp, false, fmax(1, problem->least[colour]),
						   (double)problem->tau);
		stingy_lp_term(&program->lp, *region, 1);
		stingy_lp_term(&program->lp, program->count[i], -1);
		stingy_lp_at_least(&program->lp, 0);
	}
}

static int add_layout_constraint(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	double left = (double)problem->tau;

	for (uint32_t i = 0; i < problem->n_colours; i++) {
		if (!program->region[i])
			continue;
		stingy_lp_term(&program->lp, program->region[i], (double)problem->slot[i]);
		left -= (double)stingy_problem_padding(problem->slot[i]);
	}
	return stingy_lp_at_most(&program->lp, left);
}

static void build(struct program *program)
{
	const struct stingy_problem *problem = program->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		program->count[i] = stingy_lp_column(&program->lp, true, 1, problem->kind[i].max);
	for (uint32_t i = 0; i < problem->n_stages; i++) {
		program->stage[i] = add_cache_constraint(program, &problem->stage[i]);
		if (problem->objective == STINGY_OBJECTIVE_STAGES)
			add_objective(program, &problem->stage[i]);
	}
	if (problem->objective == STINGY_OBJECTIVE_SERVED)
		add_served_objective(program);
	for (uint32_t i = 0; i < problem->n_orders; i++)
		program->order[i] = add_order_constraint(program, &problem->order[i]);
	add_regions(program);
	program->layout = add_layout_constraint(program);
}

/* Adds the line that a kind's share lies below at count, if it does. Returns how many lines were added. */
static int correct(struct program *program, uint32_t kind, double count, double share)
{
	uint32_t max = program->problem->kind[kind].max, j = (uint32_t)floor(count + BELOW);
	double line;

	if (!program->share[kind] || max == 1)
		return 0;
	j = j < 1 ? 1 : j >= max ? max - 1 : j;
	line = (2.0 * j + 1 - count) / ((double)j * (j + 1.0));
	if (share >= line - BELOW)
		return 0;
	add_line(program, kind, j);
	if (j > 1)
		add_line(program, kind, j - 1);
	return 1;
}

static void keep_if_better(struct program *program, const uint32_t *n)
{
	double objective = stingy_problem_objective(program->problem, n);

	if (objective >= program->objective || !stingy_problem_is_feasible(program->problem, n))
		return;
	program->objective = objective;
	memcpy(program->best, n, program->problem->n_kinds * sizeof(*n));
}

static double gap_of(const struct program *program)
{
	double gap = program->objective > 0 ? (program->objective - program->search.bound) / program->objective : 0;

	return gap > EXACT ? gap : 0;
}

/* What is just below the optimum of the relaxed program, improved, is often good enough. */
static void round_down(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	uint32_t *n = stingy_memory_new(problem->n_kinds, sizeof(*n));

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		n[i] = (uint32_t)floor(stingy_lp_relaxed(&program->lp, program->count[i]) + BELOW);
	stingy_problem_lower(problem, n);
	stingy_problem_improve(problem, n);
	keep_if_better(program, n);
	free(n);
}

/* A price that is below 0 by what arithmetic leaves is none. */
static double price(double dual)
{
	return fmax(0, dual);
}

/* One instance more than the bound would let 1/n, too, go lower. */
static double max_price(const struct program *program, uint32_t kind)
{
	double max = program->problem->kind[kind].max,
	       dual = -stingy_lp_column_dual(&program->lp, program->count[kind]);

	if (program->share[kind])
		dual += stingy_lp_column_dual(&program->lp, program->share[kind]) / (max * (max + 1));
	return price(dual);
}

/* For just after the relaxed program: a search leaves no duals. */
static void take_prices(const struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	struct stingy_solution *solution = program->solution;

	for (uint32_t i = 0; i < problem->n_stages; i++)
		if (program->stage[i])
			solution->stage_price[i] = price(-stingy_lp_row_dual(&program->lp, program->stage[i]));
	for (uint32_t i = 0; i < problem->n_orders; i++)
		solution->order_price[i] = price(stingy_lp_row_dual(&program->lp, program->order[i]));
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		solution->max_price[i] = max_price(program, i);
	solution->layout_price = price(-stingy_lp_row_dual(&program->lp, program->layout));
}

/* Solves without integrality until no line is missing. */
static enum stingy_lp_end relax(struct program *program)
{
	int lines = 1;

	for (unsigned round = 0; lines && round < ROUNDS_MAX; round++) {
		enum stingy_lp_end end = stingy_lp_relax(&program->lp);

		if (end != STINGY_LP_SOLVED)
			return end;
		program->search.bound = stingy_lp_relaxed_cost(&program->lp);
		lines = 0;
		for (uint32_t i = 0; i < program->problem->n_kinds; i++)
			if (program->share[i])
				lines += correct(program, i, stingy_lp_relaxed(&program->lp, program->count[i]),
						 stingy_lp_relaxed(&program->lp, program->share[i]));
	}
	take_prices(program);
	round_down(program);
	return STINGY_LP_SOLVED;
}

/* Looks at an integer solution. Returns the lines that it shows to be missing. */
static int take_integer(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	uint32_t *n = stingy_memory_new(problem->n_kinds, sizeof(*n));
	int lines = 0;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		n[i] = (uint32_t)lround(stingy_lp_integer(&program->lp, program->count[i]));
		if (program->share[i])
			lines += correct(program, i, n[i], stingy_lp_integer(&program->lp, program->share[i]));
	}
	keep_if_better(program, n);
	free(n);
	return lines;
}

/* Solves with integrality until no line is missing; at a limit, more lines would only be more of the same. */
static enum stingy_lp_end branch(struct program *program)
{
	enum stingy_lp_end end = STINGY_LP_SOLVED;
	int lines = 1;

	for (unsigned round = 0; lines && gap_of(program) > program->search.gap && round < ROUNDS_MAX; round++) {
		end = stingy_lp_relax(&program->lp);
		if (end != STINGY_LP_SOLVED)
			return end;
		end = stingy_lp_search(&program->lp, &program->search);
		program->solution->n_nodes += program->search.n_nodes;
		lines = program->search.found ? take_integer(program) : 0;
		if (end != STINGY_LP_SOLVED)
			return end;
	}
	return end;
}

static void init(struct program *program, const struct stingy_program_limits *limits)
{
	const struct stingy_problem *problem = program->problem;
	struct stingy_solution *solution = program->solution;
	bool small = problem->n_kinds <= SMALL_KINDS;

	program->count = stingy_memory_new(problem->n_kinds, sizeof(*program->count));
	program->share = stingy_memory_new(problem->n_kinds, sizeof(*program->share));
	program->region = stingy_memory_new(problem->n_colours, sizeof(*program->region));
	program->stage = stingy_memory_new(problem->n_stages, sizeof(*program->stage));
	program->order = stingy_memory_new(problem->n_orders, sizeof(*program->order));
	solution->stage_price = stingy_memory_new(problem->n_stages, sizeof(*solution->stage_price));
	solution->order_price = stingy_memory_new(problem->n_orders, sizeof(*solution->order_price));
	solution->max_price = stingy_memory_new(problem->n_kinds, sizeof(*solution->max_price));
	program->search.gap = limits->gap;
	if (limits->seconds <= 0)
		program->search.nodes = small ? SMALL_NODES : LARGE_WORK / (int)problem->n_kinds;
	stingy_lp_new(&program->lp, limits->seconds);
}

static void fini(struct program *program)
{
	stingy_lp_free(&program->lp);
	free(program->count);
	free(program->share);
	free(program->region);
	free(program->stage);
	free(program->order);
}

/* The objective falls as counts rise: if all the bounds fit, they are the answer; one of each is where to start. */
static int try_bounds(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	uint32_t *n = stingy_memory_new(problem->n_kinds, sizeof(*n));
	int result;

	program->objective = INFINITY;
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		n[i] = 1;
	keep_if_better(program, n);
	result = isinf(program->objective) ? -1 : 0;
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		n[i] = problem->kind[i].max;
	if (stingy_problem_is_feasible(problem, n)) {
		memcpy(program->best, n, problem->n_kinds * sizeof(*n));
		program->objective = program->search.bound = stingy_problem_objective(problem, n);
		result = 1;
	}
	free(n);
	return result;
}

static enum stingy_program_end search(struct program *program, const struct stingy_program_limits *limits)
{
	static const enum stingy_program_end ends[] = {
		[STINGY_LP_SOLVED] = STINGY_PROGRAM_OPTIMUM,
		[STINGY_LP_NODES] = STINGY_PROGRAM_NODES,
		[STINGY_LP_TIME] = STINGY_PROGRAM_TIME,
		[STINGY_LP_FAILED] = STINGY_PROGRAM_ARITHMETIC,
	};
	enum stingy_lp_end end;

	init(program, limits);
	build(program);
	end = relax(program);
	if (end == STINGY_LP_SOLVED && gap_of(program) > program->search.gap)
		end = branch(program);
	fini(program);
	return ends[end];
}

int stingy_program_solve(const struct stingy_problem *problem, const struct stingy_program_limits *limits, uint32_t *n,
			 struct stingy_solution *solution)
{
	struct program program = {.problem = problem, .best = n, .solution = solution};
	int result;

	memset(solution, 0, sizeof(*solution));
	result = try_bounds(&program);
	if (result < 0)
		return -1;
	if (result == 0)
		solution->end = search(&program, limits);
	solution->objective = program.objective;
	solution->gap = gap_of(&program);
	return 0;
}
