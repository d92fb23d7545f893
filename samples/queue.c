#include "queue.h"

#include <stdlib.h>

static struct stage *stages;
static unsigned n_stages;
static bool task_ended;

void queue_init(struct stage *table, unsigned n)
{
	stages = table;
	n_stages = n;
	for (unsigned i = 0; i < n; i++)
		stages[i].known = stingy_stage_of(stages[i].function);
}

/* A handful of stages: a search is as fast as anything, and lets programs name a stage by its function. */
static struct stage *find(stage_function *function)
{
	for (unsigned i = 0; i < n_stages; i++)
		if (stages[i].function == function)
			return &stages[i];
	abort();
}

void queue_stage(struct task *task, stage_function *function)
{
	struct stage *stage = find(function);

	task->next = NULL;
	if (stage->first)
		stage->last->next = task;
	else
		stage->first = task;
	stage->last = task;
	stage->n_tasks++;
}

/* How many runs fit, of those that one batch may have. */
static unsigned count_fitting(const struct stage *stage)
{
	unsigned n = stingy_dyn_count(stage->known);

	return n < QUEUE_BATCH ? n : QUEUE_BATCH;
}

/* A stage that does not fit runs all the same, if it was elected, but no more often than it must. */
static struct stage *begin_batch(struct stage *stage, unsigned n_fit)
{
	stage->left = n_fit < stage->n_tasks ? n_fit : stage->n_tasks;
	if (!stage->left)
		stage->left = 1;
	stage->lost = 0;
	return stage;
}

/* From the earliest on: a later stage takes its place from one that is only as good as it if both are not in between.
 */
struct stage *queue_elect(void)
{
	enum stingy_priority best = STINGY_PRIORITY_NONE;
	struct stage *elected = NULL;
	unsigned elected_fit = 0;

	for (struct stage *stage = stages; stage < stages + n_stages; stage++) {
		if (!stage->n_tasks)
			continue;
		unsigned n_fit = count_fitting(stage);
		if (++stage->lost > QUEUE_PATIENCE)
			return begin_batch(stage, n_fit);
		enum stingy_priority priority = stingy_dyn_priority(n_fit, stage->n_tasks);
		if (elected && (priority < best || (priority == best && best == STINGY_PRIORITY_ENOUGH)))
			continue;
		best = priority;
		elected = stage;
		elected_fit = n_fit;
	}
	return elected ? begin_batch(elected, elected_fit) : NULL;
}

struct task *queue_take(struct stage *stage)
{
	struct task *task = stage->first;

	stage->first = task->next;
	stage->n_tasks--;
	return task;
}

void queue_end_task(void)
{
	task_ended = true;
}

bool queue_task_ended(void)
{
	bool ended = task_ended;

	task_ended = false;
	return ended;
}
