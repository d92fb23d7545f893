/*
 * The open tasks of a replay: connections by their descriptors, what the program announces by its keys, and whatever
 * works for one of these: descriptors that were linked to it, and names under which something was queued for it.
 *
 * The census is told when a task begins, goes on, and ends. The table holds a reference to each; pointers that
 * are handed out are good until the task ends. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_TASKS_H
#define STINGY_TASKS_H

#include "census.h"

struct stingy_link;

struct stingy_tasks {
	struct stingy_census *census;
	struct stingy_task *open;
	struct stingy_link *links; /* descriptors that work for others' tasks */
	struct stingy_link *given; /* what queue functions were given as tasks */
};

void stingy_tasks_init(struct stingy_tasks *tasks, struct stingy_census *census);

/* What is open ends with the trace. */
void stingy_tasks_fini(struct stingy_tasks *tasks);

/* NULL: there is none. */
struct stingy_task *stingy_tasks_find(struct stingy_tasks *tasks, const struct stingy_task_key *key);

/* The task that the thread of that number begins, or goes on with. */
struct stingy_task *stingy_tasks_enter(struct stingy_tasks *tasks, const struct stingy_task_key *key, uint16_t thread);

/* The same for a connection. */
struct stingy_task *stingy_tasks_connection(struct stingy_tasks *tasks, uint64_t fd, uint16_t thread);

/* The same for whom the descriptor works: another's task, or its own. */
struct stingy_task *stingy_tasks_of_descriptor(struct stingy_tasks *tasks, uint64_t fd, uint16_t thread);

/*
 * The task that a queue function was given by that number, which may be its name or anything else that goes with it:
 * for whom it was given before, else own, the task that queues; else one of that key. id 0: nothing was given. NULL:
 * nobody knows.
 */
struct stingy_task *stingy_tasks_given(struct stingy_tasks *tasks, uint64_t id, struct stingy_task *own,
				       uint16_t thread);

/* The descriptor works for the task, unless it is its own. */
void stingy_tasks_link(struct stingy_tasks *tasks, uint64_t fd, struct stingy_task *task);

/*
 * The task, if there is one, ends in that turn. Its objects may live on, and its run go on to the end of the turn; what
 * begins from now on is not its own.
 */
void stingy_tasks_end(struct stingy_tasks *tasks, const struct stingy_task_key *key, uint32_t turn);

/* The descriptor is none any more, or another: ends its task likewise. */
void stingy_tasks_close(struct stingy_tasks *tasks, uint64_t fd, uint32_t turn);

#endif
