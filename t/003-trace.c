/* The trace: every record survives encoding, and no damage makes the reader lie, overread or go on for ever. */
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
static char long_name[5000];

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
	memset(long_name, 'n', sizeof(long_name));
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

/* Expects the first n records of the whole trace, then the result, for good. */
static void expect(struct stingy_trace_reader *reader, size_t n, int result)
{
	struct stingy_trace_record record;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(stingy_trace_next(reader, &record), 1);
		assert_true(same(&record, &all[i]));
		assert_int_equal(reader->at, whole.end[i + 1]);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(stingy_trace_next(reader, &record), result);
		assert_true(result == 0 ? !reader->error : reader->error != NULL);
		assert_int_equal(reader->at, whole.end[n]);
	}
}

static void test_every_record_survives(void **state)
{
	struct stingy_trace_reader reader;

	(void)state;
	assert_int_equal(open_trace(&reader, whole.bytes, whole.size), 0);
	expect(&reader, RECORDS, 0);
	assert_int_equal(reader.n_frames, 3);
	assert_int_equal(reader.n_chains, 3);
}

/* FORMAT.md's example and more: a change of the format must not go unnoticed, and wants a new version. */
static void test_bytes_are_as_documented(void **state)
{
	static const uint8_t expected[] = {
		1,  0,    3,    1,    2,  255,  7,  6,  'a', ' ', 'n', 'a', 'm', 'e', /* module 0 */
		2,  0,    1,    0x80, 1,  0,    2,  24, 16,  1,   'f', /* frame 0 in module 0, sp+24/bp-16 */
		2,  1,    0,    5,    0,  1,    0,                     /* frame 1 in no module, the outermost */
		3,  0,    5,    0,    1,                               /* chain 0: frames 0 and 1, complete */
		4,  0,    0x80, 4,    4,  0x80, 2,                     /* 512 bytes at 0x80, aligned to 16 */
		6,  0,    1,    0,    0,  0x1f,                        /* moved from there to 0x70 */
		5,  0,                                                 /* and freed */
		7,  9,                                                 /* thread 9 */
		8,  10,   0,                                           /* waits at 5 ns in chain 0 */
		9,  4,    12,                                          /* turn at 7 ns for fd 11 */
		9,  0,    0,                                           /* turn for an unknown fd */
		10, 12,   11,   12,   12, 1,    0,  3,                 /* accept, close, stage at 6 ns */
		13, 1,    14,   3,                                     /* its end at 5 ns, the task's end */
		15, 8,    12,   16,   13,                              /* request at 9 ns on fd 12, link of fd 13 */
		17, 4,    1,    0,    14, 100,  61, 2,  1,      /* write at 11 ns to 13: 100 ns, 60 of them blocked */
		17, 4,    39,   0,    0,  1,    0,  0,  0,      /* getpid at 13 ns */
		18, 0x80, 1,    64,                             /* 128 bytes of stack below the 64 of the loop */
		19, 1,    0,    2,    5,  19,   0,  0,  0,   6, /* queueing of frame 1 at 12 ns, of an unknown one */
		20, 1,                                          /* frame 1 is where an indirect call returns to */
	};
	static const struct stingy_trace_record records[] = {
		{STINGY_TRACE_MODULE, .module = {.id = {1, 2, 255}, .id_len = 3, .size = 7, .path = {name, 6}}},
		{STINGY_TRACE_FRAME, .frame = {0, 0, 0x80, 0, {24, -16, STINGY_RULE_SP}, {"f", 1}}},
		{STINGY_TRACE_FRAME, .frame = {1, UINT32_MAX, 5, 0, {.base = STINGY_RULE_END}}},
		{STINGY_TRACE_CHAIN, .chain = {0, true, 2, {0, 1}}},
		{STINGY_TRACE_ALLOC, .alloc = {.chain = 0, .align = 16, .size = 512, .address = 0x80}},
		{STINGY_TRACE_REALLOC, .alloc = {.align = 1, .size = 1, .old = 0x80, .address = 0x70}},
		{STINGY_TRACE_FREE, .alloc = {.address = 0x70}},
		{STINGY_TRACE_THREAD, .thread = 9},
		{STINGY_TRACE_WAIT, .wait = {.time = 5}},
		{STINGY_TRACE_TURN, .turn = {.time = 7, .fd = 11}},
		{STINGY_TRACE_TURN, .turn = {.time = 7, .fd = UINT64_MAX}},
		{STINGY_TRACE_ACCEPT, .fd = 12},
		{STINGY_TRACE_CLOSE, .fd = 12},
		{STINGY_TRACE_STAGE, .stage = {.time = 6, .task = 3}},
		{STINGY_TRACE_STAGE_END, .stage = {.time = 5}},
		{STINGY_TRACE_TASK_END, .task = 3},
		{STINGY_TRACE_REQUEST, .request = {.time = 9, .fd = 12}},
		{STINGY_TRACE_LINK, .fd = 13},
		{STINGY_TRACE_CALL, .call = {11, 1, 0, 13, 100, 60, 2, 1}},
		{STINGY_TRACE_CALL, .call = {13, 39, 0, UINT64_MAX, 1, UINT64_MAX, 0, 0}},
		{STINGY_TRACE_STACK, .stack = {.used = 128, .depth = 64}},
		{STINGY_TRACE_QUEUE, .queue = {12, 0, 1, 5}},
		{STINGY_TRACE_QUEUE, .queue = {12, 0, UINT32_MAX, 6}},
		{STINGY_TRACE_INDIRECT, .indirect = 1},
	};
	struct stingy_trace_state encoder = {0};
	static uint8_t buf[sizeof(expected) + STINGY_TRACE_RECORD_MAX];
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		size += stingy_trace_encode(&encoder, &records[i], buf + size);
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(buf, expected, size);
}

/* What the encoder cuts or replaces, because the format has no room for it. */
static void test_encoder_keeps_within_the_format(void **state)
{
	struct stingy_trace_record record = {STINGY_TRACE_FRAME,
					     .frame = {.rule = {7, 1, STINGY_RULE_SP}, .name = {long_name, 5000}}};
	struct stingy_trace_state encoder = {0};
	struct stingy_trace_reader reader;
	static struct trace trace;

	(void)state;
	begin(&trace);
	trace.size += stingy_trace_encode(&encoder, &record, trace.bytes + trace.size);
	record = (struct stingy_trace_record){STINGY_TRACE_CHAIN, .chain = {0, true, STINGY_CHAIN_MAX + 1, {0}}};
	trace.size += stingy_trace_encode(&encoder, &record, trace.bytes + trace.size);
	assert_true(trace.size <= HEADER + STINGY_TRACE_RECORD_MAX);
	trace.header.committed = trace.size;
	assert_int_equal(open_trace(&reader, trace.bytes, trace.size), 0);
	assert_int_equal(stingy_trace_next(&reader, &record), 1);
	assert_int_equal(record.frame.rule.base, STINGY_RULE_NONE);
	assert_true(same_text(record.frame.name, (struct stingy_text){long_name, STINGY_TRACE_STRING_MAX}));
	assert_int_equal(stingy_trace_next(&reader, &record), 1);
	assert_true(record.chain.depth == STINGY_CHAIN_MAX && !record.chain.complete);
	assert_int_equal(stingy_trace_next(&reader, &record), 0);
	record.type = STINGY_TRACE_TYPES;
	assert_int_equal(stingy_trace_encode(&encoder, &record, trace.bytes), 0);
}

/* A file cut anywhere, and a trace committed up to anywhere, give the records that are whole. */
static void test_every_truncation(void **state)
{
	struct stingy_trace_reader reader;
	size_t n = 0;

	(void)state;
	for (size_t size = 0; size < HEADER; size++)
		assert_int_equal(open_trace(&reader, whole.bytes, size), -1);
	for (size_t size = HEADER; size < whole.size; size++) {
		static struct trace cut;

		n += size == whole.end[n + 1];
		assert_int_equal(open_trace(&reader, whole.bytes, size), 0);
		expect(&reader, n, -1);
		cut = whole;
		cut.header.committed = size;
		assert_int_equal(open_trace(&reader, cut.bytes, whole.size), 0);
		expect(&reader, n, size == whole.end[n] ? 0 : -1);
	}
}

/* Damage to one byte of the header, and what the reader says of it, at once or at the end. */
static void test_bad_headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *error;
	} bad[] = {
		{0, 'S', "not a trace"},
		{7, 0, "not a trace"},
		{8, 0, "trace of a version that this program does not know"},
		{8, 3, "trace of a version that this program does not know"},
		{12, HEADER - 1, "malformed header"},
		{15, 1, "malformed header"},
		{23, 255, "file ends before its last record"},
	};
	static struct trace trace;
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		trace = whole;
		trace.bytes[bad[i].at] = bad[i].byte;
		open_trace(&reader, trace.bytes, trace.size);
		while (stingy_trace_next(&reader, &record) == 1)
			;
		assert_string_equal(reader.error, bad[i].error);
	}
}

/* Version 1 ended with TASK_END: what came after was damage, and is. */
static void test_version_1_is_read(void **state)
{
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	static struct trace trace;
	size_t n = 0;

	(void)state;
	trace = whole;
	trace.header.version = 1;
	assert_int_equal(open_trace(&reader, trace.bytes, trace.size), 0);
	while (stingy_trace_next(&reader, &record) == 1)
		assert_true(same(&record, &all[n++]));
	assert_true(n < RECORDS && all[n].type == STINGY_TRACE_REQUEST);
	assert_string_equal(reader.error, "unknown record");
}

#define FRAME "\2\0\0\0\0\0\0"

#define BYTES(literal) literal, sizeof(literal) - 1

/* The last record of each is wrong, and only that. */
static const struct {
	const char *bytes;
	size_t size;
	const char *error;
} bad_records[] = {
	{BYTES("\0"), "unknown record"},
	{BYTES("\26"), "unknown record"},
	{BYTES("\7\200\0"), "malformed number"},
	{BYTES("\7\377\377\377\377\377\377\377\377\377\2"), "malformed number"},
	{BYTES("\7\377\377\377\377\377\377\377\377\377\201"), "malformed number"},
	{BYTES("\7\377\377"), "record cut short"},
	{BYTES("\1\377\377\377\377\17\0\0\0"), "number of a module too large"},
	{BYTES("\1\0\41"), "string too long"},
	{BYTES("\1\0\40abc"), "record cut short"},
	{BYTES("\1\0\0\0\200\40"), "string too long"},
	{BYTES("\2\1\0\0\0\0\0"), "frame out of turn"},
	{BYTES(FRAME FRAME), "frame out of turn"},
	{BYTES("\2\0\201\200\200\200\20\0\0\0\0"), "number of a module too large"},
	{BYTES("\2\0\0\0\0\4\0"), "unknown kind of rule"},
	{BYTES("\2\0\0\0\0\2\7\0\0"), "rule that cannot be followed"},
	{BYTES("\2\0\0\0\0\2\200\200\200\200\10\0\0"), "rule out of range"},
	{BYTES("\2\0\0\0\0\3\20\210\200\2\0"), "rule out of range"},
	{BYTES("\3\1\0"), "chain out of turn"},
	{BYTES("\3\0\3\0"), "chain of a frame that was not declared"},
	{BYTES(FRAME "\3\0\5\0\1"), "chain of a frame that was not declared"},
	{BYTES(FRAME "\3\0\202\1"), "chain too deep"},
	{BYTES("\4\0\1\0\0"), "allocation by a chain that was not declared"},
	{BYTES("\3\0\0\4\0\1\40\0"), "alignment out of range"},
	{BYTES("\3\0\0\6\1\0\0\0\0"), "allocation by a chain that was not declared"},
	{BYTES("\10\0\0"), "wait by a chain that was not declared"},
	{BYTES(FRAME "\14\0\1\0"), "stage of a frame that was not declared"},
	{BYTES("\21\0\0\0\0\0\0\0\0"), "system call by a chain that was not declared"},
	{BYTES("\3\0\0\21\0\200\200\200\200\20\0\0\0\0\0\0"), "number of a system call too large"},
	{BYTES(FRAME "\23\0\0\0\0"), "queueing by a chain that was not declared"},
	{BYTES(FRAME "\3\0\0\23\0\0\2\0"), "queued frame that was not declared"},
	{BYTES(FRAME "\24\1"), "indirect call of a frame that was not declared"},
};

static void test_bad_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_records) / sizeof(*bad_records); i++) {
		struct stingy_trace_reader reader;
		struct stingy_trace_record record;
		static struct trace trace;

		begin(&trace);
		memcpy(trace.bytes + HEADER, bad_records[i].bytes, bad_records[i].size);
		trace.size += bad_records[i].size;
		trace.header.committed = trace.size;
		assert_int_equal(open_trace(&reader, trace.bytes, trace.size), 0);
		while (stingy_trace_next(&reader, &record) == 1)
			;
		if (!reader.error || strcmp(reader.error, bad_records[i].error) != 0)
			fail_msg("record %zu gave '%s', not '%s'", i, reader.error, bad_records[i].error);
	}
}

/* Reads what may be damaged: whatever is accepted must be what the encoder would have written. */
static void read_damaged(const uint8_t *bytes, size_t size)
{
	static uint8_t again[STINGY_TRACE_RECORD_MAX];
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	struct stingy_trace_state encoder = {0};
	size_t at;
	int result;

	open_trace(&reader, bytes, size);
	for (at = reader.at; (result = stingy_trace_next(&reader, &record)) == 1; at = reader.at) {
		assert_true(reader.at > at && reader.at <= size);
		assert_int_equal(stingy_trace_encode(&encoder, &record, again), reader.at - at);
		assert_memory_equal(again, bytes + at, reader.at - at);
	}
	assert_true(result == 0 ? !reader.error : reader.error != NULL);
}

static void test_every_damaged_byte(void **state)
{
	static struct trace trace;

	(void)state;
	trace = whole;
	for (size_t at = 0; at < whole.size; at++) {
		for (unsigned change = 1; change < 256; change++) {
			trace.bytes[at] = whole.bytes[at] ^ (uint8_t)change;
			read_damaged(trace.bytes, trace.size);
		}
		trace.bytes[at] = whole.bytes[at];
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_record_survives),
		cmocka_unit_test(test_bytes_are_as_documented),
		cmocka_unit_test(test_encoder_keeps_within_the_format),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_version_1_is_read),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_every_damaged_byte),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
