#include "solve.h"

#include "advice.h"
#include "cache.h"
#include "memory.h"
#include "names.h"
#include "progress.h"
#include "replay.h"
#include "solve-inputs.h"
#include "trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TASK_PART 32u /* of the slab: what one kind's objects of one task may take, for its sites to be grouped */

void stingy_solve_defaults(struct stingy_solve_options *options)
{
	memset(options, 0, sizeof(*options));
	options->min_share = STINGY_SOLVE_MIN_SHARE;
	options->share = STINGY_ADVICE_SHARE;
	options->high = STINGY_SOLVE_HIGH;
	if (stingy_cache_detect(2, &options->here) < 0)
		options->here.size = 0;
}

void stingy_solve_init(struct stingy_solve *solve, const struct stingy_solve_options *options)
{
	memset(solve, 0, sizeof(*solve));
	solve->options = options;
	solve->choices = options->choices;
	stingy_choices_settle(&solve->choices);
	solve->program = STINGY_NO_MODULE;
	stingy_places_init(&solve->places);
	stingy_chains_init(&solve->chains);
	stingy_stages_init(&solve->stages);
	solve->plan.slab.arenas = 1;
}

void stingy_solve_fini(struct stingy_solve *solve)
{
	free(solve->served_of);
	free(solve->in_region_of);
	stingy_plan_fini(&solve->plan);
	stingy_layout_fini(&solve->layout);
	stingy_solution_fini(&solve->solution);
	free(solve->n);
	stingy_model_fini(&solve->model);
	stingy_globals_fini(&solve->globals);
	stingy_bounds_fini(&solve->bounds);
	stingy_census_fini(&solve->census);
	stingy_kinds_fini(&solve->kinds);
	stingy_census_fini(&solve->atoms);
	free(solve->itself);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		stingy_input_fini(&solve->input[i]);
	free(solve->input);
	stingy_stages_fini(&solve->stages);
	stingy_chains_fini(&solve->chains);
	stingy_places_fini(&solve->places);
}

/* What is declared, by the user now or by the input, when it was recorded. */
static const struct stingy_declarations *declared(const struct stingy_solve *solve, const struct stingy_input *input)
{
	return solve->options->interface ? solve->options->interface : &input->declarations;
}

static void find_stages(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (stingy_solve_uses(solve, &solve->input[i]))
			stingy_declarations_mark(declared(solve, &solve->input[i]), &solve->places, solve->program);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (stingy_solve_uses(solve, &solve->input[i]))
			stingy_input_note_stages(&solve->input[i], &solve->stages, &solve->places, &solve->chains);
	stingy_stages_settle(&solve->stages, &solve->places, &solve->chains);
}

/* word: what that is for, as the progress tells it. */
static void take_census(struct stingy_solve *solve, struct stingy_census *census, const char *word)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (stingy_solve_uses(solve, &solve->input[i]))
			bytes += solve->input[i].served_to;
	stingy_progress_part(word, bytes);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (stingy_solve_uses(solve, &solve->input[i]))
			stingy_replay(&solve->input[i], &solve->places, &solve->stages, census);
}

uint64_t stingy_solve_slab(const struct stingy_solve *solve)
{
	return stingy_cache_slab(&solve->cache, solve->options->share);
}

const char *stingy_solve_decision(const struct stingy_solve *solve, uint32_t kind)
{
	const struct stingy_plan *plan = &solve->plan;

	if (kind == STINGY_NO_UNIT)
		return "not managed";
	if (stingy_plan_has(plan, kind) && stingy_plan_is_high(plan, plan->kind[plan->number[kind]].region))
		return "in the high slab: connections keep it from request to request";
	return stingy_model_reason(solve->model.left_out[kind]);
}

/* What the format bounds, and what leaves something for the tasks. */
static int check_options(struct stingy_solve *solve)
{
	const struct stingy_solve_options *options = solve->options;
	uint64_t slab = stingy_solve_slab(solve), all = slab + (options->is_high_asked ? options->high : 0);

	if (solve->stack && solve->stack >= slab)
		return stingy_solve_fail(solve,
					 "a stack of %" PRIu32 " bytes takes all of the cache slab, which has %" PRIu64,
					 solve->stack, slab);
	if (all * (options->arenas ? options->arenas : 1) > STINGY_MEMORY_MAX)
		return stingy_solve_fail(solve, "all arenas together take more than %u bytes", STINGY_MEMORY_MAX);
	return 0;
}

/* What must not be managed, whatever the census says. */
static void exclude(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->chains.n_chains; i++) {
		const struct stingy_chain *chain = &solve->chains.chain[i];

		solve->atoms.unit[i].is_pool = chain->is_pool;
		solve->atoms.unit[i].is_left_out = stingy_declarations_leave_out(&solve->places, chain);
	}
}

/* The user's estimates of sizes and numbers, which run time holds the objects against. */
static void take_estimates(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++) {
		struct stingy_kind *kind = &solve->kinds.kind[i];

		for (uint32_t j = 0; j < solve->n_inputs; j++)
			if (stingy_solve_uses(solve, &solve->input[j]))
				stingy_declarations_estimate(declared(solve, &solve->input[j]), &solve->places,
							     kind->place, solve->program,
							     &solve->census.unit[i].estimate, &kind->estimate);
	}
}

/* By chain, without relations. */
static void init_atoms(struct stingy_solve *solve, struct stingy_census *atoms)
{
	uint32_t n = solve->chains.n_chains;

	if (!solve->itself) {
		solve->itself = stingy_memory_new(n, sizeof(*solve->itself));
		for (uint32_t i = 0; i < n; i++)
			solve->itself[i] = i;
	}
	stingy_census_init(atoms, n, solve->itself, solve->stages.n_stages, false);
}

static void find_kinds(struct stingy_solve *solve)
{
	init_atoms(solve, &solve->atoms);
	exclude(solve);
	take_census(solve, &solve->atoms, "following objects");
	stingy_kinds_init(&solve->kinds, &solve->atoms, &solve->chains, &solve->places, solve->choices.cover,
			  stingy_solve_slab(solve) / TASK_PART);
	stingy_names_give(&solve->kinds, &solve->chains, &solve->places);
	stingy_census_init(&solve->census, solve->kinds.n_kinds, solve->kinds.kind_of, solve->stages.n_stages, true);
	take_estimates(solve);
	take_census(solve, &solve->census, "following kinds");
}

/* A trace that was cut off may lack what would have been worth managing: it is no evidence that nothing is. */
static int fail_if_damaged(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		if (input->damage && stingy_solve_uses(solve, input))
			return stingy_solve_fail(solve,
						 "'%s': cut off at byte %zu (%s), and before it nothing to manage: %s",
						 input->path, input->damaged_at, input->damage, solve->nothing);
	}
	return 0;
}

/* room: bytes that the globals may take. */
static void model_with(struct stingy_solve *solve, uint64_t room)
{
	uint64_t slab = stingy_solve_slab(solve) - solve->stack;

	stingy_globals_init(&solve->globals, &solve->census, &solve->kinds, &solve->choices, room);
	solve->source = (struct stingy_model_source){
		.census = &solve->census,
		.kinds = &solve->kinds,
		.chains = &solve->chains,
		.places = &solve->places,
		.stages = &solve->stages,
		.globals = &solve->globals,
		.bounds = &solve->bounds,
		.choices = &solve->choices,
		.line = solve->cache.line,
		.slab = slab,
		.tau = slab - solve->globals.bytes,
		.min_share = solve->options->min_share,
		.is_for_tasks = solve->is_for_tasks,
	};
	stingy_model_init(&solve->model, &solve->source);
}

static void make_schedule(struct stingy_solve *solve)
{
	bool is_loop = false;

	for (uint32_t i = 0; i < solve->n_inputs; i++)
		is_loop |= stingy_solve_uses(solve, &solve->input[i]) && solve->input[i].waited &&
			   solve->input[i].accepted;
	stingy_schedule_init(&solve->schedule, &solve->options->schedule, &solve->source, &solve->model, &solve->atoms,
			     is_loop);
}

static void model_anew(struct stingy_solve *solve, uint64_t room)
{
	stingy_model_fini(&solve->model);
	stingy_globals_fini(&solve->globals);
	model_with(solve, room);
}

/*
 * Once the model shows whether the server is to be ordered, what its connections keep may be left out. Else, once it
 * shows what the tasks leave, the globals may have that: most of these are kept by connections, too.
 */
static int make_model(struct stingy_solve *solve)
{
	uint64_t part = (stingy_solve_slab(solve) - solve->stack) / STINGY_GLOBALS_PART, left;

	model_with(solve, part);
	make_schedule(solve);
	solve->is_for_tasks = solve->schedule.is_wanted && stingy_schedule_is_for_tasks(&solve->source);
	if (solve->is_for_tasks)
		model_anew(solve, part);
	left = solve->globals.bytes + stingy_model_spare(&solve->model);
	if (left > part && !solve->is_for_tasks)
		model_anew(solve, left);
	if (!solve->kinds.n_kinds)
		solve->nothing = "no object was seen to begin and end while serving";
	else if (!solve->model.problem.n_kinds && !solve->globals.n_globals)
		solve->nothing = "no object kind is worth a region of the cache";
	return solve->nothing ? fail_if_damaged(solve) : 0;
}

/* Goes through the traces once more, with the plan in force. The trial is left for its results to be read. */
static void try_out(struct stingy_solve *solve, struct stingy_trial *trial)
{
	struct stingy_census census;

	stingy_trial_init(trial, &solve->plan, solve->options->high);
	stingy_census_init(&census, solve->kinds.n_kinds, solve->kinds.kind_of, solve->stages.n_stages, false);
	census.trial = trial;
	take_census(solve, &census, "trying it out");
	stingy_census_fini(&census);
	solve->served = trial->served;
	free(solve->served_of);
	free(solve->in_region_of);
	solve->served_of = stingy_memory_new(solve->kinds.n_kinds, sizeof(*solve->served_of));
	solve->in_region_of = stingy_memory_new(solve->kinds.n_kinds, sizeof(*solve->in_region_of));
	for (uint32_t i = 0; i < solve->plan.n_kinds; i++) {
		solve->served_of[solve->plan.kind[i].kind] = trial->beside[i].served;
		solve->in_region_of[solve->plan.kind[i].kind] = trial->beside[i].in_region;
	}
}

/* All arenas together are bounded. */
static uint32_t arenas_at_most(const struct stingy_solve *solve)
{
	uint32_t fit = STINGY_MEMORY_MAX / solve->plan.slab.size;

	if (solve->options->arenas)
		return solve->options->arenas;
	return fit < STINGY_SOLVE_ARENAS ? fit : STINGY_SOLVE_ARENAS;
}

static uint32_t high_at_most(const struct stingy_solve *solve)
{
	uint32_t fit = (STINGY_MEMORY_MAX / solve->plan.slab.arenas - solve->plan.slab.size) & -STINGY_REGION_ALIGN;

	return solve->options->high < fit ? solve->options->high : fit;
}

/* What found no place in a first trial gets one in the high slab, and a second trial shows what that is worth. */
static void make_plan(struct stingy_solve *solve)
{
	const struct stingy_solve_options *options = solve->options;
	struct stingy_trial trial;

	stingy_plan_init(&solve->plan, solve->stack, &solve->globals, &solve->model, &solve->layout,
			 solve->kinds.n_kinds);
	solve->plan.slab.arenas = arenas_at_most(solve);
	stingy_plan_add_kept(&solve->plan, &solve->source, &solve->model, high_at_most(solve));
	try_out(solve, &trial);
	if (!options->arenas)
		solve->plan.slab.arenas = trial.n_arenas ? trial.n_arenas : 1;
	if (options->high) {
		stingy_plan_add_high(&solve->plan, &trial, &solve->choices, high_at_most(solve));
		stingy_trial_fini(&trial);
		try_out(solve, &trial);
	}
	stingy_trial_fini(&trial);
}

static const char *busiest(const struct stingy_problem *problem)
{
	const struct stingy_problem_stage *best = &problem->stage[0];

	for (uint32_t i = 1; i < problem->n_stages; i++)
		if (problem->stage[i].n_live + problem->stage[i].n_allocates > best->n_live + best->n_allocates)
			best = &problem->stage[i];
	return best->name;
}

/* The stage that the user named must be there. */
static int check_stage(struct stingy_solve *solve)
{
	const struct stingy_problem *problem = &solve->model.problem;

	if (!solve->choices.stage || solve->nothing)
		return 0;
	for (uint32_t i = 0; i < problem->n_stages; i++)
		if (strcmp(problem->stage[i].name, solve->choices.stage) == 0)
			return 0;
	return stingy_solve_fail(solve, "no stage is called '%s'; the busiest is '%s'", solve->choices.stage,
				 busiest(problem));
}

int stingy_solve_survey(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths)
{
	if (stingy_solve_read(solve, paths, n_paths) < 0 || stingy_solve_choose_program(solve) < 0)
		return -1;
	find_stages(solve);
	return 0;
}

void stingy_solve_graph(struct stingy_solve *solve, struct stingy_graph *graph)
{
	struct stingy_census census;

	stingy_graph_init(graph, &solve->stages, &solve->places, &solve->chains);
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		for (size_t j = 0; stingy_solve_uses(solve, input) && j < input->n_pairs; j++)
			stingy_graph_parted(graph, input->pair[j].wait, input->pair[j].chain, input->pair[j].n);
	}
	init_atoms(solve, &census);
	census.graph = graph;
	take_census(solve, &census, "drawing the graph");
	stingy_graph_finish(graph, &census);
	stingy_census_fini(&census);
}

int stingy_solve_run(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths)
{
	const struct stingy_problem *problem = &solve->model.problem;

	if (stingy_solve_survey(solve, paths, n_paths) < 0 || stingy_solve_blame_if_idle(solve) < 0 ||
	    stingy_solve_choose_cache(solve) < 0)
		return -1;
	stingy_solve_choose_stack(solve);
	if (check_options(solve) < 0)
		return -1;
	find_kinds(solve);
	stingy_bounds_init(&solve->bounds, &solve->census, &solve->kinds, &solve->choices);
	if (make_model(solve) < 0 || check_stage(solve) < 0)
		return -1;
	make_schedule(solve);
	if (solve->nothing)
		return 0;
	solve->n = stingy_memory_new(problem->n_kinds, sizeof(*solve->n));
	if (stingy_program_solve(problem, &solve->choices.limits, solve->n, &solve->solution) < 0)
		return stingy_solve_fail(solve, "not even one instance of each object kind fits the cache");
	stingy_layout_init(&solve->layout, problem, solve->n, solve->cache.line);
	make_plan(solve);
	return 0;
}
