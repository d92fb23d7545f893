#include "lp.h"

#include "memory.h"

#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Milliseconds that are left, as GLPK wants them: INT_MAX stands for any number. */
static int time_left(const struct stingy_lp *lp)
{
	double left = lp->deadline > 0 ? (lp->deadline - now()) * 1000 : INT_MAX;

	return left < 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

void stingy_lp_new(struct stingy_lp *lp, double seconds)
{
	memset(lp, 0, sizeof(*lp));
	lp->deadline = seconds > 0 ? now() + seconds : 0;
	glp_term_out(GLP_OFF);
	lp->glpk = glp_create_prob();
	glp_set_obj_dir(lp->glpk, GLP_MIN);
}

void stingy_lp_free(struct stingy_lp *lp)
{
	glp_delete_prob(lp->glpk);
	glp_free_env();
	free(lp->column);
	free(lp->value);
	memset(lp, 0, sizeof(*lp));
}

int stingy_lp_column(struct stingy_lp *lp, bool integer, double low, double high)
{
	int column = glp_add_cols(lp->glpk, 1);

	glp_set_col_kind(lp->glpk, column, integer ? GLP_IV : GLP_CV);
	if (high > low)
		glp_set_col_bnds(lp->glpk, column, GLP_DB, low, high);
	else
		glp_set_col_bnds(lp->glpk, column, GLP_FX, low, low);
	return column;
}

void stingy_lp_cost(struct stingy_lp *lp, int column, double cost)
{
	glp_set_obj_coef(lp->glpk, column, cost);
}

void stingy_lp_term(struct stingy_lp *lp, int column, double value)
{
	size_t term = ++lp->n_terms;

	STINGY_GROW(lp->column, &lp->column_room, term + 1);
	STINGY_GROW(lp->value, &lp->value_room, term + 1);
	lp->column[term] = column;
	lp->value[term] = value;
}

static int add_row(struct stingy_lp *lp, int type, double bound)
{
	int row = glp_add_rows(lp->glpk, 1);

	glp_set_row_bnds(lp->glpk, row, type, bound, bound);
	glp_set_mat_row(lp->glpk, row, (int)lp->n_terms, lp->column, lp->value);
	lp->n_terms = 0;
	return row;
}

int stingy_lp_at_least(struct stingy_lp *lp, double bound)
{
	return add_row(lp, GLP_LO, bound);
}

int stingy_lp_at_most(struct stingy_lp *lp, double bound)
{
	return add_row(lp, GLP_UP, bound);
}

/* Negative: it ended, but not well. */
static int simplex(const struct stingy_lp *lp, const glp_smcp *options)
{
	int result = glp_simplex(lp->glpk, options);

	return result == 0 && glp_get_status(lp->glpk) != GLP_OPT ? -1 : result;
}

/*
 * Rows were added to an optimum: the dual simplex goes on from there. Where it fails in its arithmetic, a fresh start
 * with the presolver does not.
 */
enum stingy_lp_end stingy_lp_relax(struct stingy_lp *lp)
{
	glp_smcp options;
	int result;

	glp_init_smcp(&options);
	options.msg_lev = GLP_MSG_OFF;
	options.meth = GLP_DUALP;
	options.tm_lim = time_left(lp);
	glp_scale_prob(lp->glpk, GLP_SF_AUTO);
	result = simplex(lp, &options);
	if (result != 0 && result != GLP_ETMLIM) {
		glp_std_basis(lp->glpk);
		options.presolve = GLP_ON;
		options.meth = GLP_PRIMAL;
		options.tm_lim = time_left(lp);
		result = simplex(lp, &options);
	}
	return result == 0 ? STINGY_LP_SOLVED : result == GLP_ETMLIM ? STINGY_LP_TIME : STINGY_LP_FAILED;
}

double stingy_lp_relaxed_cost(const struct stingy_lp *lp)
{
	return glp_get_obj_val(lp->glpk);
}

double stingy_lp_relaxed(const struct stingy_lp *lp, int column)
{
	return glp_get_col_prim(lp->glpk, column);
}

double stingy_lp_row_dual(const struct stingy_lp *lp, int row)
{
	return glp_get_row_dual(lp->glpk, row);
}

double stingy_lp_column_dual(const struct stingy_lp *lp, int column)
{
	return glp_get_col_dual(lp->glpk, column);
}

/* GLPK's call-back: notes the bound proven so far, and stops at the limit. */
static void watch(glp_tree *tree, void *data)
{
	glp_prob *glpk = glp_ios_get_prob(tree);
	struct stingy_lp_search *search = data;
	int total, best = glp_ios_best_node(tree);

	if (best) {
		double bound = glp_ios_node_bound(tree, best);

		/* Nodes that the best solution has overtaken may still be there. */
		if (glp_mip_status(glpk) == GLP_FEAS)
			bound = fmin(bound, glp_mip_obj_val(glpk));
		search->bound = fmax(search->bound, bound);
	}
	glp_ios_tree_size(tree, NULL, NULL, &total);
	search->n_nodes = (uint32_t)total;
	if (search->nodes && total > search->nodes)
		glp_ios_terminate(tree);
}

static enum stingy_lp_end end_of(int result)
{
	switch (result) {
	case 0:
	case GLP_EMIPGAP:
		return STINGY_LP_SOLVED;
	case GLP_ESTOP:
		return STINGY_LP_NODES;
	case GLP_ETMLIM:
		return STINGY_LP_TIME;
	default:
		return STINGY_LP_FAILED;
	}
}

enum stingy_lp_end stingy_lp_search(struct stingy_lp *lp, struct stingy_lp_search *search)
{
	glp_iocp options;
	int result, status;

	glp_init_iocp(&options);
	options.msg_lev = GLP_MSG_OFF;
	options.cb_func = watch;
	options.cb_info = search;
	options.mip_gap = search->gap;
	options.tm_lim = time_left(lp);
	search->n_nodes = 0;
	result = glp_intopt(lp->glpk, &options);
	status = glp_mip_status(lp->glpk);
	search->found = status == GLP_OPT || status == GLP_FEAS;
	if (result == 0 && status == GLP_OPT)
		search->bound = fmax(search->bound, glp_mip_obj_val(lp->glpk));
	if (result == 0 && !search->found)
		return STINGY_LP_FAILED;
	return end_of(result);
}

double stingy_lp_integer(const struct stingy_lp *lp, int column)
{
	return glp_mip_col_val(lp->glpk, column);
}
