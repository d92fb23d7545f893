/*
 * The recording backend: every allocation goes to the next allocator, and into the trace.
 *
 * Contract: ../shim/backend.h. A thread that is inside the recorder already (what libunwind, the loader or a first use
 * of a libc function allocates) goes by unrecorded. One lock around the trace; it is never held while the loader's lock
 * may be taken. Records of the event loop and of a program's announcements (events.h) come in here too.
 */
#ifndef STINGY_RECORD_H
#define STINGY_RECORD_H

#include "../shim/taken.h"
#include "../shim/walk.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>

void stingy_record_alloc(void *object, size_t size, size_t align, const struct stingy_frame *at);
void stingy_record_free(const void *object);

/* What a record refers to by number, for the recorder to fill in: where at is given, *chain (a field of the record)
 * becomes the chain of the call made there; where function is given, *frame becomes a frame that tells it.
 */
struct stingy_record_refs {
	const struct stingy_frame *at;
	uint32_t *chain;
	uintptr_t function;
	uint32_t *frame;
};

/* Puts a record into the trace; not where there is no room for what it refers to. */
void stingy_record_put(struct stingy_trace_record *record, const struct stingy_record_refs *refs);

/* Nanoseconds now, by a clock that only goes on; and those since the trace started: 0 before its first record. */
uint64_t stingy_record_clock(void);
uint64_t stingy_record_time(uint64_t clock);

/* Whether the calling thread is inside the recorder: what it does is on our account. */
bool stingy_record_is_busy(void);

/* Around what allocates on our account, or on that of a libc function that holds a lock we would need. */
bool stingy_record_enter(void);
void stingy_record_leave(void);

/* Finds the libc functions that loop.c, io.c, systemcalls.c and uring.c stand before: in the constructor, as a signal
 * handler may be next to call them.
 */
void stingy_loop_init(void);
void stingy_io_init(void);
void stingy_systemcalls_init(void);
void stingy_uring_init(void);

void stingy_record_unloaded(void);

/* Whether the event loop is to take one event a turn (the default), so that what a turn does belongs to one task. */
bool stingy_record_is_single(void);

static inline enum stingy_taken stingy_take_fast(size_t size, uintptr_t ra, const void **hint, void **object)
{
	(void)size;
	(void)ra;
	(void)object;
	*hint = NULL;
	return STINGY_UNSURE;
}

static inline enum stingy_taken stingy_take_deep(size_t size, uintptr_t sp, const void *hint, void **object)
{
	(void)size;
	(void)sp;
	(void)hint;
	(void)object;
	return STINGY_UNSURE;
}

static inline void *stingy_take(size_t size, size_t align, const struct stingy_frame *at)
{
	(void)size;
	(void)align;
	(void)at;
	return NULL;
}

static inline void *stingy_took(void *object, size_t size, size_t align, const struct stingy_frame *at)
{
	if (object)
		stingy_record_alloc(object, size, align, at);
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

static inline void stingy_unloaded(void)
{
	stingy_record_unloaded();
}

static inline void stingy_leaving(const void *object)
{
	if (object)
		stingy_record_free(object);
}

#endif
