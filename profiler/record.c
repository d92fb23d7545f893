#define _GNU_SOURCE
#include "record.h"

#include "../shim/env.h"
#include "../shim/map.h"
#include "../shim/next.h"
#include "../shim/operators.h"
#include "../shim/say.h"
#include "callers.h"
#include "chains.h"
#include "costs.h"
#include "declared.h"
#include "descriptors.h"
#include "events.h"
#include "paint.h"
#include "unwind.h"
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRACE_DEFAULT (1ul << 30) /* bytes */
#define MAX_TRACE_LEAST   (64ul << 10)

/* Settled by the constructor. */
static bool is_on, is_single;
static char prefix[STINGY_SINK_PREFIX];
static size_t bound;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static struct stingy_writer writer = {.trace = 1};
static uint32_t parent;  /* pid of the process we were forked from, if it wrote a trace */
static bool is_lost;     /* no trace can be opened */
static uint64_t started; /* monotonic nanoseconds */
static pid_t last_thread;

static __thread struct {
	bool is_busy;
	int error;       /* errno, to go back to */
	unsigned learnt; /* addresses, before what is being recorded */
	pid_t id;        /* 0: not asked yet */
	sigset_t mask;   /* during fork: of signals, as it was before */
} self __attribute__((tls_model("initial-exec")));

static volatile unsigned char *is_this_process; /* 1, and 0 in a child that has not noticed */

static void after_fork_in_child(void);

static uint64_t monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Whether this thread may record now; every true is paired with leave(), which brings back errno. malloc and free are
 * no cancellation points: where one of those is called in between, cancellation is off (here, frames.c, sink.c), which
 * would cost each record a tenth more. A child by _Fork or a bare clone, which run no handlers, shows by a page that
 * the kernel wiped for it.
 */
static inline bool enter(void)
{
	if (__builtin_expect(!is_on || self.is_busy, 0))
		return false;
	self.error = errno;
	if (__builtin_expect(!*is_this_process, 0))
		after_fork_in_child();
	self.is_busy = true;
	if (__builtin_expect(stingy_paint_is_on, 0)) {
		self.learnt = stingy_frames_learnt();
		stingy_paint_enter();
	}
	return true;
}

static inline void leave(void)
{
	if (__builtin_expect(stingy_paint_is_on, 0))
		stingy_paint_leave(stingy_frames_learnt() != self.learnt);
	errno = self.error;
	self.is_busy = false;
}

bool stingy_record_is_busy(void)
{
	return self.is_busy;
}

bool stingy_record_enter(void)
{
	return enter();
}

void stingy_record_leave(void)
{
	leave();
}

static void open_sink(void)
{
	if (stingy_sink_open(&writer.sink, prefix, bound, parent) < 0) {
		is_lost = true;
		stingy_say("cannot write a trace '%s.%d.trace': %s", prefix, getpid(), strerrordesc_np(errno));
		return;
	}
	started = monotonic();
	writer.state = (struct stingy_trace_state){0, 0};
	stingy_declared_write(&writer);
}

static void open_trace(void)
{
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	open_sink();
	pthread_setcancelstate(cancel, NULL);
}

/* A record of another thread than the last one, or the first. */
static __attribute__((noinline)) bool begin_thread(void)
{
	if (!writer.sink.header && !is_lost)
		open_trace();
	if (!writer.sink.header)
		return false;
	if (self.id == 0)
		self.id = (pid_t)syscall(SYS_gettid);
	if (self.id == last_thread)
		return true;
	last_thread = self.id;
	return stingy_writer_put(
		&writer, &(struct stingy_trace_record){.type = STINGY_TRACE_THREAD, .thread = (uint64_t)self.id});
}

/* Opens the trace if need be, and says whose records follow. The lock is held. */
static inline bool begin_record(void)
{
	if (__builtin_expect(writer.sink.header && self.id != 0 && self.id == last_thread, 1))
		return true;
	return begin_thread();
}

/* The numbers that the record refers to; the lock is held. Returns whether there was room for them. */
static inline bool refer(uint32_t chain, uint32_t function, const struct stingy_record_refs *refs)
{
	if ((refs->at && chain == STINGY_CHAIN_NONE) || (refs->function && function == STINGY_FRAME_NONE))
		return false;
	if (refs->at)
		*refs->chain = stingy_writer_chain(&writer, chain);
	if (refs->function)
		*refs->frame = stingy_writer_frame(&writer, function);
	return true;
}

/* Whether it took the lock: as long as there is one thread, there is nobody to be kept out, nor does one begin amid
 * this. */
static inline bool lock_trace(void)
{
	if (__libc_single_threaded)
		return false;
	pthread_mutex_lock(&lock);
	return true;
}

static inline void unlock_trace(bool is_locked)
{
	if (is_locked)
		pthread_mutex_unlock(&lock);
}

/* The chain of the call, found by a walk; STINGY_CHAIN_NONE: there is none, or no room for it. */
static __attribute__((noinline)) uint32_t walk(const struct stingy_frame *at)
{
	if (!stingy_callers_walk(at))
		return STINGY_CHAIN_NONE;
	bool is_locked = lock_trace();
	uint32_t chain = stingy_callers_chain(at);
	unlock_trace(is_locked);
	return chain;
}

static inline __attribute__((always_inline)) void put_inline(struct stingy_trace_record *record,
							     const struct stingy_record_refs *refs)
{
	uint32_t chain = STINGY_CHAIN_NONE, function = STINGY_FRAME_NONE;
	if (refs->function)
		function = stingy_frames_get_function(refs->function);
	bool is_locked = lock_trace();
	if (refs->at)
		chain = stingy_callers_find(refs->at);
	if (refs->at && __builtin_expect(chain == STINGY_CHAIN_NONE, 0)) {
		unlock_trace(is_locked);
		chain = walk(refs->at);
		is_locked = lock_trace();
	}
	if (begin_record() && refer(chain, function, refs))
		stingy_writer_put(&writer, record);
	unlock_trace(is_locked);
	if (refs->at)
		stingy_callers_check(refs->at, chain);
}

/* Functions of their own, so that their part of the stack is not left changed; for allocations, of which there are
 * most, without a look at what is not in them. */
static __attribute__((noinline)) void put(struct stingy_trace_record *record, const struct stingy_record_refs *refs)
{
	put_inline(record, refs);
}

static __attribute__((noinline, hot)) void put_alloc(void *object, size_t size, size_t align,
						     const struct stingy_frame *at)
{
	struct stingy_trace_record record; /* of which the rest is not worth setting to zeros each time */
	record.type = STINGY_TRACE_ALLOC;
	record.alloc =
		(struct stingy_trace_alloc){.align = (uint32_t)align, .size = size, .address = (uintptr_t)object};
	put_inline(&record, &(struct stingy_record_refs){.at = at, .chain = &record.alloc.chain});
}

static __attribute__((noinline, hot)) void put_free(const void *object)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_FREE;
	record.alloc.address = (uintptr_t)object;
	put_inline(&record, &(struct stingy_record_refs){.at = NULL});
}

void stingy_record_put(struct stingy_trace_record *record, const struct stingy_record_refs *refs)
{
	if (!enter())
		return;
	put(record, refs);
	leave();
}

__attribute__((hot)) void stingy_record_alloc(void *object, size_t size, size_t align, const struct stingy_frame *at)
{
	if (!enter())
		return;
	put_alloc(object, size, align, at);
	leave();
}

__attribute__((hot)) void stingy_record_free(const void *object)
{
	if (!enter())
		return;
	put_free(object);
	leave();
}

uint64_t stingy_record_time(uint64_t at)
{
	uint64_t since = started;
	return since && at > since ? at - since : 0;
}

uint64_t stingy_record_clock(void)
{
	return monotonic();
}

void stingy_record_unloaded(void)
{
	if (!enter())
		return;
	stingy_frames_refresh();
	leave();
}

bool stingy_record_is_single(void)
{
	return is_on && is_single;
}

/* Signals wait till fork is done. Where one's handler forks amid a record, this thread may have the locks. */
static void before_fork(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &self.mask);
	if (!is_on || self.is_busy)
		return;
	stingy_frames_before_fork();
	pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
	if (is_on && !self.is_busy) {
		pthread_mutex_unlock(&lock);
		stingy_frames_after_fork_in_parent();
	}
	pthread_sigmask(SIG_SETMASK, &self.mask, NULL);
}

/* The child's trace is its own, and declares anew what it uses. What is called here must not be recorded. */
static void after_fork_in_child(void)
{
	self.is_busy = true;
	pthread_mutex_init(&lock, NULL);
	stingy_frames_after_fork_in_child();
	stingy_callers_after_fork();
	stingy_descriptors_after_fork();
	stingy_declared_after_fork();
	if (writer.sink.header)
		parent = writer.sink.header->pid;
	stingy_writer_after_fork(&writer);
	last_thread = 0;
	started = 0;
	is_lost = false;
	self.id = 0;
	self.is_busy = false;
	*is_this_process = 1;
}

/* Amid a record what is known is half changed, and locks may be held: the child records nothing. */
static void after_fork_with_handlers(void)
{
	if (self.is_busy)
		is_on = false;
	if (is_on)
		after_fork_in_child();
	pthread_sigmask(SIG_SETMASK, &self.mask, NULL);
}

/* A page that is zero in children; without it (before Linux 4.14), those that run no handlers go unnoticed. */
static int make_mark(void)
{
	is_this_process = stingy_map(1);
	if (!is_this_process)
		return -1;
	madvise((void *)is_this_process, 1, MADV_WIPEONFORK);
	*is_this_process = 1;
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	stingy_next_init();
	stingy_operators_init();
	stingy_walk_init();
	if (!stingy_env_is_trusted())
		return;
	stingy_say_init(!stingy_env_is_main());
	stingy_loop_init();
	stingy_io_init();
	stingy_systemcalls_init();
	stingy_uring_init();
	stingy_costs_init();
	self.is_busy = true;
	stingy_declared_init();
	bound = stingy_env_number("STINGY_MAX_TRACE", MAX_TRACE_DEFAULT);
	if (bound < MAX_TRACE_LEAST)
		bound = MAX_TRACE_LEAST;
	bool only_allocations = stingy_env_is_set("STINGY_ONLY_ALLOCATIONS");
	is_single = !only_allocations && !stingy_env_is_set("STINGY_BATCH");
	stingy_events_init(only_allocations);
	stingy_descriptors_init(only_allocations);
	bool must_check = stingy_env_is_set("STINGY_CHECK_WALK");
	if (must_check) {
		stingy_paint_forbid();
		stingy_say_keep(); /* its result comes when the program ends, which may use descriptor 2 for a log */
	}
	if (stingy_sink_settle(prefix, stingy_env("STINGY_TRACE")) < 0 || make_mark() < 0 || stingy_frames_init() < 0 ||
	    stingy_chains_init() < 0 || stingy_callers_init(must_check) < 0 ||
	    pthread_atfork(before_fork, after_fork_in_parent, after_fork_with_handlers) != 0) {
		stingy_say("cannot profile: %s", strerrordesc_np(errno));
	} else {
		stingy_unwind_init(); /* without it there are chains of one address; it has said so */
		stingy_declared_begin();
		is_on = true;
	}
	self.is_busy = false;
}

__attribute__((destructor)) static void end(void)
{
	if (!enter())
		return;
	pthread_mutex_lock(&lock);
	stingy_sink_end(&writer.sink);
	if (writer.sink.header && writer.sink.header->dropped)
		stingy_say("'%s': %s: %lu records were dropped", writer.sink.path,
			   writer.sink.header->flags & STINGY_TRACE_FULL ? "full (see --max-trace)"
									 : "it could not grow",
			   writer.sink.header->dropped);
	pthread_mutex_unlock(&lock);
	stingy_callers_say();
	leave();
}
