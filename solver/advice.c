#include "advice.h"

#include "cache.h"
#include "classes.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PRIVATE 2u /* levels up to that one are a core's own, or its threads' */

uint32_t stingy_advice_share(unsigned level)
{
	return level > PRIVATE ? STINGY_ADVICE_SHARE / stingy_cache_sharers(level) : STINGY_ADVICE_SHARE;
}

/* What an arena could have of a cache of this machine, and how many tasks that holds. */
static struct stingy_advice_cache look_at(unsigned level, const struct stingy_advice *advice, uint32_t stack)
{
	struct stingy_advice_cache of = {.slab = 0};
	struct stingy_cache cache;

	if (stingy_cache_detect(level, &cache) < 0)
		return of;
	of.slab = (uint64_t)cache.size * stingy_advice_share(level) / 1000000;
	if (of.slab > STINGY_SLAB_MAX)
		of.slab = STINGY_SLAB_MAX;
	if (of.slab > advice->globals + stack)
		of.tasks = (of.slab - advice->globals - stack) / advice->per_task;
	return of;
}

/* Whether the objects of a kind are a task's, and enough of them to count, be there a place for them or not. */
static bool is_of_tasks(const struct stingy_solve *solve, uint32_t kind)
{
	return solve->kinds.kind[kind].class != STINGY_CLASS_FINAL &&
	       solve->model.left_out[kind] != STINGY_LEFT_OUT_RARE;
}

static uint64_t bytes_in_task(const struct stingy_solve *solve, uint32_t kind)
{
	const struct stingy_unit *unit = &solve->census.unit[kind];

	return stingy_model_size(unit, solve->choices.cover) * solve->bounds.kind[kind].per_task;
}

/* Kinds that share a region are never there together: only the largest of them counts. */
static uint64_t sum_up(const struct stingy_solve *solve)
{
	const struct stingy_problem *problem = &solve->model.problem;
	uint64_t *most = stingy_memory_new(problem->n_colours, sizeof(*most)), sum = 0;

	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++)
		if (is_of_tasks(solve, i) && solve->model.left_out[i] != STINGY_KEPT)
			sum += bytes_in_task(solve, i);
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint64_t bytes = bytes_in_task(solve, solve->model.kind[i]);

		if (bytes > most[problem->kind[i].colour])
			most[problem->kind[i].colour] = bytes;
	}
	for (uint32_t i = 0; i < problem->n_colours; i++)
		sum += most[i];
	free(most);
	return sum;
}

/* The L2, unless it holds neither all tasks nor enough of them, and the L3 holds more. */
static unsigned choose(const struct stingy_advice *advice)
{
	uint64_t enough = advice->tasks < STINGY_ADVICE_TASKS ? advice->tasks : STINGY_ADVICE_TASKS;

	if (!advice->l2.slab && !advice->l3.slab)
		return 0;
	if (advice->l2.slab && (advice->l2.tasks >= enough || advice->l3.tasks <= advice->l2.tasks))
		return 2;
	return 3;
}

void stingy_advice_take(struct stingy_advice *advice, const struct stingy_solve *solve)
{
	memset(advice, 0, sizeof(*advice));
	advice->per_task = sum_up(solve);
	advice->tasks = solve->census.max_tasks;
	advice->globals = solve->globals.bytes;
	if (!advice->per_task)
		return;
	advice->l2 = look_at(2, advice, solve->options->stack);
	advice->l3 = look_at(3, advice, solve->options->stack);
	advice->level = choose(advice);
}

void stingy_advice_print(const struct stingy_advice *advice, FILE *out)
{
	if (!advice->level)
		return;
	fprintf(out, "stingy: a task has %" PRIu64 " bytes, %" PRIu64 " were there at once: ", advice->per_task,
		advice->tasks);
	if (advice->l2.slab)
		fprintf(out, "this machine's L2 holds %" PRIu64 " of them", advice->l2.tasks);
	if (advice->l3.slab)
		fprintf(out, "%s part of the L3 %" PRIu64, advice->l2.slab ? ", a core's" : "a core's",
			advice->l3.tasks);
	fprintf(out, ": take the L%u\n", advice->level);
}
