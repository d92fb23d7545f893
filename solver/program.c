#include "program.h"

#include "memory.h"

#include <glpk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_KINDS 40u /* problems of more are solved to a gap */
#define LARGE_GAP   0.005
#define SMALL_NODES 20000
#define LARGE_WORK  30000 /* nodes times kinds */
#define ROUNDS_MAX  200   /* of lines added; far more than were ever seen to be needed */
#define BELOW       1e-9  /* how far below a line counts */
#define EXACT       1e-9  /* relative: what double arithmetic leaves of a gap of 0 */

/* The columns and rows of one problem. Numbers of columns count from 1, as GLPK's do; 0: there is none. */
struct program {
	const struct stingy_problem *problem;
	glp_prob *lp;
	int *count;    /* by kind: n */
	int *share;    /* by kind: at least 1/n; only where the objective needs it */
	int *region;   /* by colour: n of the region; 0: no kind has the colour */
	int *column;   /* room for one row */
	double *value; /* room for one row */
	double bound;  /* proven: no solution is below */
	uint32_t *best;
	double objective; /* at best */
	double gap;       /* good enough */
	int nodes;        /* at most */
};

static int add_column(struct program *program, int kind, double low, double high)
{
	int column = glp_add_cols(program->lp, 1);

	glp_set_col_kind(program->lp, column, kind);
	if (high > low)
		glp_set_col_bnds(program->lp, column, GLP_DB, low, high);
	else
		glp_set_col_bnds(program->lp, column, GLP_FX, low, low);
	return column;
}

/* Adds the row of the n terms in column and value, which count from 1. */
static void add_row(struct program *program, int n, int type, double bound)
{
	int row = glp_add_rows(program->lp, 1);

	glp_set_row_bnds(program->lp, row, type, bound, bound);
	glp_set_mat_row(program->lp, row, n, program->column, program->value);
}

static void set_term(struct program *program, int term, int column, double value)
{
	program->column[term] = column;
	program->value[term] = value;
}

/* share >= the line through (j, 1/j) and (j+1, 1/(j+1)), times j, which keeps the numbers of all lines alike. */
static void add_line(struct program *program, uint32_t kind, uint32_t j)
{
	set_term(program, 1, program->share[kind], j);
	set_term(program, 2, program->count[kind], 1 / (j + 1.0));
	add_row(program, 2, GLP_LO, (2.0 * j + 1) / (j + 1.0));
}

static void add_share(struct program *program, uint32_t kind)
{
	uint32_t max = program->problem->kind[kind].max;

	if (program->share[kind])
		return;
	program->share[kind] = add_column(program, GLP_CV, 1.0 / max, 1);
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
	column = add_column(program, GLP_CV, 0, most);
	glp_set_obj_coef(program->lp, column, stage->weight);
	for (uint32_t i = 0; i < n; i++) {
		set_term(program, 1, column, 1);
		set_term(program, 2, program->share[bounding[i]],
			 -(double)program->problem->kind[bounding[i]].per_task);
		add_row(program, 2, GLP_LO, 0);
	}
}

static void add_cache_constraint(struct program *program, const struct stingy_problem_stage *stage)
{
	const struct stingy_problem *problem = program->problem;
	double left = (double)problem->tau;

	if (!stage->n_live)
		return;
	for (uint32_t i = 0; i < stage->n_live; i++)
		set_term(program, (int)i + 1, program->count[stage->live[i]],
			 (double)problem->kind[stage->live[i]].size);
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		left -= (double)problem->kind[stage->allocates[i]].size * stage->count[i];
	add_row(program, (int)stage->n_live, GLP_UP, left);
}

static void add_order_constraint(struct program *program, const struct stingy_problem_order *order)
{
	uint32_t more, less;

	stingy_problem_factors(program->problem, order, &more, &less);
	set_term(program, 1, program->count[order->more], more);
	set_term(program, 2, program->count[order->less], -(double)less);
	add_row(program, 2, GLP_LO, 0);
}

/* A region has as many instances as the largest of its kinds needs, and as one run of a stage allocates. */
static void add_regions(struct program *program)
{
	const struct stingy_problem *problem = program->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint32_t colour = problem->kind[i].colour;
		int *region = &program->region[colour];

		if (!*region)
			*region = add_column(program, GLP_CV, fmax(1, problem->least[colour]), (double)problem->tau);
		set_term(program, 1, *region, 1);
		set_term(program, 2, program->count[i], -1);
		add_row(program, 2, GLP_LO, 0);
	}
}

static void add_layout_constraint(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	double left = (double)problem->tau;
	int terms = 0;

	for (uint32_t i = 0; i < problem->n_colours; i++) {
		if (!program->region[i])
			continue;
		set_term(program, ++terms, program->region[i], (double)problem->slot[i]);
		left -= (double)stingy_problem_padding(problem->slot[i]);
	}
	add_row(program, terms, GLP_UP, left);
}

static void build(struct program *program)
{
	const struct stingy_problem *problem = program->problem;

	glp_set_obj_dir(program->lp, GLP_MIN);
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		program->count[i] = add_column(program, GLP_IV, 1, problem->kind[i].max);
	for (uint32_t i = 0; i < problem->n_stages; i++) {
		add_cache_constraint(program, &problem->stage[i]);
		add_objective(program, &problem->stage[i]);
	}
	for (uint32_t i = 0; i < problem->n_orders; i++)
		add_order_constraint(program, &problem->order[i]);
	add_regions(program);
	add_layout_constraint(program);
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
	double gap = program->objective > 0 ? (program->objective - program->bound) / program->objective : 0;

	return gap > EXACT ? gap : 0;
}

/*
 * Rows were added to an optimum: the dual simplex goes on from there. Where it fails in its arithmetic, a fresh start
 * with the presolver does not.
 */
static int solve_relaxed(struct program *program)
{
	glp_smcp options;

	glp_init_smcp(&options);
	options.msg_lev = GLP_MSG_OFF;
	options.meth = GLP_DUALP;
	glp_scale_prob(program->lp, GLP_SF_AUTO);
	if (glp_simplex(program->lp, &options) == 0 && glp_get_status(program->lp) == GLP_OPT)
		return 0;
	glp_std_basis(program->lp);
	options.presolve = GLP_ON;
	options.meth = GLP_PRIMAL;
	return glp_simplex(program->lp, &options) == 0 && glp_get_status(program->lp) == GLP_OPT ? 0 : -1;
}

/* What is just below the optimum of the relaxed program, improved, is often good enough. */
static void round_down(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	uint32_t *n = stingy_memory_new(problem->n_kinds, sizeof(*n));

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		n[i] = (uint32_t)floor(glp_get_col_prim(program->lp, program->count[i]) + BELOW);
	stingy_problem_lower(problem, n);
	stingy_problem_improve(problem, n);
	keep_if_better(program, n);
	free(n);
}

/* Solves without integrality until no line is missing. */
static int relax(struct program *program)
{
	int lines = 1;

	for (unsigned round = 0; lines && round < ROUNDS_MAX; round++) {
		if (solve_relaxed(program) < 0)
			return -1;
		program->bound = glp_get_obj_val(program->lp);
		lines = 0;
		for (uint32_t i = 0; i < program->problem->n_kinds; i++)
			if (program->share[i])
				lines += correct(program, i, glp_get_col_prim(program->lp, program->count[i]),
						 glp_get_col_prim(program->lp, program->share[i]));
	}
	round_down(program);
	return 0;
}

/* GLPK's call-back: notes the bound proven so far, and stops at the limit. */
static void watch(glp_tree *tree, void *data)
{
	glp_prob *lp = glp_ios_get_prob(tree);
	struct program *program = data;
	int total, best = glp_ios_best_node(tree);

	if (best) {
		double bound = glp_ios_node_bound(tree, best);

		/* Nodes that the best solution has overtaken may still be there. */
		if (glp_mip_status(lp) == GLP_FEAS)
			bound = fmin(bound, glp_mip_obj_val(lp));
		program->bound = fmax(program->bound, bound);
	}
	glp_ios_tree_size(tree, NULL, NULL, &total);
	if (total > program->nodes)
		glp_ios_terminate(tree);
}

/* One integer solution; returns the lines that it showed to be missing, or -1 if there is none. */
static int solve_integer(struct program *program, const glp_iocp *options)
{
	const struct stingy_problem *problem = program->problem;
	int result = glp_intopt(program->lp, options), status = glp_mip_status(program->lp), lines = 0;
	uint32_t *n;

	if ((result && result != GLP_ESTOP && result != GLP_EMIPGAP) || (status != GLP_OPT && status != GLP_FEAS))
		return -1;
	if (status == GLP_OPT && result == 0)
		program->bound = fmax(program->bound, glp_mip_obj_val(program->lp));
	n = stingy_memory_new(problem->n_kinds, sizeof(*n));
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		n[i] = (uint32_t)lround(glp_mip_col_val(program->lp, program->count[i]));
		if (program->share[i])
			lines += correct(program, i, n[i], glp_mip_col_val(program->lp, program->share[i]));
	}
	keep_if_better(program, n);
	free(n);
	/* At the limit of nodes, more lines would only be more of the same. */
	return result == GLP_ESTOP ? 0 : lines;
}

static void branch(struct program *program)
{
	glp_iocp options;
	int lines = 1;

	glp_init_iocp(&options);
	options.msg_lev = GLP_MSG_OFF;
	options.cb_func = watch;
	options.cb_info = program;
	options.mip_gap = program->gap;
	for (unsigned round = 0; lines > 0 && gap_of(program) > program->gap && round < ROUNDS_MAX; round++) {
		if (solve_relaxed(program) < 0)
			return;
		lines = solve_integer(program, &options);
	}
}

static void init(struct program *program)
{
	const struct stingy_problem *problem = program->problem;
	uint32_t widest = problem->n_colours;
	bool small = problem->n_kinds <= SMALL_KINDS;

	for (uint32_t i = 0; i < problem->n_stages; i++)
		widest = problem->stage[i].n_live > widest ? problem->stage[i].n_live : widest;
	program->count = stingy_memory_new(problem->n_kinds, sizeof(*program->count));
	program->share = stingy_memory_new(problem->n_kinds, sizeof(*program->share));
	program->region = stingy_memory_new(problem->n_colours, sizeof(*program->region));
	program->column = stingy_memory_new((size_t)widest + 3, sizeof(*program->column));
	program->value = stingy_memory_new((size_t)widest + 3, sizeof(*program->value));
	program->gap = small ? 0 : LARGE_GAP;
	program->nodes = small ? SMALL_NODES : LARGE_WORK / (int)problem->n_kinds;
	program->lp = glp_create_prob();
}

static void fini(struct program *program)
{
	glp_delete_prob(program->lp);
	free(program->count);
	free(program->share);
	free(program->region);
	free(program->column);
	free(program->value);
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
		program->objective = program->bound = stingy_problem_objective(problem, n);
		result = 1;
	}
	free(n);
	return result;
}

int stingy_program_solve(const struct stingy_problem *problem, uint32_t *n, struct stingy_solution *solution)
{
	struct program program = {.problem = problem, .best = n};
	int result = try_bounds(&program);

	if (result < 0)
		return -1;
	if (result == 0) {
		glp_term_out(GLP_OFF);
		init(&program);
		build(&program);
		if (relax(&program) == 0 && gap_of(&program) > program.gap)
			branch(&program);
		fini(&program);
		glp_free_env();
	}
	solution->objective = program.objective;
	solution->gap = gap_of(&program);
	return 0;
}
