#define _GNU_SOURCE /* qsort_r */
#include "account.h"

#include "classes.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define KIB 1024.0

const char *stingy_account_bound(enum stingy_bound_by by)
{
	static const char *const names[] = {
		[STINGY_BOUND_BY_GRAPH] = "made in no cycle of stages",
		[STINGY_BOUND_BY_TRACE] = "in a cycle, bounded by the traces",
		[STINGY_BOUND_BY_USER] = "bounded by the user",
		[STINGY_BOUND_BY_NOTHING] = "in a cycle, not bounded",
	};

	return names[by];
}

const char *stingy_account_colours(enum stingy_colour_proof proof)
{
	static const char *const names[] = {
		[STINGY_COLOUR_DSATUR] = "fewer may be possible",
		[STINGY_COLOUR_FEWEST] = "no fewer are possible, though they may take fewer bytes",
		[STINGY_COLOUR_BEST] = "no fewer are possible, nor fewer bytes",
	};

	return names[proof];
}

const char *stingy_account_end(enum stingy_program_end end)
{
	static const char *const names[] = {
		[STINGY_PROGRAM_BOUNDS] = "all kinds have as many instances as could be of use",
		[STINGY_PROGRAM_OPTIMUM] = "the optimum, or within the gap asked for",
		[STINGY_PROGRAM_NODES] = "the nodes of the search ran out",
		[STINGY_PROGRAM_TIME] = "the time ran out",
		[STINGY_PROGRAM_ARITHMETIC] = "the search ended early, for numerical reasons",
	};

	return names[end];
}

static double mean(uint64_t sum, uint64_t n)
{
	return n ? (double)sum / (double)n : 0;
}

/* A price as a part of the objective. */
static double part(const struct stingy_solve *solve, double price)
{
	return solve->solution.objective > 0 ? price / solve->solution.objective : 0;
}

static void place_kind(struct stingy_account *account, const struct stingy_plan_kind *planned)
{
	const struct stingy_plan *plan = &account->solve->plan;
	struct stingy_account_kind *kind = &account->kind[planned->kind];

	kind->laid = kind->solved = planned->n;
	kind->region = planned->region;
	kind->is_in_high = stingy_plan_is_high(plan, planned->region);
	kind->cached = kind->is_in_high ? 0 : account->solve->in_region_of[planned->kind];
	kind->high = planned->high;
	kind->bytes = (uint64_t)plan->region[planned->region].slot * plan->region[planned->region].count;
	for (uint32_t i = 0; i < plan->n_kinds; i++)
		kind->n_sharing += plan->kind[i].region == planned->region;
}

/* One thread's objects and tasks: each has a cache of its own. */
static double held(const struct stingy_solve *solve, uint32_t kind)
{
	double tasks = (double)solve->census.max_tasks_in_thread * solve->bounds.kind[kind].per_task;
	double part_of = tasks > 0 ? solve->census.unit[kind].max_live_in_thread / tasks : 0;

	return part_of < 1 ? part_of : 1;
}

static void account_kinds(struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_problem *problem = &solve->model.problem;

	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++) {
		const struct stingy_unit *unit = &solve->census.unit[i];
		struct stingy_account_kind *kind = &account->kind[i];

		kind->left_out = solve->model.left_out[i];
		kind->bound = &solve->bounds.kind[i];
		kind->size = unit->served ? stingy_model_size(unit, solve->choices.cover) : 0;
		kind->lines = (uint32_t)((kind->size + solve->cache.line - 1) / solve->cache.line);
		kind->allocations = unit->serving;
		kind->served = solve->served_of ? solve->served_of[i] : 0;
		kind->held = held(solve, i);
		kind->problem = STINGY_NO_UNIT;
		kind->high = UINT32_MAX;
	}
	for (uint32_t i = 0; i < solve->plan.n_kinds; i++)
		place_kind(account, &solve->plan.kind[i]);
	for (uint32_t i = 0; solve->n && i < problem->n_kinds; i++) {
		struct stingy_account_kind *kind = &account->kind[solve->model.kind[i]];

		kind->problem = i;
		kind->solved = solve->n[i];
		if (solve->solution.max_price)
			kind->max_price = part(solve, solve->solution.max_price[i]);
	}
}

static int compare_kinds(const void *a, const void *b, void *data)
{
	const struct stingy_account *account = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t n_x = account->kind[x].allocations, n_y = account->kind[y].allocations;

	if (n_x != n_y)
		return n_x < n_y ? 1 : -1;
	return (x > y) - (x < y);
}

static void sort_kinds(struct stingy_account *account)
{
	uint32_t n = account->solve->kinds.n_kinds;

	for (uint32_t i = 0; i < n; i++)
		account->order_of_kinds[i] = i;
	qsort_r(account->order_of_kinds, n, sizeof(*account->order_of_kinds), compare_kinds, account);
}

/* The kind of which there are the fewest for a task, and how many tasks it lets the stage be run for. */
static void bound_stage(const struct stingy_solve *solve, const struct stingy_problem_stage *from,
			struct stingy_account_stage *stage)
{
	uint32_t n;
	const uint32_t *bounding = stingy_problem_bounding(from, &n);

	stage->tasks = STINGY_ACCOUNT_UNBOUNDED;
	stage->bound_by = STINGY_NO_UNIT;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t tasks = solve->layout.n[bounding[i]] / solve->model.problem.kind[bounding[i]].per_task;

		if (tasks >= stage->tasks)
			continue;
		stage->tasks = tasks;
		stage->bound_by = bounding[i];
	}
}

static void account_stages(struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_problem *problem = &solve->model.problem;

	for (uint32_t i = 0; i < problem->n_stages; i++) {
		const struct stingy_problem_stage *from = &problem->stage[i];
		struct stingy_account_stage *stage = &account->stage[i];
		const struct stingy_census_stage *seen;

		stage->source = solve->model.stage[i];
		seen = &solve->census.stage[stage->source];
		stage->runs = seen->runs;
		stage->first_ns = mean(seen->first_ns, seen->firsts);
		stage->rest_ns = mean(seen->rest_ns, seen->rests);
		stage->in_cycle = solve->bounds.stage[stage->source];
		stage->bytes = stingy_problem_stage_bytes(problem, from, solve->layout.n);
		bound_stage(solve, from, stage);
		if (solve->solution.stage_price)
			stage->price = KIB * part(solve, solve->solution.stage_price[i]);
		if (stage->tasks != STINGY_ACCOUNT_UNBOUNDED)
			account->alone += from->weight;
	}
}

static void account_orders(struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;

	for (uint32_t i = 0; solve->solution.order_price && i < solve->model.problem.n_orders; i++)
		account->order[i].price = part(solve, solve->solution.order_price[i]);
}

static void account_classes(struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;

	for (uint32_t i = 0; i < solve->chains.n_chains; i++) {
		const struct stingy_unit *unit = &solve->atoms.unit[i];
		struct stingy_account_class *class = &account->class[stingy_class_of(&solve->atoms, unit)];

		class->n_chains++;
		class->serving += unit->serving;
		class->setup += unit->setup;
	}
}

static void predict(struct stingy_account *account, uint64_t tasks)
{
	struct stingy_account_load *load = &account->load[account->n_loads++];
	uint64_t cache = account->solve->cache.size;

	load->tasks = tasks;
	load->bytes = (uint64_t)((double)tasks * account->bytes_per_task) + account->solve->globals.bytes;
	load->beyond = load->bytes > cache ? 1 - (double)cache / (double)load->bytes : 0;
	load->avoided = load->beyond * account->lines_per_task;
}

/* Adds what a task holds of the kind while others run. Global state is there whatever the tasks. */
static void hold(struct stingy_account *account, uint32_t number)
{
	const struct stingy_account_kind *kind = &account->kind[number];
	uint64_t tasks = account->solve->census.tasks;

	if (account->solve->kinds.kind[number].class == STINGY_CLASS_FINAL)
		return;
	account->bytes_per_task += (double)(kind->size * kind->bound->per_task) * kind->held;
	if (tasks)
		account->lines_per_task += (double)kind->cached / (double)tasks * kind->lines * kind->held;
}

/* At the concurrency of the traces, and a few others, in ascending order. */
static void account_loads(struct stingy_account *account)
{
	static const uint64_t others[STINGY_ACCOUNT_LOADS - 1] = {100, 1000, 10000};
	const struct stingy_solve *solve = account->solve;
	uint64_t seen = solve->census.max_tasks;
	uint32_t next = 0;

	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++)
		hold(account, i);
	while (next < STINGY_ACCOUNT_LOADS - 1 && others[next] < seen)
		predict(account, others[next++]);
	predict(account, seen);
	for (; next < STINGY_ACCOUNT_LOADS - 1; next++)
		if (others[next] != seen)
			predict(account, others[next]);
}

/* What only a solution tells. */
static void account_solution(struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_plan *plan = &solve->plan;

	for (uint32_t i = plan->n_globals; i < plan->n_regions; i++)
		if (!stingy_plan_is_high(plan, i))
			account->laid_bytes += (uint64_t)plan->region[i].slot * plan->region[i].count;
	account->layout_price = KIB * part(solve, solve->solution.layout_price);
	account->tau_price = KIB * part(solve, stingy_solution_tau_price(&solve->model.problem, &solve->solution));
	account_stages(account);
	account_orders(account);
}

void stingy_account_init(struct stingy_account *account, const struct stingy_solve *solve)
{
	const struct stingy_problem *problem = &solve->model.problem;

	memset(account, 0, sizeof(*account));
	account->solve = solve;
	account->kind = stingy_memory_new(solve->kinds.n_kinds, sizeof(*account->kind));
	account->order_of_kinds = stingy_memory_new(solve->kinds.n_kinds, sizeof(*account->order_of_kinds));
	account->stage = stingy_memory_new(problem->n_stages, sizeof(*account->stage));
	account->order = stingy_memory_new(problem->n_orders, sizeof(*account->order));
	stingy_advice_take(&account->advice, solve);
	account_kinds(account);
	sort_kinds(account);
	account_classes(account);
	account_loads(account);
	if (!solve->nothing)
		account_solution(account);
}

void stingy_account_fini(struct stingy_account *account)
{
	free(account->kind);
	free(account->order_of_kinds);
	free(account->stage);
	free(account->order);
	memset(account, 0, sizeof(*account));
}
