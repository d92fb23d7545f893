/*
 * What the profiling library records of the event loop, of connections and of a program's announcements: a record of
 * the trace each. loop.c and io.c see them happen.
 *
 * Any thread; errno is kept. A thread that is inside the recorder already (record.h) tells nothing.
 */
#ifndef STINGY_EVENTS_H
#define STINGY_EVENTS_H

#include "../shim/walk.h"

#include "costs.h"

#include <stdbool.h>
#include <stdint.h>

/* In the constructor; off: nothing is recorded of the loop, connections, requests and system calls. */
void stingy_events_init(bool off);

/* The loop is about to wait in the function called from there. */
void stingy_events_wait(const struct stingy_frame *at);

/* It came back with an event for fd (-1: none, or unknown). */
void stingy_events_turn(int fd);

/* A connection begins; a descriptor is about to be closed. */
void stingy_events_accept(int fd);
void stingy_events_close(int fd);

/* On an accepted connection a request begins; a descriptor works for the run under way from now on. */
void stingy_events_request(int fd);
void stingy_events_link(int fd);

/* What a program announces: a stage begins to run for a task, and is over; a task is over. sp: the
 * stack pointer of the function that says so. */
void stingy_events_stage(const void *stage, const void *task, uintptr_t sp);
void stingy_events_stage_end(uintptr_t sp);
void stingy_events_task_end(const void *task);

/* A declared queue function was called from there: the stage (0: unknown) is to run for the task. */
void stingy_events_queue(uintptr_t stage, uint64_t task, const struct stingy_frame *at);

/* A system call made through the C library, from its begin to its end. */
struct stingy_call {
	const struct stingy_frame *at;
	long number;               /* the kernel's, as in <sys/syscall.h> */
	int fd;                    /* -1: none */
	uint64_t began;            /* stingy_record_clock; 0: it is of no interest */
	bool is_costly;            /* what it costs besides time is measured, too */
	struct stingy_costs costs; /* of the thread, before it */
};

/*
 * Around each system call that we stand before: the one place where more can be measured of it. Only calls of
 * threads that have an event loop, or are in an announced stage, are recorded. Nothing is held in between, as the call
 * may be a cancellation point.
 */
void stingy_events_call_begin(struct stingy_call *call); /* at, number and fd are set */
void stingy_events_call_end(const struct stingy_call *call);

/* In an entry point: begins the variable call, of the kernel's SYS_name. */
#define STINGY_CALL_BEGIN(name, fd_)                                                                                   \
	struct stingy_frame here = STINGY_HERE();                                                                      \
	struct stingy_call call;                                                                                       \
	call.at = &here;                                                                                               \
	call.number = SYS_##name;                                                                                      \
	call.fd = fd_;                                                                                                 \
	stingy_events_call_begin(&call)

#endif
