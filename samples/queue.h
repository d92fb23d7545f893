/*
 * Stages, a queue of tasks for each, and the election of the stage to run next: the memory-aware part of a
 * scheduler, shared by both samples. It is what a program adds to work with Stingy's memory manager, and meant to be
 * copied; it needs stingy.h and nothing else.
 *
 * A scheduler elects a stage, runs its batch, and elects again:
 *
 *	struct stage *stage = queue_elect();
 *	while (queue_goes_on(stage))
 *		queue_run(stage);
 *
 * Each election asks once for every stage that has tasks how many runs of it fit, and goes by the three priorities of
 * stingy.h. First come stages for which as many tasks wait as can run: no longer batch can be gathered. Of those, the
 * latest: it releases what the others wait for. Then the other stages that fit, the earliest first, so that what waits
 * for the later ones grows. Where nothing is known, QUEUE_BATCH is what fits.
 *
 * All of it is advice that is followed only while there is a choice. If no queued stage fits, the latest one runs all
 * the same, once; and a stage that lost QUEUE_PATIENCE elections in a row, runs whatever the order says. So nothing
 * waits forever.
 *
 * Queues are threaded through the tasks: nothing is allocated. One set of stages a program, one thread.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "../shim/stingy.h"

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_BATCH    1024 /* runs of a stage before the next election, at most */
#define QUEUE_PATIENCE 64   /* elections that a stage with queued tasks may lose in a row */

/* A request or connection under way. The programs put it at the head of their own record. */
struct task {
	struct task *next; /* in the queue of the stage that is to run it; a task is in one queue at most */
	uintptr_t name;    /* what Stingy is told of it: a number that is its own while it lives */
};

/* Runs to completion; queues at most one successor for its task, or ends it. */
typedef void stage_function(struct task *task);

struct stage {
	stage_function *function;
	bool begins; /* takes in new work; the stages after it carry it on */
	/* the rest is for queue.c */
	struct task *first, *last; /* last means nothing while first is NULL */
	const struct stingy_stage *known;
	unsigned n_tasks; /* in the queue */
	unsigned left;    /* runs of the batch that are still to be made */
	unsigned lost;    /* elections in a row */
};

/* Puts the n stages, the earliest first, in force. They stay the caller's and must stay in place. */
void queue_init(struct stage *stages, unsigned n);

/* Queues a stage for a task: the scheduler will call it, after whatever was queued for that stage before. */
void queue_stage(struct task *task, stage_function *function);

/* The stage to run now, with its batch; NULL if no task is queued. */
struct stage *queue_elect(void);

/* Takes the next task of an elected stage out of its queue. */
struct task *queue_take(struct stage *stage);

/* Called by a stage that has released the task it runs for; nobody looks at the task afterwards. */
void queue_end_task(void);

/* Whether queue_end_task was called since the last question. */
bool queue_task_ended(void);

/* Whether the batch of an elected stage goes on, by one run. What is queued for the stage meanwhile is for the next. */
static inline bool queue_goes_on(struct stage *stage)
{
	if (!stage->left)
		return false;
	stage->left--;
	return true;
}

/*
 * Runs an elected stage for its next task, and tells Stingy. Always inlined: Stingy can infer the stages of
 * programs that announce none, if the function that waits for events is also the one that calls the stages.
 */
__attribute__((always_inline)) static inline void queue_run(struct stage *stage)
{
	struct task *task = queue_take(stage);
	const void *name = (const void *)task->name; /* kept: the stage may release the task */

	stingy_stage_begin(stage->function, name);
	stage->function(task);
	stingy_stage_end(stage->function, name);
	if (queue_task_ended())
		stingy_task_end(name);
}

#endif
