#include "task.h"

#include "memory.h"
#include "stages.h"

#include <stdlib.h>
#include <string.h>

struct stingy_task *stingy_task_new(const struct stingy_task_key *key)
{
	struct stingy_task *task = stingy_memory_new(1, sizeof(*task));

	task->key = *key;
	task->references = 1;
	return task;
}

struct stingy_task *stingy_task_hold(struct stingy_task *task)
{
	if (task)
		task->references++;
	return task;
}

void stingy_task_release(struct stingy_task *task)
{
	if (!task || --task->references)
		return;
	stingy_tally_fini(&task->tally);
	free(task->live);
	free(task);
}

static void remember(struct stingy_run *run, uint32_t stage)
{
	struct stingy_task *task = run->task;

	if (task && task->n_runs - run->number <= STINGY_TASK_HISTORY)
		task->history[run->number % STINGY_TASK_HISTORY] =
			stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : stage;
}

static void take_live_units(struct stingy_run *run, size_t n_words)
{
	const uint64_t *live = run->task ? run->task->live : NULL;

	if (!n_words)
		return;
	if (!run->live)
		run->live = stingy_memory_new(n_words, sizeof(*run->live));
	if (live)
		memcpy(run->live, live, n_words * sizeof(*live));
	else
		memset(run->live, 0, n_words * sizeof(*run->live));
}

void stingy_run_begin(struct stingy_run *run, struct stingy_task *task, uint32_t stage, size_t n_words)
{
	run->task = stingy_task_hold(task);
	run->stage = stage;
	run->n_begun = run->n_ended = 0;
	run->is_idle = false;
	stingy_tally_clear(&run->added);
	take_live_units(run, n_words);
	if (!task)
		return;
	run->number = task->n_runs++;
	remember(run, stage);
}

void stingy_run_settle(struct stingy_run *run, uint32_t stage)
{
	run->stage = stage;
	remember(run, stage);
}

void stingy_run_end(struct stingy_run *run)
{
	stingy_task_release(run->task);
	run->task = NULL;
}

void stingy_run_fini(struct stingy_run *run)
{
	stingy_run_end(run);
	stingy_tally_fini(&run->added);
	free(run->live);
	memset(run, 0, sizeof(*run));
}
