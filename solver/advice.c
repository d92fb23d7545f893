#include "advice.h"

#include "cache.h"

#include <inttypes.h>
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
	of.slab = stingy_cache_slab(&cache, stingy_advice_share(level));
	if (of.slab > advice->globals + stack)
		of.tasks = (of.slab - advice->globals - stack) / advice->per_task;
	return of;
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
	advice->per_task = solve->schedule.bytes;
	advice->tasks = solve->census.max_tasks_in_thread;
	advice->globals = solve->globals.bytes;
	if (!advice->per_task)
		return;
	advice->l2 = look_at(2, advice, solve->stack);
	advice->l3 = look_at(3, advice, solve->stack);
	advice->level = choose(advice);
}

void stingy_advice_print(const struct stingy_advice *advice, FILE *out)
{
	if (!advice->level)
		return;
	fprintf(out, "stingy: cache: of tasks of %" PRIu64 " bytes, of which one thread had %" PRIu64 " at once, ",
		advice->per_task, advice->tasks);
	if (advice->l2.slab)
		fprintf(out, "this machine's L2 holds %" PRIu64, advice->l2.tasks);
	if (advice->l3.slab)
		fprintf(out, "%s part of the L3 %" PRIu64, advice->l2.slab ? ", a core's" : "a core's",
			advice->l3.tasks);
	fprintf(out, ": take the L%u\n", advice->level);
}
