/*
 * Traces made by tests: a growing buffer, and a function for each record. Module 0 is "/made/program", of a build-id.
 */
#ifndef STINGY_MADE_TRACE_H
#define STINGY_MADE_TRACE_H

#include "../profiler/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MADE_PROGRAM "/made/program"

struct made_trace {
	uint8_t *data;
	size_t size, room;
	struct stingy_trace_state state;
	uint32_t n_frames, n_chains;
	uint64_t time; /* of the next record that has one; each takes a microsecond */
};

static inline void made_put(struct made_trace *made, const struct stingy_trace_record *record)
{
	struct stingy_trace_header *header;

	if (made->room - made->size < STINGY_TRACE_RECORD_MAX) {
		made->room = made->room * 2 + STINGY_TRACE_RECORD_MAX;
		made->data = realloc(made->data, made->room);
	}
	made->size += stingy_trace_encode(&made->state, record, made->data + made->size);
	header = (struct stingy_trace_header *)made->data;
	header->committed = made->size;
}

static inline void made_module(struct made_trace *made, uint32_t number, uint8_t id, const char *path)
{
	struct stingy_trace_record record = {STINGY_TRACE_MODULE, .module = {.number = number, .id_len = 1}};

	record.module.id[0] = id;
	record.module.path = (struct stingy_text){path, strlen(path)};
	made_put(made, &record);
}

static inline void made_init(struct made_trace *made)
{
	struct stingy_trace_header header = {.version = STINGY_TRACE_VERSION, .header_size = sizeof(header)};

	memcpy(header.magic, STINGY_TRACE_MAGIC, sizeof(header.magic));
	memset(made, 0, sizeof(*made));
	made->room = 2 * STINGY_TRACE_RECORD_MAX;
	made->data = malloc(made->room);
	memcpy(made->data, &header, sizeof(header));
	made->size = sizeof(header);
	made_module(made, 0, 1, MADE_PROGRAM);
}

static inline void made_fini(struct made_trace *made)
{
	free(made->data);
}

static inline uint32_t made_frame_rule(struct made_trace *made, uint64_t function, uint64_t offset, const char *name,
				       struct stingy_rule rule)
{
	struct stingy_trace_record record = {STINGY_TRACE_FRAME, .frame = {.offset = offset, .function = function}};

	record.frame.number = made->n_frames;
	record.frame.rule = rule;
	record.frame.name = (struct stingy_text){name, strlen(name)};
	made_put(made, &record);
	return made->n_frames++;
}

/* A frame of the program that a walker can pass. */
static inline uint32_t made_frame(struct made_trace *made, uint64_t function, uint64_t offset, const char *name)
{
	struct stingy_rule rule = {.cfa = 16, .base = STINGY_RULE_SP};

	return made_frame_rule(made, function, offset, name, rule);
}

/* The frames from the malloc call outwards; at most four. */
static inline uint32_t made_chain(struct made_trace *made, uint32_t depth, const uint32_t *frame)
{
	struct stingy_trace_record record = {STINGY_TRACE_CHAIN, .chain = {.depth = depth, .complete = true}};

	record.chain.number = made->n_chains;
	memcpy(record.chain.frame, frame, depth * sizeof(*frame));
	made_put(made, &record);
	return made->n_chains++;
}

static inline void made_alloc(struct made_trace *made, uint32_t chain, uint64_t size, uint64_t address)
{
	struct stingy_trace_record record = {STINGY_TRACE_ALLOC, .alloc = {chain, 1, size, address, 0}};

	made_put(made, &record);
}

static inline void made_free(struct made_trace *made, uint64_t address)
{
	struct stingy_trace_record record = {STINGY_TRACE_FREE, .alloc = {.address = address}};

	made_put(made, &record);
}

static inline void made_wait(struct made_trace *made, uint32_t chain)
{
	struct stingy_trace_record record = {STINGY_TRACE_WAIT, .wait = {made->time += 1000, chain}};

	made_put(made, &record);
}

static inline void made_turn(struct made_trace *made, uint64_t fd)
{
	struct stingy_trace_record record = {STINGY_TRACE_TURN, .turn = {made->time += 1000, fd}};

	made_put(made, &record);
}

static inline void made_fd(struct made_trace *made, enum stingy_trace_type type, uint64_t fd)
{
	struct stingy_trace_record record = {type, .fd = fd};

	made_put(made, &record);
}

static inline void made_request(struct made_trace *made, uint64_t fd)
{
	struct stingy_trace_record record = {STINGY_TRACE_REQUEST, .request = {made->time += 1000, fd}};

	made_put(made, &record);
}

static inline void made_stage(struct made_trace *made, uint32_t frame, uint64_t task)
{
	struct stingy_trace_record record = {STINGY_TRACE_STAGE, .stage = {made->time += 1000, frame, task}};

	made_put(made, &record);
}

static inline void made_stage_end(struct made_trace *made)
{
	struct stingy_trace_record record = {STINGY_TRACE_STAGE_END, .stage = {.time = made->time += 1000}};

	made_put(made, &record);
}

/* Of a call in the chain, for the stage of the frame (UINT32_MAX: unknown). */
static inline void made_queue(struct made_trace *made, uint32_t chain, uint32_t frame, uint64_t task)
{
	struct stingy_trace_record record = {STINGY_TRACE_QUEUE, .queue = {made->time += 1000, chain, frame, task}};

	made_put(made, &record);
}

/* What the turn that the next record ends used below its waiting call, which is that deep in the stack. */
static inline void made_stack(struct made_trace *made, uint64_t used, uint64_t depth)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_STACK};

	record.stack.used = used;
	record.stack.depth = depth;
	made_put(made, &record);
}

/* Writes the first size bytes of it to the file. */
static inline void made_save(const struct made_trace *made, const char *path, size_t size)
{
	FILE *file = fopen(path, "we");

	if (!file || fwrite(made->data, 1, size, file) != size || fclose(file) != 0)
		abort();
}

#endif
