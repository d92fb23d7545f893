/*
 * The whole way from a trace to a manifest. The bytes are not the trace's own, of which most would be damaged at once:
 * they say which records it has, one after the other, with few functions, addresses, descriptors and threads, so that
 * any order of events comes about, sensible or not. Whatever the trace tells, there is a manifest that the reader takes
 * to its end, or a reason in one line; and where the trace is cut off in its midst, too.
 */
#define _GNU_SOURCE /* memfd_create */
#include "../../solver/solve.h"
#include "../../profiler/trace.h"
#include "../../solver/compose.h"
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES    12u
#define CHAINS    16u
#define ADDRESSES 61u
#define FEW       7u /* descriptors, tasks, threads */
#define PATH_SIZE 32u

/* The bytes that are left; zeros behind them. */
struct bytes {
	const uint8_t *at, *end;
};

struct making {
	FILE *out;
	struct stingy_trace_state state;
	uint64_t time;
};

static uint8_t take(struct bytes *bytes)
{
	return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static void put(struct making *making, const struct stingy_trace_record *record)
{
	uint8_t buffer[STINGY_TRACE_RECORD_MAX];
	size_t n = stingy_trace_encode(&making->state, record, buffer);

	must(fwrite(buffer, 1, n, making->out) == n);
}

/* Two functions to a frame's offset, in two modules and in none. */
static void put_frames(struct making *making, struct bytes *bytes)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct stingy_trace_record record = {STINGY_TRACE_MODULE, .module = {.number = i, .id_len = 1}};

		record.module.id[0] = (uint8_t)(i + 1);
		record.module.path = (struct stingy_text){i ? "/b" : "/a", 2};
		put(making, &record);
	}
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t byte = take(bytes);
		struct stingy_trace_record record = {STINGY_TRACE_FRAME, .frame = {.number = i}};

		record.frame.module = byte & 1 ? (uint32_t)(byte >> 1 & 1) : byte & 2 ? UINT32_MAX : 0;
		record.frame.function = 0x1000u * (i / 2 + 1);
		record.frame.offset = record.frame.function + 16u * i + 16;
		record.frame.rule = (struct stingy_rule){.cfa = 16, .base = byte & 4 ? STINGY_RULE_BP : STINGY_RULE_SP};
		record.frame.name = (struct stingy_text){"f", byte & 8 ? 1 : 0};
		put(making, &record);
	}
}

static void put_chains(struct making *making, struct bytes *bytes)
{
	for (uint32_t i = 0; i < CHAINS; i++) {
		struct stingy_trace_record record = {STINGY_TRACE_CHAIN, .chain = {.number = i}};
		uint8_t byte = take(bytes);

		record.chain.complete = byte & 1;
		record.chain.depth = byte >> 1 & 3;
		for (uint32_t j = 0; j < record.chain.depth; j++)
			record.chain.frame[j] = take(bytes) % FRAMES;
		put(making, &record);
	}
}

static uint64_t address_of(uint8_t byte)
{
	return byte % ADDRESSES * 64u;
}

/* A size that is small mostly, and sometimes anything. */
static uint64_t take_size(struct bytes *bytes)
{
	uint8_t byte = take(bytes);

	return byte < 0xf0 ? byte * 16u : UINT64_C(1) << (byte & 15) << (take(bytes) & 31);
}

static uint64_t take_few(struct bytes *bytes)
{
	uint8_t byte = take(bytes);

	return byte == UINT8_MAX ? UINT64_MAX : byte % FEW;
}

static void fill_alloc(struct stingy_trace_record *record, struct bytes *bytes)
{
	record->alloc.address = address_of(take(bytes));
	if (record->type == STINGY_TRACE_FREE)
		return;
	record->alloc.chain = take(bytes) % CHAINS;
	record->alloc.size = take_size(bytes);
	record->alloc.align = 1u << (record->alloc.size & 1 ? take(bytes) & 15 : 0);
	if (record->type == STINGY_TRACE_REALLOC)
		record->alloc.old = address_of(take(bytes));
}

/* Of what is no object. */
static void fill_event(struct stingy_trace_record *record, struct bytes *bytes, uint64_t time)
{
	switch (record->type) {
	case STINGY_TRACE_WAIT:
		record->wait.time = time;
		record->wait.chain = take(bytes) % CHAINS;
		break;
	case STINGY_TRACE_TURN:
		record->turn.time = time;
		record->turn.fd = take_few(bytes);
		break;
	case STINGY_TRACE_STAGE:
	case STINGY_TRACE_STAGE_END:
		record->stage.time = time;
		if (record->type == STINGY_TRACE_STAGE) {
			record->stage.frame = take(bytes) % FRAMES;
			record->stage.task = take_few(bytes);
		}
		break;
	case STINGY_TRACE_REQUEST:
		record->request.time = time;
		record->request.fd = take_few(bytes);
		break;
	case STINGY_TRACE_CALL:
		record->call = (struct stingy_trace_call){.time = time, .fd = take_few(bytes)};
		record->call.chain = take(bytes) % CHAINS;
		record->call.took = take_size(bytes);
		break;
	case STINGY_TRACE_STACK:
		record->stack.used = take_size(bytes);
		record->stack.depth = take_size(bytes);
		break;
	case STINGY_TRACE_QUEUE:
		record->queue = (struct stingy_trace_queue){.time = time, .chain = take(bytes) % CHAINS};
		record->queue.frame = take(bytes) % FRAMES;
		record->queue.task = take_few(bytes);
		break;
	default: /* one number: a thread, a descriptor, a task */
		record->fd = take_few(bytes);
	}
}

/* Half of all records are of objects, as it is in life. */
static void put_event(struct making *making, struct bytes *bytes)
{
	static const uint8_t objects[] = {STINGY_TRACE_ALLOC, STINGY_TRACE_ALLOC, STINGY_TRACE_FREE, STINGY_TRACE_FREE,
					  STINGY_TRACE_REALLOC};
	uint8_t byte = take(bytes);
	struct stingy_trace_record record = {.type = STINGY_TRACE_ALLOC};

	making->time += byte & 0x40 ? take(bytes) * UINT64_C(1000) : 1;
	if (byte & 0x80) {
		record.type = objects[byte % sizeof(objects)];
		fill_alloc(&record, bytes);
	} else {
		record.type = (enum stingy_trace_type)(STINGY_TRACE_THREAD +
						       (byte & 0x3f) % (STINGY_TRACE_TYPES - STINGY_TRACE_THREAD));
		fill_event(&record, bytes, making->time);
	}
	put(making, &record);
}

/* The trace, to be freed. Its last byte may be missing. */
static char *make_trace(struct bytes bytes, size_t *size)
{
	struct stingy_trace_header header = {.version = STINGY_TRACE_VERSION, .header_size = sizeof(header)};
	struct making making = {.time = 1};
	bool cut = take(&bytes) & 1;
	char *trace = NULL;

	making.out = open_memstream(&trace, size);
	must(making.out && fwrite(&header, 1, sizeof(header), making.out) == sizeof(header));
	put_frames(&making, &bytes);
	put_chains(&making, &bytes);
	while (bytes.at < bytes.end)
		put_event(&making, &bytes);
	must(fclose(making.out) == 0);
	memcpy(header.magic, STINGY_TRACE_MAGIC, sizeof(header.magic));
	header.committed = *size;
	memcpy(trace, &header, sizeof(header));
	*size -= cut;
	return trace;
}

/* What was solved is a manifest that can be read. */
static void check_manifest(const struct stingy_solve *solve)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	size_t size = 0;
	char *text = stingy_compose(solve, &size);
	int more;

	must(text);
	stingy_manifest_reader_init(&reader, text, size);
	while ((more = stingy_manifest_next(&reader, &record)) == 1)
		;
	must(more == 0);
	free(text);
}

/* A file in memory, as the solver opens files by their paths; the same one each time. */
static const char *save(const char *trace, size_t size)
{
	static char path[PATH_SIZE];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("trace", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, trace, size, 0) == (ssize_t)size);
	return path;
}

void fuzz_solve(const uint8_t *data, size_t size)
{
	static const struct stingy_solve_options options = {
		.cache = {.size = 1 << 16, .ways = 8, .line = 64}, .share = 750000, .min_share = 100, .high = 8192};
	struct stingy_solve solve;
	size_t trace_size = 0;
	char *trace = make_trace((struct bytes){data, data + size}, &trace_size);
	const char *path = save(trace, trace_size);

	stingy_solve_init(&solve, &options);
	if (stingy_solve_run(&solve, &path, 1) < 0) {
		must(*solve.error && !strchr(solve.error, '\n'));
	} else {
		must(solve.served <= solve.census.serving);
		check_manifest(&solve);
	}
	stingy_solve_fini(&solve);
	free(trace);
}
