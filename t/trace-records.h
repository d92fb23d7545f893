/*
 * What the tests of the trace's format share: a trace with every type of record and the extremes of every field, read
 * from where an overread faults, and what tells whether two records say the same.
 */
#ifndef STINGY_TEST_TRACE_RECORDS_H
#define STINGY_TEST_TRACE_RECORDS_H

#include "../profiler/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM    (1u << 16) /* bytes: the longest trace read where an overread faults */
#define HEADER  sizeof(struct stingy_trace_header)
#define RECORDS (sizeof(all) / sizeof(*all))

static uint8_t *guard; /* what lies here must not be read */

static const char name[] = "a name\xff";

/* A trace with every type of record and the extremes of every field. */
static struct stingy_trace_record all[] = {
	{STINGY_TRACE_MODULE, .module = {.id = {1, 2, 255}, .id_len = 3, .size = 7, .path = {name, 7}}},
	{STINGY_TRACE_MODULE, .module = {.number = UINT32_MAX - 1, .id_len = 32, .size = UINT64_MAX}},
	{STINGY_TRACE_FRAME, .frame = {.rule = {.base = STINGY_RULE_END}, .name = {name, 1}}},
	{STINGY_TRACE_FRAME,
	 .frame = {1, UINT32_MAX, UINT64_MAX, UINT64_MAX, {INT32_MAX - 7, INT16_MIN, STINGY_RULE_BP}}},
	{STINGY_TRACE_FRAME, .frame = {2, UINT32_MAX - 1, 0x80, 0x7f, {8, 0, STINGY_RULE_SP}, {name, 0}}},
	{STINGY_TRACE_CHAIN, .chain = {0, true, 0}},
	{STINGY_TRACE_CHAIN, .chain = {1, true, 3, {2, 0, 1}}},
	{STINGY_TRACE_CHAIN, .chain = {2, false, STINGY_CHAIN_MAX, {[0] = 1, [63] = 2}}},
	{STINGY_TRACE_THREAD, .thread = UINT64_MAX},
	{STINGY_TRACE_ALLOC, .alloc = {.chain = 2, .align = 1u << 31, .size = UINT64_MAX, .address = UINT64_MAX}},
	{STINGY_TRACE_ALLOC, .alloc = {.chain = 0, .align = 1}},
	{STINGY_TRACE_ALLOC, .alloc = {.chain = 1, .align = 16, .size = 512, .address = UINT64_C(1) << 63}},
	{STINGY_TRACE_REALLOC, .alloc = {.chain = 1, .align = 1, .size = 1, .address = 0x5000, .old = UINT64_MAX}},
	{STINGY_TRACE_REALLOC, .alloc = {.chain = 1, .align = 1, .size = 1, .address = 0x5000, .old = 0x5000}},
	{STINGY_TRACE_FREE, .alloc = {.address = 0x4ff0}},
	{STINGY_TRACE_FREE, .alloc = {.address = 0}},
	{STINGY_TRACE_WAIT, .wait = {.time = UINT64_MAX, .chain = 2}},
	{STINGY_TRACE_TURN, .turn = {.time = 0, .fd = UINT64_MAX}},
	{STINGY_TRACE_TURN, .turn = {.time = 1000000, .fd = 0}},
	{STINGY_TRACE_ACCEPT, .fd = UINT64_MAX},
	{STINGY_TRACE_CLOSE, .fd = 0},
	{STINGY_TRACE_STAGE, .stage = {.time = 999999, .frame = 2, .task = UINT64_MAX}},
	{STINGY_TRACE_STAGE_END, .stage = {.time = 1000001}},
	{STINGY_TRACE_TASK_END, .task = 0x7fffffffffff},
	{STINGY_TRACE_REQUEST, .request = {.time = 1000002, .fd = UINT64_MAX}},
	{STINGY_TRACE_LINK, .fd = UINT64_MAX},
	{STINGY_TRACE_CALL, .call = {1000001, UINT32_MAX, 2, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, UINT64_MAX}},
	{STINGY_TRACE_CALL, .call = {1000003, 0, 0, 0, 0, 0, UINT64_MAX, 0}},
	{STINGY_TRACE_STACK, .stack = {.used = UINT64_MAX, .depth = 0}},
	{STINGY_TRACE_QUEUE, .queue = {1000004, 2, UINT32_MAX, UINT64_MAX}},
	{STINGY_TRACE_QUEUE, .queue = {0, 0, 2, 0}},
	{STINGY_TRACE_INDIRECT, .indirect = 2},
	{STINGY_TRACE_INTERFACE, .text = {name, 6}},
};

struct trace {
	union {
		struct stingy_trace_header header;
		uint8_t bytes[ROOM];
	};
	size_t size;
	size_t end[RECORDS + 1]; /* where the header and each record end */
};

static struct trace whole;

static void begin(struct trace *trace)
{
	trace->header = (struct stingy_trace_header){
		.magic = STINGY_TRACE_MAGIC, .version = STINGY_TRACE_VERSION, .header_size = HEADER};
	trace->size = trace->end[0] = HEADER;
}

static int set_up(void **state)
{
	uint8_t *pages = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stingy_trace_state encoder = {0};

	(void)state;
	guard = pages + ROOM;
	begin(&whole);
	for (size_t i = 0; i < RECORDS; i++) {
		whole.size += stingy_trace_encode(&encoder, &all[i], whole.bytes + whole.size);
		whole.end[i + 1] = whole.size;
	}
	whole.header.committed = whole.size;
	return pages == MAP_FAILED || mprotect(guard, ROOM, PROT_NONE);
}

/* Begins to read a copy of the bytes that ends where reading faults. */
static int open_trace(struct stingy_trace_reader *reader, const void *bytes, size_t size)
{
	assert_true(size <= ROOM);
	return stingy_trace_reader_init(reader, memmove(guard - size, bytes, size), size);
}

static bool same_text(struct stingy_text a, struct stingy_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Whether two records say the same. Strings lie elsewhere, structures may be padded: hence field by field. */
static bool same(const struct stingy_trace_record *a, const struct stingy_trace_record *b)
{
#define SAME(field) (a->field == b->field)
	if (!SAME(type))
		return false;
	switch (a->type) {
	case STINGY_TRACE_MODULE:
		return SAME(module.number) && SAME(module.id_len) && SAME(module.size) &&
		       memcmp(a->module.id, b->module.id, a->module.id_len) == 0 &&
		       same_text(a->module.path, b->module.path);
	case STINGY_TRACE_FRAME:
		return SAME(frame.number) && SAME(frame.module) && SAME(frame.offset) && SAME(frame.function) &&
		       SAME(frame.rule.base) && SAME(frame.rule.cfa) && SAME(frame.rule.bp) &&
		       same_text(a->frame.name, b->frame.name);
	case STINGY_TRACE_CHAIN:
		return SAME(chain.number) && SAME(chain.complete) && SAME(chain.depth) &&
		       memcmp(a->chain.frame, b->chain.frame, a->chain.depth * sizeof(*a->chain.frame)) == 0;
	case STINGY_TRACE_ALLOC:
	case STINGY_TRACE_REALLOC:
		return SAME(alloc.chain) && SAME(alloc.align) && SAME(alloc.size) && SAME(alloc.address) &&
		       SAME(alloc.old);
	case STINGY_TRACE_FREE:
		return SAME(alloc.address);
	case STINGY_TRACE_WAIT:
		return SAME(wait.time) && SAME(wait.chain);
	case STINGY_TRACE_TURN:
		return SAME(turn.time) && SAME(turn.fd);
	case STINGY_TRACE_STAGE:
		return SAME(stage.time) && SAME(stage.frame) && SAME(stage.task);
	case STINGY_TRACE_STAGE_END:
		return SAME(stage.time);
	case STINGY_TRACE_THREAD:
		return SAME(thread);
	case STINGY_TRACE_ACCEPT:
	case STINGY_TRACE_CLOSE:
	case STINGY_TRACE_LINK:
		return SAME(fd);
	case STINGY_TRACE_TASK_END:
		return SAME(task);
	case STINGY_TRACE_REQUEST:
		return SAME(request.time) && SAME(request.fd);
	case STINGY_TRACE_CALL:
		return SAME(call.time) && SAME(call.number) && SAME(call.chain) && SAME(call.fd) && SAME(call.took) &&
		       SAME(call.blocked) && SAME(call.faults) && SAME(call.switches);
	case STINGY_TRACE_STACK:
		return SAME(stack.used) && SAME(stack.depth);
	case STINGY_TRACE_INDIRECT:
		return SAME(indirect);
	case STINGY_TRACE_INTERFACE:
		return same_text(a->text, b->text);
	case STINGY_TRACE_QUEUE:
		return SAME(queue.time) && SAME(queue.chain) && SAME(queue.frame) && SAME(queue.task);
	}
	return false;
}

/* Expects the first n records of the whole trace, each so many bytes further on, then the result, for good. */
static void expect_shifted(struct stingy_trace_reader *reader, size_t n, int result, size_t shift)
{
	struct stingy_trace_record record;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(stingy_trace_next(reader, &record), 1);
		assert_true(same(&record, &all[i]));
		assert_int_equal(reader->at, whole.end[i + 1] + shift);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stingy_trace_next(reader, &record), result);
		assert_true(result == 0 ? !reader->error : reader->error != NULL);
		assert_int_equal(reader->at, whole.end[n] + shift);
	}
}

static void expect(struct stingy_trace_reader *reader, size_t n, int result)
{
	expect_shifted(reader, n, result, 0);
}

#endif
