#include "events.h"

#include "callers.h"
#include "costs.h"
#include "declared.h"
#include "descriptors.h"
#include "paint.h"
#include "record.h"

/* What this thread is about: calls before it serves are not worth a record. */
static __thread bool has_waited __attribute__((tls_model("initial-exec")));
static __thread bool in_stage __attribute__((tls_model("initial-exec")));
static __thread bool is_rooted __attribute__((tls_model("initial-exec"))); /* its waits are: record.h */
static __thread bool announces __attribute__((tls_model("initial-exec"))); /* stages: its turns are none */

/* Only allocations are wanted, and what a program announces. */
static bool is_off;

void stingy_events_init(bool off)
{
	is_off = off;
}

static uint64_t now(void)
{
	return stingy_record_time(stingy_record_clock());
}

/* Records are not set to zeros first: chains and paths make them long, and these here are short. */
static void put(struct stingy_trace_record *record)
{
	stingy_record_put(record, &(struct stingy_record_refs){.at = NULL});
}

static void put_descriptor(enum stingy_trace_type type, int fd)
{
	struct stingy_trace_record record;
	if (is_off)
		return;
	record.type = type;
	record.fd = (uint64_t)fd;
	put(&record);
}

/* The run ends, if one was being measured, in the function that has this stack pointer. */
static void put_stack(uintptr_t sp)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_STACK;
	if (!stingy_paint_end(sp, &record.stack.used))
		return;
	record.stack.depth = stingy_callers_stack()->high - sp;
	put(&record);
}

static void put_wait(const struct stingy_frame *at)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_WAIT;
	record.wait.time = now();
	stingy_record_put(&record, &(struct stingy_record_refs){.at = at, .chain = &record.wait.chain});
}

void stingy_events_wait(const struct stingy_frame *at)
{
	put_stack(at->sp);
	stingy_declared_refresh();
	if (is_off)
		return;
	put_wait(at);
	has_waited = true;
	is_rooted = stingy_callers_are_rooted();
	if (is_rooted && !announces)
		stingy_paint_begin(at->sp, stingy_callers_stack());
}

static __attribute__((noinline)) void put_turn(int fd)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_TURN;
	stingy_descriptors_turn();
	record.turn.time = now();
	record.turn.fd = fd < 0 ? UINT64_MAX : (uint64_t)fd;
	put(&record);
}

void stingy_events_turn(int fd)
{
	if (is_off)
		return;
	put_turn(fd);
	stingy_paint_over();
}

void stingy_events_accept(int fd)
{
	stingy_descriptors_turn();
	put_descriptor(STINGY_TRACE_ACCEPT, fd);
}

void stingy_events_close(int fd)
{
	put_descriptor(STINGY_TRACE_CLOSE, fd);
}

void stingy_events_request(int fd)
{
	struct stingy_trace_record record;
	if (is_off)
		return;
	record.type = STINGY_TRACE_REQUEST;
	stingy_descriptors_turn();
	record.request.time = now();
	record.request.fd = (uint64_t)fd;
	put(&record);
}

void stingy_events_link(int fd)
{
	put_descriptor(STINGY_TRACE_LINK, fd);
}

static __attribute__((noinline)) void put_stage(const void *stage, const void *task)
{
	struct stingy_trace_record record;
	struct stingy_record_refs refs = {.function = (uintptr_t)stage, .frame = &record.stage.frame};
	record.type = STINGY_TRACE_STAGE;
	stingy_descriptors_turn();
	record.stage.time = now();
	record.stage.task = (uintptr_t)task;
	stingy_record_put(&record, &refs);
}

void stingy_events_stage(const void *stage, const void *task, uintptr_t sp)
{
	in_stage = announces = true;
	put_stage(stage, task);
	if (is_rooted || !has_waited)
		stingy_paint_begin(sp, stingy_callers_stack());
}

void stingy_events_stage_end(uintptr_t sp)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_STAGE_END;
	put_stack(sp);
	in_stage = false;
	record.stage.time = now();
	put(&record);
}

void stingy_events_task_end(const void *task)
{
	put(&(struct stingy_trace_record){.type = STINGY_TRACE_TASK_END, .task = (uintptr_t)task});
}

void stingy_events_queue(uintptr_t stage, uint64_t task, const struct stingy_frame *at)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_QUEUE;
	record.queue = (struct stingy_trace_queue){.time = now(), .frame = UINT32_MAX, .task = task};
	stingy_record_put(&record, &(struct stingy_record_refs){.at = at,
								.chain = &record.queue.chain,
								.function = stage,
								.frame = &record.queue.frame});
}

static bool is_serving(void)
{
	return (has_waited || in_stage) && !is_off;
}

void stingy_events_call_begin(struct stingy_call *call)
{
	call->began = 0;
	if ((!is_serving() && !stingy_costs_are_asked_for()) || stingy_record_is_busy())
		return;
	call->is_costly = stingy_costs_are_wanted();
	if (call->is_costly)
		stingy_costs_read(&call->costs);
	call->began = stingy_record_clock();
}

/* What the call cost, in the fields of the record. */
static void take_costs(const struct stingy_call *call, struct stingy_trace_call *record)
{
	struct stingy_costs now;
	stingy_costs_read(&now);
	uint64_t ran = now.cpu_ns - call->costs.cpu_ns;
	record->blocked = record->took > ran ? record->took - ran : 0;
	record->faults = now.faults - call->costs.faults;
	record->switches = now.switches - call->costs.switches;
}

static __attribute__((noinline)) void put_call(const struct stingy_call *call)
{
	struct stingy_trace_record record;
	record.type = STINGY_TRACE_CALL;
	record.call = (struct stingy_trace_call){.time = stingy_record_time(call->began),
						 .number = (uint32_t)call->number,
						 .fd = call->fd < 0 ? UINT64_MAX : (uint64_t)call->fd,
						 .took = stingy_record_clock() - call->began,
						 .blocked = UINT64_MAX};
	if (call->is_costly)
		take_costs(call, &record.call);
	stingy_costs_tell(&record.call);
	if (is_serving())
		stingy_record_put(&record, &(struct stingy_record_refs){.at = call->at, .chain = &record.call.chain});
}

void stingy_events_call_end(const struct stingy_call *call)
{
	if (call->began)
		put_call(call);
}
