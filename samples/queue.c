#include "queue.h"

#include <stdlib.h>

static struct stage *stages;
static unsigned n_stages;
static bool task_ended;

void queue_init(struct stage *table, unsigned n)
{
	stages = table;
	n_stages = n;
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
}

struct stage *queue_elect(void)
{
	struct stage *latest = NULL, *fits = NULL;

	for (unsigned i = n_stages; i-- > 0;) {
		struct stage *stage = &stages[i];
		if (!stage->first)
			continue;
		if (stage->passed >= QUEUE_PATIENCE)
			return stage;
		stage->passed++;
		if (!latest)
			latest = stage;
		if (!fits && stingy_dyn_check(stage->function))
			fits = stage;
	}
	return fits ? fits : latest;
}

struct task *queue_take(struct stage *stage)
{
	struct task *task = stage->first;

	stage->first = task->next;
	stage->passed = 0;
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
