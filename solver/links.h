/*
 * Which task something works for that is not a task itself: a descriptor that was linked to one (a connection to a
 * backend, a pipe to another thread), or what a declared queue function was given as its task.
 *
 * An entry holds a reference to its task, and is worth nothing once that has ended. Heap memory; one thread.
 */
#ifndef STINGY_LINKS_H
#define STINGY_LINKS_H

#include "task.h"

struct stingy_link; /* the module's own */

/* A table that is NULL is an empty one. */
void stingy_links_fini(struct stingy_link **links);

/* From now on id works for the task, and no longer for the one before. */
void stingy_links_put(struct stingy_link **links, uint64_t id, struct stingy_task *task);

/* id is something else from now on. */
void stingy_links_cut(struct stingy_link **links, uint64_t id);

/* The open task that id works for; NULL: none. */
struct stingy_task *stingy_links_task(struct stingy_link *links, uint64_t id);

#endif
