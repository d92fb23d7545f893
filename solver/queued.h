/*
 * The tasks for which a stage was queued and has not run yet, the oldest first.
 *
 * An entry holds a reference to its task, and is passed over once that has ended. Heap memory; one thread.
 */
#ifndef STINGY_QUEUED_H
#define STINGY_QUEUED_H

#include "task.h"

struct stingy_queued; /* the module's own */

/* A queue that is NULL is an empty one. */
void stingy_queued_fini(struct stingy_queued **queue);

/* Queues the task, unless it is there. */
void stingy_queued_put(struct stingy_queued **queue, struct stingy_task *task);

/* Takes the task out, if it is there. */
void stingy_queued_remove(struct stingy_queued **queue, const struct stingy_task *task);

/* Takes the oldest one out that is still open. NULL: there is none; else the caller has the entry's reference. */
struct stingy_task *stingy_queued_take(struct stingy_queued **queue);

#endif
