/*
 * The recording backend: every allocation goes to the next allocator, and into the trace.
 *
 * Contract: ../shim/backend.h. A thread that is inside the recorder already (what libunwind, the loader or a first use
 * of a libc function allocates) goes by unrecorded. One lock around the trace; it is never held while the loader's lock
 * may be taken. What the event loop wrappers (loop.c) and a program's announcements (announce.c) have to say comes in
 * here too.
 */
#ifndef STINGY_RECORD_H
#define STINGY_RECORD_H

#include "../shim/walk.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>

void stingy_record_alloc(void *object, size_t size, size_t align, const struct stingy_call *call);
void stingy_record_free(const void *object);

/* The loop is about to wait in the function whose call this is; it came back with an event for fd (-1: none, or
 * unknown). */
void stingy_record_wait(const struct stingy_call *call);
void stingy_record_turn(int fd);

/* A connection begins; a descriptor is about to be closed. */
void stingy_record_accept(int fd);
void stingy_record_close(int fd);

void stingy_record_stage(const void *stage, const void *task);
void stingy_record_stage_end(void);
void stingy_record_task_end(const void *task);

/* Modules may have gone. */
void stingy_record_modules_gone(void);

/* Whether the event loop is to take one event a turn (the default), so that what a turn does belongs to one task. */
bool stingy_record_is_single(void);

/* gcc must not make the call that is passed a stingy_call the caller's last: the record would be overwritten. */
#define STINGY_NOT_THE_LAST() __asm__ volatile("" : : : "memory")

static inline void *stingy_take(size_t size, size_t align, const struct stingy_call *call)
{
	(void)size;
	(void)align;
	(void)call;
	return NULL;
}

static inline __attribute__((always_inline)) void *stingy_took(void *object, size_t size, size_t align,
							       const struct stingy_call *call)
{
	if (object)
		stingy_record_alloc(object, size, align, call);
	STINGY_NOT_THE_LAST();
	return object;
}

static inline bool stingy_owns(const void *object)
{
	(void)object;
	return false;
}

static inline void stingy_release(void *object)
{
	(void)object;
}

static inline size_t stingy_usable(const void *object)
{
	(void)object;
	return 0;
}

static inline void stingy_leaving(const void *object)
{
	if (object)
		stingy_record_free(object);
}

#endif
