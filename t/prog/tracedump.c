/*
 * Prints traces as text: the header, then one record a line. Modules, addresses and rules look as they do in
 * a manifest, so that a line can be pasted (or an awk script can make a manifest of them: ../trace-manifest.awk).
 *
 *	tracedump TRACE...
 *
 * Exit status: 0, or 1 if a trace could not be read to its end; what could be read has been printed then.
 * Links with profiler/trace.c, manifests/rule.c and manifests/manifest-write.c.
 */
#include "../../profiler/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_header(const struct stingy_trace_header *header)
{
	printf("trace pid=%" PRIu32 " parent=%" PRIu32 " committed=%" PRIu64 " dropped=%" PRIu64 " max=%" PRIu64,
	       header->pid, header->parent, header->committed, header->dropped, header->max_size);
	printf(" full=%d ended=%d cache=%" PRIu32 "/%" PRIu32 "/%" PRIu32 "\n",
	       (header->flags & STINGY_TRACE_FULL) != 0, (header->flags & STINGY_TRACE_ENDED) != 0, header->cache.size,
	       header->cache.ways, header->cache.line);
}

/* The manifest's own line, by its own writer. */
static void print_module(const struct stingy_trace_module *module)
{
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_MODULE, .number = module->number};

	memcpy(record.module.id, module->id, sizeof(record.module.id));
	record.module.id_len = module->id_len;
	record.module.size = module->size;
	record.module.path = module->path;
	stingy_manifest_write(stdout, &record);
}

static void print_frame(const struct stingy_trace_frame *frame)
{
	char rule[STINGY_RULE_TEXT];

	printf("frame %" PRIu32 " ", frame->number);
	if (frame->module == UINT32_MAX)
		printf("?+0x%" PRIx64, frame->offset);
	else
		printf("%" PRIu32 "+0x%" PRIx64, frame->module, frame->offset);
	printf(":%s function=0x%" PRIx64, stingy_rule_print(&frame->rule, rule), frame->function);
	if (frame->name.len)
		printf(" name=%.*s", (int)frame->name.len, frame->name.at);
	putchar('\n');
}

static void print_chain(const struct stingy_trace_chain *chain)
{
	printf("chain %" PRIu32 " %s", chain->number, chain->complete ? "complete" : "incomplete");
	for (uint32_t i = 0; i < chain->depth; i++)
		printf(" %" PRIu32, chain->frame[i]);
	putchar('\n');
}

static void print_alloc(const struct stingy_trace_record *record)
{
	const struct stingy_trace_alloc *alloc = &record->alloc;

	printf("%s chain=%" PRIu32 " size=%" PRIu64 " align=%" PRIu32,
	       record->type == STINGY_TRACE_ALLOC ? "alloc" : "realloc", alloc->chain, alloc->size, alloc->align);
	if (record->type == STINGY_TRACE_REALLOC)
		printf(" from=0x%" PRIx64, alloc->old);
	printf(" at=0x%" PRIx64 "\n", alloc->address);
}

static void print_call(const struct stingy_trace_call *call)
{
	printf("call time=%" PRIu64 " number=%" PRIu32 " chain=%" PRIu32 " fd=%" PRId64, call->time, call->number,
	       call->chain, (int64_t)call->fd);
	printf(" took=%" PRIu64 " blocked=%" PRId64 " faults=%" PRIu64 " switches=%" PRIu64 "\n", call->took,
	       (int64_t)call->blocked, call->faults, call->switches);
}

/* What has to do with events and stages. */
static void print_event(const struct stingy_trace_record *record)
{
	switch (record->type) {
	case STINGY_TRACE_WAIT:
		printf("wait time=%" PRIu64 " chain=%" PRIu32 "\n", record->wait.time, record->wait.chain);
		break;
	case STINGY_TRACE_TURN:
		printf("turn time=%" PRIu64 " fd=%" PRId64 "\n", record->turn.time, (int64_t)record->turn.fd);
		break;
	case STINGY_TRACE_ACCEPT:
		printf("accept fd=%" PRIu64 "\n", record->fd);
		break;
	case STINGY_TRACE_CLOSE:
		printf("close fd=%" PRIu64 "\n", record->fd);
		break;
	case STINGY_TRACE_STAGE:
		printf("stage time=%" PRIu64 " frame=%" PRIu32 " task=0x%" PRIx64 "\n", record->stage.time,
		       record->stage.frame, record->stage.task);
		break;
	case STINGY_TRACE_STAGE_END:
		printf("stage-end time=%" PRIu64 "\n", record->stage.time);
		break;
	case STINGY_TRACE_REQUEST:
		printf("request time=%" PRIu64 " fd=%" PRIu64 "\n", record->request.time, record->request.fd);
		break;
	case STINGY_TRACE_LINK:
		printf("link fd=%" PRIu64 "\n", record->fd);
		break;
	case STINGY_TRACE_CALL:
		print_call(&record->call);
		break;
	case STINGY_TRACE_STACK:
		printf("stack used=%" PRIu64 " depth=%" PRIu64 "\n", record->stack.used, record->stack.depth);
		break;
	case STINGY_TRACE_QUEUE:
		printf("queue time=%" PRIu64 " chain=%" PRIu32 " frame=%" PRId32 " task=0x%" PRIx64 "\n",
		       record->queue.time, record->queue.chain, (int32_t)record->queue.frame, record->queue.task);
		break;
	case STINGY_TRACE_INTERFACE:
		printf("interface %.*s\n", (int)record->text.len, record->text.at);
		break;
	default:
		printf("task-end task=0x%" PRIx64 "\n", record->task);
		break;
	}
}

static void print_record(const struct stingy_trace_record *record)
{
	switch (record->type) {
	case STINGY_TRACE_MODULE:
		print_module(&record->module);
		break;
	case STINGY_TRACE_FRAME:
		print_frame(&record->frame);
		break;
	case STINGY_TRACE_CHAIN:
		print_chain(&record->chain);
		break;
	case STINGY_TRACE_ALLOC:
	case STINGY_TRACE_REALLOC:
		print_alloc(record);
		break;
	case STINGY_TRACE_INDIRECT:
		printf("indirect frame=%" PRIu32 "\n", record->indirect);
		break;
	case STINGY_TRACE_FREE:
		printf("free at=0x%" PRIx64 "\n", record->alloc.address);
		break;
	case STINGY_TRACE_THREAD:
		printf("thread %" PRIu64 "\n", record->thread);
		break;
	default:
		print_event(record);
		break;
	}
}

static int dump(const char *path, void *data, size_t size)
{
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;
	int more = stingy_trace_reader_init(&reader, data, size);

	if (more == 0) {
		print_header(&reader.header);
		while ((more = stingy_trace_next(&reader, &record)) > 0)
			print_record(&record);
	}
	if (more < 0)
		fprintf(stderr, "tracedump: '%s', byte %zu: %s\n", path, reader.at, reader.error);
	return more;
}

static int dump_file(const char *path)
{
	struct stat st;
	void *data = MAP_FAILED;
	int result, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		fprintf(stderr, "tracedump: cannot read '%s': %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	result = dump(path, data, (size_t)st.st_size);
	munmap(data, (size_t)st.st_size);
	return result;
}

int main(int argc, char **argv)
{
	int status = argc < 2;

	if (argc < 2)
		fprintf(stderr, "usage: tracedump TRACE...\n");
	for (int i = 1; i < argc; i++)
		if (dump_file(argv[i]) < 0)
			status = 1;
	return fflush(stdout) == 0 ? status : 1;
}
