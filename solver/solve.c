#include "solve.h"

#include "clean.h"
#include "memory.h"
#include "replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TASK_PART 32u /* of the slab: what one kind's objects of one task may take, for its sites to be grouped */

void stingy_solve_init(struct stingy_solve *solve, const struct stingy_solve_options *options)
{
	memset(solve, 0, sizeof(*solve));
	solve->options = options;
	solve->program = STINGY_NO_MODULE;
	stingy_places_init(&solve->places);
	stingy_chains_init(&solve->chains);
	stingy_stages_init(&solve->stages);
}

void stingy_solve_fini(struct stingy_solve *solve)
{
	stingy_layout_fini(&solve->layout);
	free(solve->n);
	stingy_model_fini(&solve->model);
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

static int __attribute__((format(printf, 2, 3))) fail(struct stingy_solve *solve, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(solve->error, sizeof(solve->error), format, arguments);
	va_end(arguments);
	stingy_clean(solve->error);
	return -1;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_inputs(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths)
{
	const char **sorted = stingy_memory_copy(paths, n_paths * sizeof(*paths));
	int result = 0;

	qsort(sorted, n_paths, sizeof(*sorted), compare_paths);
	solve->input = stingy_memory_new(n_paths, sizeof(*solve->input));
	for (uint32_t i = 0; i < n_paths && result == 0; i++) {
		struct stingy_input *input = &solve->input[solve->n_inputs];

		if (i && strcmp(sorted[i], sorted[i - 1]) == 0)
			continue;
		if (stingy_input_init(input, sorted[i], &solve->places, &solve->chains) == 0)
			solve->n_inputs++;
		else
			result = fail(solve, "cannot open '%s': %s", sorted[i], strerror(errno));
	}
	free(sorted);
	return result;
}

bool stingy_solve_uses(const struct stingy_solve *solve, const struct stingy_input *input)
{
	return input->program == solve->program && solve->program != STINGY_NO_MODULE;
}

/* None of the inputs serves: tells why, by the one that is most to blame. */
static int blame(struct stingy_solve *solve)
{
	const struct stingy_input *input = &solve->input[0];

	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (solve->input[i].damage)
			return fail(solve, "'%s': %s at byte %zu, and nothing before it to solve", solve->input[i].path,
				    solve->input[i].damage, solve->input[i].damaged_at);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (solve->input[i].waited)
			return fail(solve, "'%s': an event loop, but no allocation was made while serving",
				    solve->input[i].path);
	return fail(solve, "'%s': no event loop was seen, nor did the program announce its stages", input->path);
}

/* Allocations of the module while serving, as a program, over all its traces. */
static uint64_t serving_of(const struct stingy_solve *solve, uint32_t module)
{
	uint64_t serving = 0;

	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (solve->input[i].program == module)
			serving += solve->input[i].serving;
	return serving;
}

/* A shell that starts the server, or what the server starts, may leave a trace too, and even have an event loop. */
static int choose_program(struct stingy_solve *solve)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		uint32_t module = solve->input[i].program;
		uint64_t serving = module == STINGY_NO_MODULE ? 0 : serving_of(solve, module);

		if (serving < most || !serving)
			continue;
		if (serving > most || stingy_places_compare_modules(&solve->places, module, solve->program) < 0)
			solve->program = module;
		most = serving;
	}
	if (!most)
		return blame(solve);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		solve->n_used += stingy_solve_uses(solve, &solve->input[i]);
	return 0;
}

static void find_stages(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		if (!stingy_solve_uses(solve, input))
			continue;
		for (size_t j = 0; j < input->n_pairs; j++)
			stingy_stages_note(&solve->stages, &solve->places, &solve->chains, input->pair[j].wait,
					   input->pair[j].chain);
		for (size_t j = 0; j < input->n_announced; j++)
			stingy_stages_add(&solve->stages, &solve->places.place[input->announced[j]]);
	}
	stingy_stages_settle(&solve->stages, &solve->places);
}

static void take_census(struct stingy_solve *solve, struct stingy_census *census)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (stingy_solve_uses(solve, &solve->input[i]))
			stingy_replay(&solve->input[i], &solve->places, &solve->stages, census);
}

static uint64_t slab_of(const struct stingy_solve_options *options)
{
	uint64_t slab = (uint64_t)options->cache.size * options->share / 1000000;

	if (slab > STINGY_SLAB_MAX)
		slab = STINGY_SLAB_MAX;
	return slab & ~(uint64_t)(STINGY_REGION_ALIGN - 1);
}

static void find_kinds(struct stingy_solve *solve)
{
	uint32_t n = solve->chains.n_chains;

	solve->itself = stingy_memory_new(n, sizeof(*solve->itself));
	for (uint32_t i = 0; i < n; i++)
		solve->itself[i] = i;
	stingy_census_init(&solve->atoms, n, solve->itself, solve->stages.n_stages, false);
	take_census(solve, &solve->atoms);
	stingy_kinds_init(&solve->kinds, &solve->atoms, &solve->chains, &solve->places,
			  slab_of(solve->options) / TASK_PART);
	stingy_census_init(&solve->census, solve->kinds.n_kinds, solve->kinds.kind_of, solve->stages.n_stages, true);
	take_census(solve, &solve->census);
}

/* A trace that was cut off may lack what would have been worth managing: it is no evidence that nothing is. */
static int fail_if_damaged(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_input *input = &solve->input[i];

		if (input->damage && stingy_solve_uses(solve, input))
			return fail(solve, "'%s': cut off at byte %zu (%s), and before it nothing to manage: %s",
				    input->path, input->damaged_at, input->damage, solve->nothing);
	}
	return 0;
}

static int make_model(struct stingy_solve *solve)
{
	solve->source = (struct stingy_model_source){
		.census = &solve->census,
		.kinds = &solve->kinds,
		.chains = &solve->chains,
		.places = &solve->places,
		.stages = &solve->stages,
		.tau = slab_of(solve->options),
		.min_share = solve->options->min_share,
	};
	stingy_model_init(&solve->model, &solve->source);
	if (!solve->kinds.n_kinds)
		solve->nothing = "no object was seen to begin and end while serving";
	else if (!solve->model.problem.n_kinds)
		solve->nothing = "no object kind is worth a region of the cache";
	return solve->nothing ? fail_if_damaged(solve) : 0;
}

/* Goes through the traces once more, with the layout in force. */
static void try_out(struct stingy_solve *solve)
{
	const struct stingy_problem *problem = &solve->model.problem;
	uint32_t n_kinds = solve->kinds.n_kinds, *region = stingy_memory_new(n_kinds, sizeof(*region));
	uint32_t *count = stingy_memory_new(solve->layout.n_regions, sizeof(*count));
	uint64_t *size = stingy_memory_new(n_kinds, sizeof(*size));
	struct stingy_census_arena arena = {region, size, count, solve->layout.n_regions};
	struct stingy_census census;

	memset(region, 0xff, n_kinds * sizeof(*region)); /* STINGY_NO_UNIT */
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		region[solve->model.kind[i]] = problem->kind[i].colour;
		size[solve->model.kind[i]] = problem->kind[i].size;
	}
	for (uint32_t i = 0; i < solve->layout.n_regions; i++)
		count[i] = solve->layout.region[i].count;
	stingy_census_init(&census, n_kinds, solve->kinds.kind_of, solve->stages.n_stages, false);
	stingy_census_try(&census, &arena);
	take_census(solve, &census);
	solve->served = census.served;
	stingy_census_fini(&census);
	free(region);
	free(count);
	free(size);
}

int stingy_solve_run(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths)
{
	const struct stingy_problem *problem = &solve->model.problem;

	if (read_inputs(solve, paths, n_paths) < 0 || choose_program(solve) < 0)
		return -1;
	find_stages(solve);
	find_kinds(solve);
	if (make_model(solve) < 0)
		return -1;
	solve->n = stingy_memory_new(problem->n_kinds, sizeof(*solve->n));
	if (stingy_program_solve(problem, solve->n, &solve->solution) < 0)
		return fail(solve, "not even one instance of each object kind fits the cache");
	stingy_layout_init(&solve->layout, problem, solve->n);
	try_out(solve);
	return 0;
}
