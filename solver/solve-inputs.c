#include "solve-inputs.h"

#include "clean.h"
#include "memory.h"
#include "progress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int stingy_solve_fail(struct stingy_solve *solve, const char *format, ...)
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

/* Bytes of the files that are there. */
static uint64_t size_of(const char *const *paths, uint32_t n_paths)
{
	uint64_t bytes = 0;
	struct stat st;

	for (uint32_t i = 0; i < n_paths; i++)
		if (stat(paths[i], &st) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes;
}

int stingy_solve_read(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths)
{
	const char **sorted = stingy_memory_copy(paths, n_paths * sizeof(*paths));
	int result = 0;

	qsort(sorted, n_paths, sizeof(*sorted), compare_paths);
	stingy_progress_part("reading", size_of(paths, n_paths));
	solve->input = stingy_memory_new(n_paths, sizeof(*solve->input));
	for (uint32_t i = 0; i < n_paths && result == 0; i++) {
		struct stingy_input *input = &solve->input[solve->n_inputs];

		if (i && strcmp(sorted[i], sorted[i - 1]) == 0)
			continue;
		if (stingy_input_init(input, sorted[i], &solve->places, &solve->chains) == 0)
			solve->n_inputs++;
		else
			result = stingy_solve_fail(solve, "cannot open '%s': %s", sorted[i], strerror(errno));
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
			return stingy_solve_fail(solve, "'%s': %s at byte %zu, and nothing before it to solve",
						 solve->input[i].path, solve->input[i].damage,
						 solve->input[i].damaged_at);
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		if (solve->input[i].waited)
			return stingy_solve_fail(solve, "'%s': an event loop, but no allocation was made while serving",
						 solve->input[i].path);
	return stingy_solve_fail(solve, "'%s': no event loop was seen, nor did the program announce its stages",
				 input->path);
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

/* Likewise, what it did at all that was seen. */
static uint64_t doing_of(const struct stingy_solve *solve, uint32_t module)
{
	uint64_t doing = 0;

	for (uint32_t i = 0; i < solve->n_inputs; i++)
		for (size_t j = 0; solve->input[i].program == module && j < solve->input[i].n_pairs; j++)
			doing += solve->input[i].pair[j].n;
	return doing;
}

/* A shell that starts the server, or what the server starts, may leave a trace too, and even have an event loop. */
static int choose_program(struct stingy_solve *solve,
			  uint64_t (*weigh)(const struct stingy_solve *solve, uint32_t module))
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		uint32_t module = solve->input[i].program;
		uint64_t serving = module == STINGY_NO_MODULE ? 0 : weigh(solve, module);

		if (serving < most || !serving)
			continue;
		if (serving > most || stingy_places_compare_modules(&solve->places, module, solve->program) < 0)
			solve->program = module;
		most = serving;
	}
	if (!most)
		return -1;
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		solve->n_used += stingy_solve_uses(solve, &solve->input[i]);
	return 0;
}

/* A program that only calls the system has a graph, too. */
int stingy_solve_choose_program(struct stingy_solve *solve)
{
	return choose_program(solve, serving_of) < 0 && choose_program(solve, doing_of) < 0 ? blame(solve) : 0;
}

int stingy_solve_blame_if_idle(struct stingy_solve *solve)
{
	return serving_of(solve, solve->program) ? 0 : blame(solve);
}

static int compare_caches(const struct stingy_cache *a, const struct stingy_cache *b)
{
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	if (a->ways != b->ways)
		return a->ways < b->ways ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* A layout for the smallest cache fits the larger ones, too. */
int stingy_solve_choose_cache(struct stingy_solve *solve)
{
	solve->cache = solve->options->cache;
	if (solve->cache.size)
		return 0;
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_cache *cache = &solve->input[i].cache;

		if (!cache->size || !stingy_solve_uses(solve, &solve->input[i]))
			continue;
		solve->caches_differ |= solve->cache.size && compare_caches(cache, &solve->cache) != 0;
		if (!solve->cache.size || compare_caches(cache, &solve->cache) < 0)
			solve->cache = *cache;
	}
	if (!solve->cache.size)
		solve->cache = solve->options->here;
	return solve->cache.size ? 0
				 : stingy_solve_fail(solve, "neither the traces nor this machine tell an L2 cache: "
							    "give --cache SIZE,WAYS,LINE");
}

/* Of several processes, what the one that goes deepest takes. */
void stingy_solve_choose_stack(struct stingy_solve *solve)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++) {
		const struct stingy_spread *stack = &solve->input[i].stack;
		uint32_t used = (uint32_t)stingy_spread_cover(stack, STINGY_COVER_RUNS);

		if (!stingy_solve_uses(solve, &solve->input[i]))
			continue;
		solve->stack_runs += stack->count;
		if (used > solve->stack_used)
			solve->stack_used = used;
	}
	solve->stack = solve->options->stack_measured ? solve->stack_used : solve->options->stack;
}
