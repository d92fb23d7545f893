#include "events.h"

#include "declared.h"
#include "descriptors.h"
#include "record.h"

/* What this thread is about: calls before it serves are not worth a record. */
static __thread bool has_waited __attribute__((tls_model("initial-exec")));
static __thread bool in_stage __attribute__((tls_model("initial-exec")));

static uint64_t now(void)
{
	return stingy_record_time(stingy_record_clock());
}

static void put(struct stingy_trace_record *record)
{
	stingy_record_put(record, &(struct stingy_record_refs){.at = NULL});
}

static void put_descriptor(enum stingy_trace_type type, int fd)
{
	put(&(struct stingy_trace_record){.type = type, .fd = (uint64_t)fd});
}

void stingy_events_wait(const struct stingy_frame *at)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_WAIT};
	has_waited = true;
	stingy_declared_refresh();
	record.wait.time = now();
	stingy_record_put(&record, &(struct stingy_record_refs){.at = at, .chain = &record.wait.chain});
}

void stingy_events_turn(int fd)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_TURN};
	stingy_descriptors_turn();
	record.turn.time = now();
	record.turn.fd = fd < 0 ? UINT64_MAX : (uint64_t)fd;
	put(&record);
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
	struct stingy_trace_record record = {.type = STINGY_TRACE_REQUEST};
	stingy_descriptors_turn();
	record.request.time = now();
	record.request.fd = (uint64_t)fd;
	put(&record);
}

void stingy_events_link(int fd)
{
	put_descriptor(STINGY_TRACE_LINK, fd);
}

void stingy_events_stage(const void *stage, const void *task)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_STAGE};
	struct stingy_record_refs refs = {.function = (uintptr_t)stage, .frame = &record.stage.frame};
	in_stage = true;
	stingy_descriptors_turn();
	record.stage.time = now();
	record.stage.task = (uintptr_t)task;
	stingy_record_put(&record, &refs);
}

void stingy_events_stage_end(void)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_STAGE_END};
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
	struct stingy_trace_record record = {.type = STINGY_TRACE_QUEUE};
	record.queue = (struct stingy_trace_queue){.time = now(), .frame = UINT32_MAX, .task = task};
	stingy_record_put(&record, &(struct stingy_record_refs){.at = at,
								.chain = &record.queue.chain,
								.function = stage,
								.frame = &record.queue.frame});
}

struct stingy_call stingy_events_call_begin(const struct stingy_frame *at, long number, int fd)
{
	bool is_serving = has_waited || in_stage;
	return (struct stingy_call){at, number, fd, is_serving ? stingy_record_clock() : 0};
}

void stingy_events_call_end(const struct stingy_call *call)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_CALL};
	if (!call->began)
		return;
	record.call = (struct stingy_trace_call){.time = stingy_record_time(call->began),
						 .number = (uint32_t)call->number,
						 .fd = call->fd < 0 ? UINT64_MAX : (uint64_t)call->fd,
						 .took = stingy_record_clock() - call->began,
						 .blocked = UINT64_MAX};
	stingy_record_put(&record, &(struct stingy_record_refs){.at = call->at, .chain = &record.call.chain});
}
