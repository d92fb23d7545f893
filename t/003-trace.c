/* The trace: every record survives encoding, in the bytes that are documented, and version 1 is still read. */
#include "trace-records.h"

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
	static char long_name[5000];
	struct stingy_trace_record record = {STINGY_TRACE_FRAME,
					     .frame = {.rule = {7, 1, STINGY_RULE_SP}, .name = {long_name, 5000}}};
	struct stingy_trace_state encoder = {0};
	struct stingy_trace_reader reader;
	static struct trace trace;

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_record_survives),
		cmocka_unit_test(test_bytes_are_as_documented),
		cmocka_unit_test(test_encoder_keeps_within_the_format),
		cmocka_unit_test(test_version_1_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
