/* What declared.c and its module have in common. */
#ifndef DECLARED_H
#define DECLARED_H

#include <stddef.h>
#include <stdint.h>

typedef void stage_function(void *task);

struct watcher {
	uint64_t unused[3];
	stage_function *stage;
};

/* In declared-module.so: called across modules. Results depend on all arguments. */
uint64_t across(void *task, stage_function *stage, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
		double h);
void *pool_alloc(size_t size);
void pool_free(void *object);
struct watcher *watcher_new(stage_function *stage, void *task);
void watcher_set(struct watcher *watcher, stage_function *stage, void *task);
int watcher_start(struct watcher *watcher);
double watcher_inside(double scale, struct watcher *watcher);

#endif
