/*
 * The trace's reader: every record is within the bounds of FORMAT.md, and encoding it gives the bytes that it was read
 * from, as there is but one way to write a record; where a trace is damaged, the reader stops and says why.
 */
#include "../../profiler/trace.h"
#include "fuzz.h"

#include <string.h>

#define HEADER sizeof(struct stingy_trace_header)

static void check_text(const struct stingy_trace_reader *reader, struct stingy_text text)
{
	const char *data = (const char *)reader->data;

	must(text.len <= STINGY_TRACE_STRING_MAX);
	must(text.len == 0 || (text.at >= data && text.at + text.len <= data + reader->at));
}

/* The numbers in it are of what was declared before. */
static void check_record(const struct stingy_trace_reader *reader, const struct stingy_trace_record *record,
			 uint32_t n_frames, uint32_t n_chains)
{
	switch (record->type) {
	case STINGY_TRACE_MODULE:
		must(record->module.number != UINT32_MAX && record->module.id_len <= 32);
		check_text(reader, record->module.path);
		break;
	case STINGY_TRACE_FRAME:
		must(record->frame.number == n_frames && stingy_rule_is_valid(&record->frame.rule));
		check_text(reader, record->frame.name);
		break;
	case STINGY_TRACE_CHAIN:
		must(record->chain.number == n_chains && record->chain.depth <= 64);
		for (uint32_t i = 0; i < record->chain.depth; i++)
			must(record->chain.frame[i] < n_frames);
		break;
	case STINGY_TRACE_ALLOC:
	case STINGY_TRACE_REALLOC:
		must(record->alloc.chain < n_chains);
		must(record->alloc.align && (record->alloc.align & (record->alloc.align - 1)) == 0);
		break;
	case STINGY_TRACE_WAIT:
		must(record->wait.chain < n_chains);
		break;
	case STINGY_TRACE_STAGE:
		must(record->stage.frame < n_frames);
		break;
	case STINGY_TRACE_CALL:
		must(record->call.chain < n_chains);
		break;
	case STINGY_TRACE_QUEUE:
		must(record->queue.chain < n_chains);
		must(record->queue.frame == UINT32_MAX || record->queue.frame < n_frames);
		break;
	case STINGY_TRACE_INDIRECT:
		must(record->indirect < n_frames);
		break;
	default:
		must(record->type >= STINGY_TRACE_MODULE && record->type < STINGY_TRACE_TYPES);
		must(record->type < STINGY_TRACE_REQUEST || reader->header.version > 1);
	}
}

/* Reads a record, and checks it. Returns what the reader returned. */
static int check_next(struct stingy_trace_reader *reader)
{
	uint8_t bytes[STINGY_TRACE_RECORD_MAX];
	struct stingy_trace_record record;
	struct stingy_trace_state state = reader->state;
	uint32_t n_frames = reader->n_frames, n_chains = reader->n_chains;
	size_t at = reader->at, n;
	int more = stingy_trace_next(reader, &record);

	if (more != 1)
		return more;
	must(reader->at > at && reader->at <= reader->size && !reader->error);
	check_record(reader, &record, n_frames, n_chains);
	must(reader->n_frames == n_frames + (record.type == STINGY_TRACE_FRAME));
	must(reader->n_chains == n_chains + (record.type == STINGY_TRACE_CHAIN));
	n = stingy_trace_encode(&state, &record, bytes);
	must(n == reader->at - at && memcmp(bytes, reader->data + at, n) == 0);
	must(memcmp(&state, &reader->state, sizeof(state)) == 0);
	return 1;
}

/* Returns 0, or -1 if the header was refused. */
static int check_trace(uint8_t *data, size_t size)
{
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	int more;

	if (stingy_trace_reader_init(&reader, data, size) < 0) {
		must(reader.error && stingy_trace_next(&reader, &record) == -1);
		return -1;
	}
	must(!reader.error && reader.size <= size && reader.at >= HEADER);
	do
		more = check_next(&reader);
	while (more == 1);
	must(more == 0 ? !reader.error && reader.at == reader.header.committed : more == -1 && reader.error);
	must(stingy_trace_next(&reader, &record) == more);
	return 0;
}

/* What is no trace is taken for a trace's records: a header that fits them is hard to come upon. */
void fuzz_trace(const uint8_t *data, size_t size)
{
	const struct stingy_trace_header header = {.magic = STINGY_TRACE_MAGIC,
						   .version = STINGY_TRACE_VERSION,
						   .header_size = HEADER,
						   .committed = HEADER + size};
	uint8_t *trace = malloc(HEADER + size);
	int result;

	must(trace);
	if (size)
		memcpy(trace + HEADER, data, size);
	result = check_trace(trace + HEADER, size);
	free(trace);
	if (result == 0)
		return;
	trace = malloc(HEADER + size);
	must(trace);
	memcpy(trace, &header, HEADER);
	if (size)
		memcpy(trace + HEADER, data, size);
	must(check_trace(trace, HEADER + size) == 0);
	free(trace);
}
