#include "links.h"

struct stingy_link {
	uint64_t id;
	struct stingy_task *task;
	UT_hash_handle hh;
};

static struct stingy_link *find(struct stingy_link *links, uint64_t id)
{
	struct stingy_link *link;

	HASH_FIND(hh, links, &id, sizeof(id), link);
	return link;
}

static void drop(struct stingy_link **links, struct stingy_link *link)
{
	HASH_DEL(*links, link);
	stingy_task_release(link->task);
	free(link);
}

void stingy_links_fini(struct stingy_link **links)
{
	struct stingy_link *link, *next;

	HASH_ITER(hh, *links, link, next)
	{
		/* cppcheck-suppress uninitvar; HASH_ITER gives it, which cppcheck does not see */
		drop(links, link);
	}
}

void stingy_links_put(struct stingy_link **links, uint64_t id, struct stingy_task *task)
{
	struct stingy_link *link = find(*links, id);

	stingy_task_hold(task);
	if (link) {
		stingy_task_release(link->task);
		link->task = task;
		return;
	}
	link = stingy_memory_new(1, sizeof(*link));
	link->id = id;
	link->task = task;
	HASH_ADD(hh, *links, id, sizeof(id), link);
}

void stingy_links_cut(struct stingy_link **links, uint64_t id)
{
	struct stingy_link *link = find(*links, id);

	if (link)
		drop(links, link);
}

struct stingy_task *stingy_links_task(struct stingy_link *links, uint64_t id)
{
	struct stingy_link *link = find(links, id);

	return link && !link->task->ended ? link->task : NULL;
}
