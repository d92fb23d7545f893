#include "queued.h"

struct stingy_queued {
	struct stingy_task *task;
	UT_hash_handle hh; /* the key is the pointer; what is iterated over is in the order in which it was put */
};

static struct stingy_queued *find(struct stingy_queued *queue, const struct stingy_task *task)
{
	struct stingy_queued *entry;

	HASH_FIND_PTR(queue, &task, entry);
	return entry;
}

static struct stingy_task *take(struct stingy_queued **queue, struct stingy_queued *entry)
{
	struct stingy_task *task = entry->task;

	HASH_DEL(*queue, entry);
	free(entry);
	return task;
}

void stingy_queued_fini(struct stingy_queued **queue)
{
	while (*queue)
		stingy_task_release(take(queue, *queue));
}

void stingy_queued_put(struct stingy_queued **queue, struct stingy_task *task)
{
	struct stingy_queued *entry = find(*queue, task);

	if (entry)
		return;
	entry = stingy_memory_new(1, sizeof(*entry));
	entry->task = stingy_task_hold(task);
	HASH_ADD_PTR(*queue, task, entry);
}

void stingy_queued_remove(struct stingy_queued **queue, const struct stingy_task *task)
{
	struct stingy_queued *entry = find(*queue, task);

	if (entry)
		stingy_task_release(take(queue, entry));
}

struct stingy_task *stingy_queued_take(struct stingy_queued **queue)
{
	while (*queue) {
		struct stingy_task *task = take(queue, *queue);

		if (!task->ended)
			return task;
		stingy_task_release(task);
	}
	return NULL;
}
