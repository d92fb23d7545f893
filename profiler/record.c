#define _GNU_SOURCE
#include "record.h"

#include "../shim/env.h"
#include "../shim/next.h"
#include "../shim/say.h"
#include "chains.h"
#include "descriptors.h"
#include "frames.h"
#include "sink.h"
#include "unwind.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_TRACE_DEFAULT (1ul << 30) /* bytes */
#define MAX_TRACE_LEAST   (64ul << 10)

/* Settled by the constructor. */
static bool is_on;
static bool is_single;
static bool must_check; /* walk both ways, by rules and by libunwind, and compare */
static char prefix[PATH_MAX];
static size_t bound;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static struct stingy_sink sink;
static struct stingy_trace_state state;
static struct stingy_declared last = {.trace = 1}; /* of chains: the process's trace, and how many it declared */
static uint32_t n_declared_frames, n_declared_modules;
static uint32_t parent;  /* pid of the process we were forked from, if it wrote a trace */
static bool is_lost;     /* no trace can be opened */
static uint64_t started; /* monotonic nanoseconds */
static pid_t last_thread;
static uint64_t n_checked, n_different;

static __thread struct {
	bool is_busy;
	bool has_stack;
	pid_t id; /* 0: not asked yet */
	struct stingy_stack stack;
} self __attribute__((tls_model("initial-exec")));

static uint64_t monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether this thread may record now; every true is paired with leave(). */
static bool enter(void)
{
	if (__builtin_expect(!is_on || self.is_busy, 0))
		return false;
	self.is_busy = true;
	return true;
}

static void leave(void)
{
	self.is_busy = false;
}

static void open_trace(void)
{
	if (sink.header || is_lost)
		return;
	if (stingy_sink_open(&sink, prefix, bound, parent) < 0) {
		is_lost = true;
		stingy_say("cannot write a trace '%s.%d.trace': %s", prefix, getpid(), strerrordesc_np(errno));
		return;
	}
	started = monotonic();
	state = (struct stingy_trace_state){0, 0};
}

/* Writes one record; whether it fitted. The lock is held. */
static bool put(const struct stingy_trace_record *record)
{
	uint8_t *room = stingy_sink_room(&sink);
	if (!room)
		return false;
	stingy_sink_commit(&sink, stingy_trace_encode(&state, record, room));
	return true;
}

/* Opens the trace if need be, and says whose records follow. The lock is held. */
static bool begin_record(void)
{
	open_trace();
	if (!sink.header)
		return false;
	if (self.id == 0)
		self.id = (pid_t)syscall(SYS_gettid);
	if (self.id == last_thread)
		return true;
	last_thread = self.id;
	return put(&(struct stingy_trace_record){.type = STINGY_TRACE_THREAD, .thread = (uint64_t)self.id});
}

static struct stingy_text text_of(const char *string)
{
	return (struct stingy_text){string, strlen(string)};
}

/* The number under which this process's trace knows the module, declared if it does not yet. */
static uint32_t declare_module(uint32_t index)
{
	if (index == STINGY_MODULE_NONE)
		return UINT32_MAX;
	struct stingy_known_module *known = stingy_frames_module(index);
	if (known->declared.trace == last.trace)
		return known->declared.number;
	uint32_t number = known->module.is_program ? 0 : ++n_declared_modules;
	struct stingy_trace_record record = {.type = STINGY_TRACE_MODULE};
	record.module = (struct stingy_trace_module){
		.number = number, .id_len = known->module.id_len, .size = known->size, .path = text_of(known->path)};
	memcpy(record.module.id, known->id, sizeof(record.module.id));
	put(&record);
	known->declared = (struct stingy_declared){last.trace, number};
	return number;
}

static uint32_t declare_frame(uint32_t index)
{
	struct stingy_known_frame *known = stingy_frames_at(index);
	if (known->declared.trace == last.trace)
		return known->declared.number;
	struct stingy_trace_record record = {.type = STINGY_TRACE_FRAME};
	record.frame = (struct stingy_trace_frame){.number = n_declared_frames,
						   .module = declare_module(known->module),
						   .offset = known->offset,
						   .function = known->function,
						   .rule = known->rule,
						   .name = text_of(known->name)};
	put(&record);
	known->declared = (struct stingy_declared){last.trace, n_declared_frames};
	return n_declared_frames++;
}

/* UINT32_MAX: there is no room for it. */
static uint32_t declare_chain(const struct stingy_chain *chain)
{
	struct stingy_known_chain *known = stingy_chains_get(chain);
	if (!known)
		return UINT32_MAX;
	if (known->declared.trace == last.trace)
		return known->declared.number;
	struct stingy_trace_record record = {.type = STINGY_TRACE_CHAIN};
	const uint32_t *frames = stingy_chains_frames(known);
	for (uint32_t i = 0; i < known->depth; i++)
		record.chain.frame[i] = declare_frame(frames[i]);
	record.chain.number = last.number;
	record.chain.complete = known->complete;
	record.chain.depth = known->depth;
	put(&record);
	known->declared = (struct stingy_declared){last.trace, last.number};
	return last.number++;
}

/* Compares the walk just made with libunwind's. */
static void check_walk(const struct stingy_chain *chain, const struct stingy_call *call)
{
	uintptr_t theirs[STINGY_CHAIN_MAX];
	bool ended;
	size_t n = stingy_unwind_walk(call->ra, theirs, STINGY_CHAIN_MAX, &ended, stingy_frames_tables, NULL);
	bool same = n == chain->depth;
	for (size_t i = 0; same && i < n; i++)
		same = stingy_frames_at(chain->frame[i])->ra == theirs[i];
	__atomic_fetch_add(&n_checked, 1, __ATOMIC_RELAXED);
	if (!same)
		__atomic_fetch_add(&n_different, 1, __ATOMIC_RELAXED);
}

/* The chain of the call, walked by rules, which are learnt on the way. No lock is held. */
static void walk(struct stingy_chain *chain, const struct stingy_call *call)
{
	if (!self.has_stack) {
		self.has_stack = true;
		self.stack = stingy_stack_of_thread();
	}
	struct stingy_frame frame = stingy_walk_begin(call);
	chain->depth = 0;
	chain->complete = false;
	do {
		uint32_t index = stingy_frames_get(frame.ra);
		if (index == STINGY_FRAME_NONE)
			break;
		chain->frame[chain->depth++] = index;
		const struct stingy_rule *rule = &stingy_frames_at(index)->rule;
		chain->complete = rule->base == STINGY_RULE_END;
		if (!stingy_walk_step(&frame, rule, &self.stack))
			break;
	} while (chain->depth < STINGY_CHAIN_MAX);
	if (must_check)
		check_walk(chain, call);
}

void stingy_record_alloc(void *object, size_t size, size_t align, const struct stingy_call *call)
{
	if (!enter())
		return;
	int saved = errno;
	struct stingy_chain chain;
	walk(&chain, call);
	pthread_mutex_lock(&lock);
	if (chain.depth > 0 && begin_record()) {
		uint32_t number = declare_chain(&chain);
		struct stingy_trace_record record = {.type = STINGY_TRACE_ALLOC};
		record.alloc = (struct stingy_trace_alloc){
			.chain = number, .align = (uint32_t)align, .size = size, .address = (uintptr_t)object};
		if (number != UINT32_MAX)
			put(&record);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
	leave();
}

/* Most records: nothing to find out before the lock. */
static void put_locked(const struct stingy_trace_record *record)
{
	if (!enter())
		return;
	int saved = errno;
	pthread_mutex_lock(&lock);
	if (begin_record())
		put(record);
	pthread_mutex_unlock(&lock);
	errno = saved;
	leave();
}

void stingy_record_free(const void *object)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_FREE};
	record.alloc.address = (uintptr_t)object;
	put_locked(&record);
}

/* Nanoseconds since the trace started; 0 before its first record. */
static uint64_t now(void)
{
	uint64_t since = started;
	return since ? monotonic() - since : 0;
}

void stingy_record_wait(const struct stingy_call *call)
{
	if (!enter())
		return;
	int saved = errno;
	struct stingy_chain chain;
	walk(&chain, call);
	pthread_mutex_lock(&lock);
	if (chain.depth > 0 && begin_record()) {
		struct stingy_trace_record record = {.type = STINGY_TRACE_WAIT};
		record.wait.chain = declare_chain(&chain);
		record.wait.time = now();
		if (record.wait.chain != UINT32_MAX)
			put(&record);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
	leave();
}

void stingy_record_turn(int fd)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_TURN};
	record.turn.time = now();
	record.turn.fd = fd < 0 ? UINT64_MAX : (uint64_t)fd;
	put_locked(&record);
}

void stingy_record_accept(int fd)
{
	put_locked(&(struct stingy_trace_record){.type = STINGY_TRACE_ACCEPT, .fd = (uint64_t)fd});
}

void stingy_record_close(int fd)
{
	put_locked(&(struct stingy_trace_record){.type = STINGY_TRACE_CLOSE, .fd = (uint64_t)fd});
}

void stingy_record_stage(const void *stage, const void *task)
{
	if (!enter())
		return;
	int saved = errno;
	uint32_t index = stingy_frames_get_function((uintptr_t)stage);
	pthread_mutex_lock(&lock);
	if (index != STINGY_FRAME_NONE && begin_record()) {
		struct stingy_trace_record record = {.type = STINGY_TRACE_STAGE};
		record.stage.frame = declare_frame(index);
		record.stage.time = now();
		record.stage.task = (uintptr_t)task;
		put(&record);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
	leave();
}

void stingy_record_stage_end(void)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_STAGE_END};
	record.stage.time = now();
	put_locked(&record);
}

void stingy_record_task_end(const void *task)
{
	put_locked(&(struct stingy_trace_record){.type = STINGY_TRACE_TASK_END, .task = (uintptr_t)task});
}

void stingy_record_modules_gone(void)
{
	if (!enter())
		return;
	int saved = errno;
	stingy_frames_forget_gone();
	errno = saved;
	leave();
}

bool stingy_record_is_single(void)
{
	return is_on && is_single;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
	stingy_frames_lock();
}

static void after_fork_in_parent(void)
{
	stingy_frames_unlock();
	pthread_mutex_unlock(&lock);
}

/* The child's trace is its own, and declares anew what it uses. */
static void after_fork_in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	stingy_frames_after_fork();
	stingy_descriptors_after_fork();
	if (sink.header)
		parent = sink.header->pid;
	stingy_sink_forget(&sink);
	last = (struct stingy_declared){.trace = last.trace + 1};
	n_declared_frames = n_declared_modules = 0;
	n_checked = n_different = 0;
	last_thread = 0;
	started = 0;
	is_lost = false;
	self.id = 0;
	self.is_busy = false;
}

/* Where traces go, as a path that stays good when the program changes its directory. */
static int settle_prefix(void)
{
	const char *given = stingy_env("STINGY_TRACE");
	if (!given)
		given = "stingy";
	size_t used = 0;
	if (given[0] != '/') {
		if (!getcwd(prefix, sizeof(prefix)))
			return -1;
		used = strlen(prefix);
		prefix[used++] = '/';
	}
	if (used + strlen(given) >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix + used, given, strlen(given) + 1);
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	stingy_next_init();
	if (!stingy_env_is_trusted())
		return;
	if (!stingy_env_is_main())
		stingy_say_no_more();
	self.is_busy = true;
	bound = stingy_env_number("STINGY_MAX_TRACE", MAX_TRACE_DEFAULT);
	if (bound < MAX_TRACE_LEAST)
		bound = MAX_TRACE_LEAST;
	is_single = !stingy_env_is_set("STINGY_BATCH");
	must_check = stingy_env_is_set("STINGY_CHECK_WALK");
	if (settle_prefix() < 0 || stingy_frames_init() < 0 || stingy_chains_init() < 0 ||
	    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) {
		stingy_say("cannot profile: %s", strerrordesc_np(errno));
	} else {
		stingy_unwind_init(); /* without it there are chains of one address; it has said so */
		is_on = true;
	}
	self.is_busy = false;
}

__attribute__((destructor)) static void end(void)
{
	if (!enter())
		return;
	pthread_mutex_lock(&lock);
	stingy_sink_end(&sink);
	if (sink.header && (sink.header->flags & STINGY_TRACE_FULL))
		stingy_say("'%s' is full: %lu records were dropped (see --max-trace)", sink.path, sink.header->dropped);
	pthread_mutex_unlock(&lock);
	if (must_check)
		stingy_say("check-walk %s[%d]: %lu chains, %lu not as libunwind walks them", stingy_program_path(),
			   getpid(), n_checked, n_different);
	leave();
}
