/*
 * The event loop of a staged server: waits for descriptors, queues the stages that waited for them, and runs the
 * stages in batches in the order of queue.h.
 *
 * Descriptors are watched edge-triggered and once, so that waiting costs no system call: what is ready is
 * remembered until a system call on the descriptor says EAGAIN. One loop a program, one thread. Nothing is
 * allocated; records belong to the caller.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include "queue.h"

#include <sys/epoll.h>

/* A task that waits for a descriptor. */
struct channel {
	struct task task; /* first: a stage gets the task and casts */
	int fd;
	uint32_t ready;          /* EPOLLIN, EPOLLOUT, EPOLLRDHUP: seen, and not used up since */
	uint32_t wanted;         /* the event waited for; 0: none, the task is queued or running */
	stage_function *awaited; /* the stage to queue when it comes */
};

/* Makes the loop with its n stages, the earliest first. Returns 0, or -1 with errno. */
int scheduler_init(struct stage *stages, unsigned n);

/* Begins to watch a channel's descriptor. Ends when the descriptor is closed. Returns 0, or -1 with errno. */
int scheduler_watch(struct channel *channel);

/* Queues the stage as soon as the event (EPOLLIN or EPOLLOUT) is there: at once if it already is. */
void scheduler_await(struct channel *channel, uint32_t event, stage_function *stage);

/* What was waited for is used up: a system call said EAGAIN or took less than it was offered. */
void scheduler_used_up(struct channel *channel, uint32_t event);

/* Queues what the channel waits for without the event; does nothing if it does not wait. */
void scheduler_wake(struct channel *channel);

/* Runs until scheduler_stop. Returns 0, or -1 with errno if waiting failed. */
int scheduler_run(void);

/* Called by a stage: the loop ends after it. */
void scheduler_stop(void);

void scheduler_fini(void);

#endif
