#include "tasks.h"

#include "links.h"

void stingy_tasks_init(struct stingy_tasks *tasks, struct stingy_census *census)
{
	*tasks = (struct stingy_tasks){.census = census};
}

void stingy_tasks_fini(struct stingy_tasks *tasks)
{
	struct stingy_task *task, *next;

	stingy_links_fini(&tasks->links);
	stingy_links_fini(&tasks->given);
	HASH_ITER(hh, tasks->open, task, next)
	{
		HASH_DEL(tasks->open, task);
		stingy_census_leave(tasks->census, task);
		stingy_task_release(task);
	}
}

struct stingy_task *stingy_tasks_find(struct stingy_tasks *tasks, const struct stingy_task_key *key)
{
	struct stingy_task *task;

	HASH_FIND(hh, tasks->open, key, sizeof(*key), task);
	return task;
}

struct stingy_task *stingy_tasks_enter(struct stingy_tasks *tasks, const struct stingy_task_key *key, uint16_t thread)
{
	struct stingy_task *task = stingy_tasks_find(tasks, key);

	if (!task) {
		task = stingy_task_new(key);
		HASH_ADD(hh, tasks->open, key, sizeof(task->key), task);
	}
	stingy_census_enter(tasks->census, task, thread);
	return task;
}

struct stingy_task *stingy_tasks_connection(struct stingy_tasks *tasks, uint64_t fd, uint16_t thread)
{
	struct stingy_task *task = stingy_tasks_enter(tasks, &(struct stingy_task_key){.id = fd}, thread);

	task->is_connection = true;
	return task;
}

struct stingy_task *stingy_tasks_of_descriptor(struct stingy_tasks *tasks, uint64_t fd, uint16_t thread)
{
	const struct stingy_task *task = stingy_links_task(tasks->links, fd);

	return stingy_tasks_enter(tasks, task ? &task->key : &(struct stingy_task_key){.id = fd}, thread);
}

struct stingy_task *stingy_tasks_given(struct stingy_tasks *tasks, uint64_t id, struct stingy_task *own,
				       uint16_t thread)
{
	struct stingy_task *task = id ? stingy_links_task(tasks->given, id) : NULL;

	if (!task && own && !own->ended)
		task = own;
	if (!task && id)
		task = stingy_tasks_enter(tasks, &(struct stingy_task_key){id, 1}, thread);
	if (task && id)
		stingy_links_put(&tasks->given, id, task);
	return task;
}

void stingy_tasks_link(struct stingy_tasks *tasks, uint64_t fd, struct stingy_task *task)
{
	if (!task->ended && (task->key.id != fd || task->key.announced))
		stingy_links_put(&tasks->links, fd, task);
}

void stingy_tasks_end(struct stingy_tasks *tasks, const struct stingy_task_key *key, uint32_t turn)
{
	struct stingy_task *task = stingy_tasks_find(tasks, key);

	if (!task)
		return;
	HASH_DEL(tasks->open, task);
	stingy_census_leave(tasks->census, task);
	stingy_tally_fini(&task->tally);
	free(task->live);
	task->live = NULL;
	task->ended = true;
	task->end_turn = turn;
	stingy_task_release(task);
}

void stingy_tasks_close(struct stingy_tasks *tasks, uint64_t fd, uint32_t turn)
{
	stingy_links_cut(&tasks->links, fd);
	stingy_tasks_end(tasks, &(struct stingy_task_key){.id = fd}, turn);
}
