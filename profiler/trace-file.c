/*
 * Where the records of a trace's file are: its header, and the buffer behind that (trace.h, sink.h; manifests/FORMAT.md
 * for the bytes). The file may be damaged, or nothing like a trace, and the process that writes it may be at work.
 */
#include "trace.h"

#include <stddef.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the header is copied as it lies in memory");
_Static_assert(sizeof(struct stingy_trace_header) == 80, "the header is as in FORMAT.md, without padding");

static const char *check_header(const struct stingy_trace_header *header)
{
	if (memcmp(header->magic, STINGY_TRACE_MAGIC, sizeof(header->magic)) != 0)
		return "not a trace";
	if (header->version < STINGY_TRACE_VERSION_LEAST || header->version > STINGY_TRACE_VERSION)
		return "trace of a version that this program does not know";
	if (header->header_size < sizeof(*header) || header->committed < header->header_size)
		return "malformed header";
	if (header->written == 0)
		return NULL;
	if (header->written < header->header_size || header->written > header->committed ||
	    header->committed - header->written > header->header_size - sizeof(*header) ||
	    header->committed - header->written > STINGY_TRACE_BUFFER_MAX)
		return "malformed header";
	return NULL;
}

/* The header as it is now; written is read first, as committed may go on, but not fall behind it. */
static void get_header(struct stingy_trace_header *header, const uint8_t *data)
{
	uint64_t written;

	memcpy(&written, data + offsetof(struct stingy_trace_header, written), sizeof(written));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	memcpy(header, data, sizeof(*header));
	header->written = written;
}

/*
 * Moves what is in the buffer to its place, as far as the file has it. If the process has emptied the buffer meanwhile,
 * what was copied may be later records, and must not hide those that the file has at their place by now; nor need the
 * header's words have been of one moment, then, and fit each other.
 */
static const char *settle(struct stingy_trace_reader *reader, uint8_t *data, size_t size)
{
	uint8_t buffer[STINGY_TRACE_BUFFER_MAX];
	struct stingy_trace_header *header = &reader->header, now;
	const char *error;
	size_t n;

	get_header(&now, data);
	do {
		*header = now;
		reader->whole = header->committed;
		error = check_header(header);
		if (!error && header->written == 0)
			return NULL;
		n = error || header->written >= size ? 0 : size - header->written;
		if (n > header->committed - header->written)
			n = header->committed - header->written;
		memcpy(buffer, data + sizeof(*header), n);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		get_header(&now, data);
	} while (now.written != header->written);
	if (error)
		return error;
	reader->whole = header->written;
	if (n)
		memcpy(data + header->written, buffer, n);
	header->written = header->committed;
	memcpy(data, header, sizeof(*header));
	return NULL;
}

int stingy_trace_reader_init(struct stingy_trace_reader *reader, void *data, size_t size)
{
	*reader = (struct stingy_trace_reader){.data = data, .error = "shorter than a trace's header"};
	if (size < sizeof(reader->header))
		return -1;
	reader->error = settle(reader, data, size);
	if (reader->error)
		return -1;
	reader->size = reader->header.committed < size ? (size_t)reader->header.committed : size;
	reader->at = reader->header.header_size;
	return 0;
}
