/*
 * An account as JSON: what is in the structures, by the same names. jansson's packing steals what it is given, and
 * passes on what could not be made, so that only the whole has to be looked at.
 */
#include "account.h"

#include "classes.h"
#include "json.h"

#include <stdlib.h>

#define FORMAT_VERSION 1
#define NAME_SIZE      256u

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *text_or_null(const char *text)
{
	return text ? stingy_json_text(text) : json_null();
}

static json_t *array_of(const uint32_t *value, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(array, number(value[i]));
	return array;
}

/* The first depth frames of the chain. */
static json_t *frames_of(const struct stingy_solve *solve, uint32_t chain, uint32_t depth)
{
	const struct stingy_chain *of = &solve->chains.chain[chain];
	json_t *array = json_array();
	char name[NAME_SIZE];

	for (uint32_t i = 0; i < of->depth && i < depth; i++)
		json_array_append_new(
			array, stingy_json_text(stingy_places_print(&solve->places, of->place[i], name, sizeof(name))));
	return array;
}

static json_t *inputs_of(const struct stingy_solve *solve)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		json_array_append_new(array,
				      json_pack("{so sb sb so so}", "path", stingy_json_text(input->path), "used",
						stingy_solve_uses(solve, input), "full", input->full || input->stuck,
						"damage", text_or_null(input->damage), "damaged_at",
						input->damage ? number(input->damaged_at) : json_null()));
	}
	return array;
}

static json_t *choices_of(const struct stingy_choices *choices)
{
	return json_pack("{si si si ss so sf sf}", "cover_percent", (int)choices->cover, "head_room_percent",
			 (int)choices->head_room, "confidence_percent", (int)choices->confidence, "objective",
			 choices->stage                                  ? "concurrency"
			 : choices->objective == STINGY_OBJECTIVE_SERVED ? "served"
									 : "stages",
			 "stage", text_or_null(choices->stage), "gap", choices->limits.gap, "time_limit_seconds",
			 choices->limits.seconds);
}

static json_t *advice_of(const struct stingy_advice *advice)
{
	return json_pack("{so so so so so si}", "bytes_per_task", number(advice->per_task), "tasks_at_once",
			 number(advice->tasks), "globals_bytes", number(advice->globals), "l2",
			 json_pack("{so so}", "slab", number(advice->l2.slab), "tasks", number(advice->l2.tasks)), "l3",
			 json_pack("{so so}", "slab", number(advice->l3.slab), "tasks", number(advice->l3.tasks)),
			 "level", (int)advice->level);
}

static json_t *fates_of(const struct stingy_unit *unit)
{
	static const char *const names[STINGY_FATES] = {
		[STINGY_FATE_UNKNOWN] = "unknown",      [STINGY_FATE_TASK] = "within_task",
		[STINGY_FATE_TASK_END] = "task_end",    [STINGY_FATE_PASSED_ON] = "by_another_task",
		[STINGY_FATE_OUTLIVED] = "after_task",  [STINGY_FATE_CONNECTION] = "with_connection",
		[STINGY_FATE_NEXT] = "by_next_request", [STINGY_FATE_LEFT] = "never",
	};
	json_t *object = json_object();

	for (int i = 0; i < STINGY_FATES; i++)
		json_object_set_new(object, names[i], number(unit->fate[i]));
	return object;
}

static json_t *chain_of(const struct stingy_account *account, uint32_t chain)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_unit *unit = &solve->atoms.unit[chain];
	enum stingy_class class = stingy_class_of(&solve->atoms, unit);
	uint32_t kind = solve->kinds.kind_of[chain];

	return json_pack("{ss ss so so so so so so so}", "class", stingy_class_name(class), "reason",
			 stingy_class_reason(class), "kind", kind == STINGY_NO_UNIT ? json_null() : number(kind),
			 "serving", number(unit->serving), "setup", number(unit->setup), "max_live",
			 number(unit->max_live), "bytes",
			 unit->served ? number(stingy_model_size(unit, solve->choices.cover)) : json_null(), "fates",
			 fates_of(unit), "frames", frames_of(solve, chain, UINT32_MAX));
}

static json_t *chains_of(const struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;
	uint32_t *sorted = stingy_chains_sort(&solve->chains, &solve->places);
	json_t *array = json_array();

	for (uint32_t i = 0; i < solve->chains.n_chains; i++)
		if (stingy_class_of(&solve->atoms, &solve->atoms.unit[sorted[i]]) != STINGY_CLASS_UNSEEN)
			json_array_append_new(array, chain_of(account, sorted[i]));
	free(sorted);
	return array;
}

static json_t *sites_of(const struct stingy_solve *solve, uint32_t kind)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < solve->kinds.n_sites; i++) {
		const struct stingy_site *site = &solve->kinds.site[i];

		if (site->kind == kind)
			json_array_append_new(array, json_pack("{so so}", "allocations", number(site->serving), "key",
							       frames_of(solve, site->chain, site->depth)));
	}
	return array;
}

static json_t *bound_of(const struct stingy_bound *bound)
{
	return json_pack("{ss so so so}", "by", stingy_account_bound(bound->by), "per_task", number(bound->per_task),
			 "tasks", number(bound->tasks), "seen", number(bound->seen));
}

/* What only a kind with a place has. */
static json_t *place_of(const struct stingy_account_kind *kind)
{
	if (!kind->n_sharing)
		return json_null();
	return json_pack("{so so so so so so}", "region", number(kind->region), "high",
			 kind->high == UINT32_MAX ? json_null() : number(kind->high), "region_bytes",
			 number(kind->bytes), "kinds_in_region", number(kind->n_sharing), "solved",
			 number(kind->solved), "laid_out", number(kind->laid));
}

static json_t *kind_of(const struct stingy_account *account, uint32_t i)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_account_kind *kind = &account->kind[i];
	const struct stingy_problem_kind *problem =
		kind->problem == STINGY_NO_UNIT ? NULL : &solve->model.problem.kind[kind->problem];

	return json_pack("{so ss ss so so so so so so sf so so sf so}", "name",
			 stingy_json_text(solve->kinds.kind[i].name), "class",
			 stingy_class_name(solve->kinds.kind[i].class), "decision", stingy_solve_decision(solve, i),
			 "allocations", number(kind->allocations), "served", number(kind->served), "bytes",
			 number(kind->size), "lines", number(kind->lines), "max_live",
			 number(solve->census.unit[i].max_live), "bound", bound_of(kind->bound), "held", kind->held,
			 "of_use_at_most", problem ? number(problem->max) : json_null(), "place", place_of(kind),
			 "gain_of_one_more", kind->max_price, "sites", sites_of(solve, i));
}

static json_t *kinds_of(const struct stingy_account *account)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < account->solve->kinds.n_kinds; i++)
		json_array_append_new(array, kind_of(account, i));
	return array;
}

/* The problem's kinds, by their numbers among all. */
static json_t *kinds_in(const struct stingy_solve *solve, const uint32_t *kind, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(array, number(solve->model.kind[kind[i]]));
	return array;
}

static json_t *stage_of(const struct stingy_account *account, uint32_t i)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_problem_stage *from = &solve->model.problem.stage[i];
	const struct stingy_account_stage *stage = &account->stage[i];

	return json_pack("{so so sf sf sf sb so so so so so so sf}", "name", stingy_json_text(from->name), "runs",
			 number(stage->runs), "first_ns", stage->first_ns, "rest_ns", stage->rest_ns, "weight",
			 from->weight, "in_cycle", stage->in_cycle, "live", kinds_in(solve, from->live, from->n_live),
			 "allocates", kinds_in(solve, from->allocates, from->n_allocates), "counts",
			 array_of(from->count, from->n_allocates), "constraint_bytes", number(stage->bytes),
			 "tasks_that_fit",
			 stage->tasks == STINGY_ACCOUNT_UNBOUNDED ? json_null() : number(stage->tasks), "bounded_by",
			 stage->bound_by == STINGY_NO_UNIT ? json_null() : number(solve->model.kind[stage->bound_by]),
			 "gain_of_one_more_kib", stage->price);
}

static json_t *stages_of(const struct stingy_account *account)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < account->solve->model.problem.n_stages; i++)
		json_array_append_new(array, stage_of(account, i));
	return array;
}

static json_t *orders_of(const struct stingy_account *account)
{
	const struct stingy_problem *problem = &account->solve->model.problem;
	json_t *array = json_array();

	for (uint32_t i = 0; i < problem->n_orders; i++) {
		const struct stingy_problem_order *order = &problem->order[i];
		uint32_t more, less;

		stingy_problem_factors(problem, order, &more, &less);
		json_array_append_new(
			array, json_pack("{so so si si so sf}", "more", number(account->solve->model.kind[order->more]),
					 "less", number(account->solve->model.kind[order->less]), "more_factor",
					 (int)more, "less_factor", (int)less, "tasks", number(order->tasks),
					 "gain_of_one_more", account->order[i].price));
	}
	return array;
}

static json_t *regions_of(const struct stingy_plan *plan)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < plan->n_regions; i++)
		json_array_append_new(array,
				      json_pack("{so so so}", "offset", number(plan->region[i].offset), "slot",
						number(plan->region[i].slot), "count", number(plan->region[i].count)));
	return array;
}

static json_t *slab_of(const struct stingy_solve *solve)
{
	const struct stingy_plan *plan = &solve->plan;

	return json_pack("{so so so so so so so so so}", "at_most", number(stingy_solve_slab(solve)), "size",
			 number(plan->slab.size), "stack", number(plan->slab.stack), "stack_measured",
			 number(solve->stack_used), "high", number(plan->slab.high), "arenas",
			 number(plan->slab.arenas), "globals_bytes", number(solve->globals.bytes), "tau",
			 number(solve->model.problem.tau), "regions", regions_of(plan));
}

static json_t *solution_of(const struct stingy_account *account)
{
	static const char *const proofs[] = {
		[STINGY_COLOUR_DSATUR] = "dsatur",
		[STINGY_COLOUR_FEWEST] = "fewest",
		[STINGY_COLOUR_BEST] = "best",
	};
	const struct stingy_solution *solution = &account->solve->solution;

	return json_pack("{sf sf sf ss so so so ss sf sf}", "objective", solution->objective, "one_by_one",
			 account->alone, "gap", solution->gap, "end", stingy_account_end(solution->end), "nodes",
			 number(solution->n_nodes), "lines", number(solution->n_lines), "colours",
			 number(account->solve->model.problem.n_colours), "colouring",
			 proofs[account->solve->model.colours], "gain_of_one_more_kib", account->tau_price,
			 "gain_of_one_more_kib_of_layout", account->layout_price);
}

static json_t *loads_of(const struct stingy_account *account)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < account->n_loads; i++) {
		const struct stingy_account_load *load = &account->load[i];

		json_array_append_new(array, json_pack("{so so sf sf}", "tasks", number(load->tasks), "bytes",
						       number(load->bytes), "beyond_cache", load->beyond,
						       "misses_avoided_per_task", load->avoided));
	}
	return array;
}

static json_t *whole(const struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_cache *cache = &solve->cache;
	json_t *object = json_pack("{si so so so so so so so so so}", "stingy_solve", FORMAT_VERSION, "program",
				   stingy_json_text(solve->places.module[solve->program].path), "inputs",
				   inputs_of(solve), "cache",
				   json_pack("{so so so}", "size", number(cache->size), "ways", number(cache->ways),
					     "line", number(cache->line)),
				   "choices", choices_of(&solve->choices), "tasks", number(solve->census.tasks),
				   "allocations", number(solve->census.serving), "served", number(solve->served),
				   "nothing", text_or_null(solve->nothing), "advice", advice_of(&account->advice));

	json_object_set_new(object, "chains", chains_of(account));
	json_object_set_new(object, "kinds", kinds_of(account));
	json_object_set_new(object, "predicted", loads_of(account));
	if (solve->nothing)
		return object;
	json_object_set_new(object, "stages", stages_of(account));
	json_object_set_new(object, "orders", orders_of(account));
	json_object_set_new(object, "slab", slab_of(solve));
	json_object_set_new(object, "solution", solution_of(account));
	return object;
}

char *stingy_account_json(const struct stingy_account *account)
{
	json_t *object = whole(account);
	char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;

	json_decref(object);
	return text;
}
