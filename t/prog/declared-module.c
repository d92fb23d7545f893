/* The functions that declared.c calls across modules; with LATE, a module that it loads, and that calls them too. */
#include "declared.h"

#include <stdlib.h>

#ifdef LATE
uint64_t late(void *task, stage_function *stage);

uint64_t late(void *task, stage_function *stage)
{
	return across(task, stage, 3, 4, 5, 6, 7, 8.0) + 1;
}
#else
uint64_t across(void *task, stage_function *stage, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, double h)
{
	return ((uintptr_t)task * 31 + (stage != NULL)) * 31 + c * 3 + d * 5 + e * 7 + f * 11 + g * 13 +
	       (uint64_t)(h * 17);
}

struct block {
	struct block *next;
	char room[48];
};

static __thread struct block *free_blocks;

/* Its blocks come from malloc, eight at a time; the first is where malloc's object is. */
void *pool_alloc(size_t size)
{
	struct block *block = free_blocks;

	if (size > sizeof(*block))
		return NULL;
	if (!block) {
		struct block *blocks = malloc(8 * sizeof(*blocks));

		for (int i = 7; blocks && i >= 0; i--) {
			blocks[i].next = free_blocks;
			free_blocks = &blocks[i];
		}
		block = free_blocks;
	}
	if (block)
		free_blocks = block->next;
	return block;
}

void pool_free(void *object)
{
	struct block *block = object;

	if (!block)
		return;
	block->next = free_blocks;
	free_blocks = block;
}

void watcher_set(struct watcher *watcher, stage_function *stage, void *task)
{
	watcher->unused[0] = (uintptr_t)task;
	watcher->stage = stage;
}

struct watcher *watcher_new(stage_function *stage, void *task)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (watcher) {
		watcher->unused[0] = (uintptr_t)task;
		watcher->stage = stage;
	}
	return watcher;
}

int watcher_start(struct watcher *watcher)
{
	return watcher && watcher->stage ? 0 : -1;
}

double watcher_inside(double scale, struct watcher *watcher)
{
	return scale * (double)watcher->unused[0];
}
#endif
