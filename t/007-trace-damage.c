/* The trace, damaged: no damage makes the reader lie, overread or go on for ever. */
#include "trace-records.h"

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

/* The whole trace, but for its records from the kth on, which are in the buffer. Returns by how much records move. */
static size_t buffer_from(struct trace *trace, size_t k)
{
	size_t n = whole.size - whole.end[k];

	memset(trace->bytes, 0, sizeof(trace->bytes));
	trace->header = whole.header;
	trace->header.header_size = (uint32_t)(HEADER + n);
	trace->header.written = whole.end[k] + n;
	trace->header.committed = trace->size = whole.size + n;
	memcpy(trace->bytes + HEADER, whole.bytes + whole.end[k], n);
	memcpy(trace->bytes + HEADER + n, whole.bytes + HEADER, whole.end[k] - HEADER);
	return n;
}

/* What is in the buffer is read as if it were at its place, as far as the file has that. */
static void test_every_buffer(void **state)
{
	static struct trace trace;
	struct stingy_trace_reader reader;

	(void)state;
	for (size_t k = 0; k <= RECORDS; k++) {
		size_t shift = buffer_from(&trace, k);

		assert_int_equal(open_trace(&reader, trace.bytes, trace.size), 0);
		assert_int_equal(reader.whole, whole.end[k] + shift);
		expect_shifted(&reader, RECORDS, 0, shift);
		for (size_t n = 0; n < RECORDS; n++) {
			assert_int_equal(open_trace(&reader, trace.bytes, whole.end[n] + shift), 0);
			expect_shifted(&reader, n, -1, shift);
		}
		for (size_t size = HEADER; size < HEADER + shift; size += 1 + shift / 50) {
			assert_int_equal(open_trace(&reader, trace.bytes, size), 0);
			assert_int_equal(stingy_trace_next(&reader, &(struct stingy_trace_record){0}), -1);
		}
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
		{8, 4, "trace of a version that this program does not know"},
		{12, HEADER - 1, "malformed header"},
		{15, 1, "malformed header"},
		{23, 255, "file ends before its last record"},
		{72, HEADER - 1, "malformed header"}, /* the buffer's place is in the header, */
		{73, 255, "malformed header"},        /* behind all that is committed, */
		{72, HEADER, "malformed header"},     /* or leaves more to the buffer than it has bytes */
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
		cmocka_unit_test(test_every_truncation),   cmocka_unit_test(test_every_buffer),
		cmocka_unit_test(test_bad_headers),        cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_every_damaged_byte),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
