#include "trace-count.h"

#include "mapped-file.h"
#include "memory.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void stingy_trace_count_init(struct stingy_trace_count *counts, const char *prefix)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*counts = (struct stingy_trace_count){.prefix = prefix};
	counts->started = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void stingy_trace_count_fini(struct stingy_trace_count *counts)
{
	for (size_t i = 0; i < counts->n; i++)
		free(counts->trace[i].path);
	free(counts->trace);
}

static struct stingy_trace_count_trace *find(struct stingy_trace_count *counts, const char *path)
{
	struct stingy_trace_count_trace *trace;

	for (size_t i = 0; i < counts->n; i++)
		if (strcmp(counts->trace[i].path, path) == 0)
			return &counts->trace[i];
	STINGY_GROW(counts->trace, &counts->room, counts->n + 1);
	trace = &counts->trace[counts->n++];
	*trace = (struct stingy_trace_count_trace){.path = stingy_memory_text(path, strlen(path))};
	return trace;
}

static void count(struct stingy_trace_count_trace *trace, const struct stingy_trace_record *record)
{
	trace->requests += record->type == STINGY_TRACE_REQUEST;
	trace->connections += record->type == STINGY_TRACE_ACCEPT;
	trace->announced += record->type == STINGY_TRACE_TASK_END;
}

/* The reader goes on where it stood, in a mapping that is longer than the last one. */
static void read_on(struct stingy_trace_count_trace *trace, const struct stingy_mapped_file *file, uint64_t started)
{
	struct stingy_trace_reader last = trace->reader;
	struct stingy_trace_record record;
	int more;

	if (stingy_trace_reader_init(&trace->reader, file->data, file->size) < 0) {
		trace->reader = last; /* it has no header yet */
		return;
	}
	if (last.at) {
		trace->reader.at = last.at;
		trace->reader.state = last.state;
		trace->reader.n_frames = last.n_frames;
		trace->reader.n_chains = last.n_chains;
	}
	trace->is_ours = trace->reader.header.started >= started;
	trace->is_over = !trace->is_ours;
	while (!trace->is_over && (more = stingy_trace_next(&trace->reader, &record)) != 0) {
		if (more > 0)
			count(trace, &record);
		else if (trace->reader.size == trace->reader.header.committed)
			trace->is_over = true; /* it is damaged */
		else
			break; /* it has grown since it was mapped */
	}
}

/* Older profilers wrote no requests: a connection counts as one then. */
static uint64_t requests_of(const struct stingy_trace_count_trace *trace)
{
	return trace->announced + (trace->requests ? trace->requests : trace->connections);
}

uint64_t stingy_trace_count_look(struct stingy_trace_count *counts)
{
	struct stingy_mapped_file file;
	uint64_t requests = 0;
	char pattern[4096];
	glob_t found;

	if ((size_t)snprintf(pattern, sizeof(pattern), "%s.*.trace", counts->prefix) >= sizeof(pattern))
		return 0;
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct stingy_trace_count_trace *trace = find(counts, found.gl_pathv[i]);

			if (trace->is_over || stingy_mapped_file_init_copy(&file, trace->path) < 0)
				continue;
			read_on(trace, &file, counts->started);
			stingy_mapped_file_fini(&file);
		}
	}
	globfree(&found);
	for (size_t i = 0; i < counts->n; i++)
		requests += requests_of(&counts->trace[i]);
	return requests;
}

const char **stingy_trace_count_paths(const struct stingy_trace_count *counts, uint32_t *n)
{
	const char **paths = stingy_memory_new(counts->n + 1, sizeof(*paths));

	*n = 0;
	for (size_t i = 0; i < counts->n; i++)
		if (counts->trace[i].is_ours)
			paths[(*n)++] = counts->trace[i].path;
	return paths;
}
