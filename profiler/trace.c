/*
 * The trace's encoder and decoder, side by side: see trace.h for the records and manifests/FORMAT.md for the bytes.
 *
 * The encoder runs inside malloc, under a lock: it touches nothing but its arguments.
 */
#include "trace-bytes.h"

_Static_assert(STINGY_TRACE_RECORD_MAX > 2 * STINGY_TRACE_STRING_MAX, "a string and all numbers fit a record");

/* MODULE: number, build-id, size, path. */
static uint8_t *put_module_record(uint8_t *out, const struct stingy_trace_module *module)
{
	out = put(out, module->number);
	out = put_text(out, (struct stingy_text){(const char *)module->id, module->id_len}, STINGY_ID_MAX);
	out = put(out, module->size);
	return put_text(out, module->path, STINGY_TRACE_STRING_MAX);
}

static void get_module_record(struct cursor *cursor, struct stingy_trace_module *module)
{
	struct stingy_text id;

	*module = (struct stingy_trace_module){.number = get_below(cursor, UINT32_MAX, "number of a module too large")};
	id = get_text(cursor, STINGY_ID_MAX);
	memcpy(module->id, id.at, id.len);
	module->id_len = (uint32_t)id.len;
	module->size = get(cursor);
	module->path = get_text(cursor, STINGY_TRACE_STRING_MAX);
}

/* FRAME: number, module + 1 (so that none, UINT32_MAX, is short: 0), offset, function, rule, name. */
static uint8_t *put_frame(uint8_t *out, const struct stingy_trace_frame *frame)
{
	out = put(out, frame->number);
	out = put(out, (uint32_t)(frame->module + 1));
	out = put(out, frame->offset);
	out = put(out, frame->function);
	out = put_rule(out, &frame->rule);
	return put_text(out, frame->name, STINGY_TRACE_STRING_MAX);
}

static void get_frame(struct cursor *cursor, struct stingy_trace_frame *frame, uint32_t n_frames)
{
	frame->number = get_below(cursor, UINT32_MAX, "number of a frame too large");
	if (frame->number != n_frames)
		damage(cursor, "frame out of turn");
	frame->module = get_below(cursor, UINT64_C(1) << 32, "number of a module too large") - 1;
	frame->offset = get(cursor);
	frame->function = get(cursor);
	frame->rule = get_rule(cursor);
	frame->name = get_text(cursor, STINGY_TRACE_STRING_MAX);
}

/* CHAIN: number, depth and whether it is complete, frames. */
static uint8_t *put_chain(uint8_t *out, const struct stingy_trace_chain *chain)
{
	bool cut = chain->depth > STINGY_CHAIN_MAX;
	uint32_t depth = cut ? STINGY_CHAIN_MAX : chain->depth;

	out = put(out, chain->number);
	out = put(out, depth << 1 | (chain->complete && !cut));
	for (uint32_t i = 0; i < depth; i++)
		out = put(out, chain->frame[i]);
	return out;
}

static void get_chain(struct cursor *cursor, struct stingy_trace_chain *chain, uint32_t n_chains, uint32_t n_frames)
{
	uint32_t depth;

	chain->number = get_below(cursor, UINT32_MAX, "number of a chain too large");
	if (chain->number != n_chains)
		damage(cursor, "chain out of turn");
	depth = get_below(cursor, (STINGY_CHAIN_MAX + 1) << 1, "chain too deep");
	chain->complete = depth & 1;
	chain->depth = depth >> 1;
	for (uint32_t i = 0; i < chain->depth; i++)
		chain->frame[i] = get_below(cursor, n_frames, "chain of a frame that was not declared");
}

/* ALLOC and REALLOC: chain, size, the alignment's power of two, for REALLOC the old address, the address. */
static uint8_t *put_alloc(uint8_t *out, struct stingy_trace_state *state, const struct stingy_trace_alloc *alloc,
			  bool is_realloc)
{
	out = put(out, alloc->chain);
	out = put(out, alloc->size);
	out = put(out, alloc->align ? (unsigned)__builtin_ctz(alloc->align) : 0);
	if (is_realloc)
		out = put_change(out, &state->address, alloc->old);
	return put_change(out, &state->address, alloc->address);
}

static void get_alloc(struct cursor *cursor, struct stingy_trace_state *state, struct stingy_trace_alloc *alloc,
		      uint32_t n_chains, bool is_realloc)
{
	alloc->chain = get_below(cursor, n_chains, "allocation by a chain that was not declared");
	alloc->size = get(cursor);
	alloc->align = 1u << get_below(cursor, 32, "alignment out of range");
	alloc->old = is_realloc ? get_change(cursor, &state->address) : 0;
	alloc->address = get_change(cursor, &state->address);
}

/* CALL: time, number of the system call, chain, fd + 1, its duration, the time blocked + 1, page faults, switches. */
static uint8_t *put_call(uint8_t *out, struct stingy_trace_state *state, const struct stingy_trace_call *call)
{
	out = put_change(out, &state->time, call->time);
	out = put(out, call->number);
	out = put(out, call->chain);
	out = put(out, call->fd + 1);
	out = put(out, call->took);
	out = put(out, call->blocked + 1);
	out = put(out, call->faults);
	return put(out, call->switches);
}

static void get_call(struct cursor *cursor, struct stingy_trace_state *state, struct stingy_trace_call *call,
		     uint32_t n_chains)
{
	call->time = get_change(cursor, &state->time);
	call->number = get_below(cursor, UINT64_C(1) << 32, "number of a system call too large");
	call->chain = get_below(cursor, n_chains, "system call by a chain that was not declared");
	call->fd = get(cursor) - 1;
	call->took = get(cursor);
	call->blocked = get(cursor) - 1;
	call->faults = get(cursor);
	call->switches = get(cursor);
}

/* QUEUE: time, chain, frame + 1 (so that none, UINT32_MAX, is 0), task. */
static uint8_t *put_queue(uint8_t *out, struct stingy_trace_state *state, const struct stingy_trace_queue *queue)
{
	out = put_change(out, &state->time, queue->time);
	out = put(out, queue->chain);
	out = put(out, (uint32_t)(queue->frame + 1));
	return put(out, queue->task);
}

static void get_queue(struct cursor *cursor, struct stingy_trace_state *state, struct stingy_trace_queue *queue,
		      uint32_t n_chains, uint32_t n_frames)
{
	queue->time = get_change(cursor, &state->time);
	queue->chain = get_below(cursor, n_chains, "queueing by a chain that was not declared");
	queue->frame = get_below(cursor, (uint64_t)n_frames + 1, "queued frame that was not declared") - 1;
	queue->task = get(cursor);
}

/*
 * Everything else is a few numbers, times as changes; TURN has fd + 1, so that none is short. What most records are is
 * looked for first: the jump by a table would lead elsewhere than the last time nearly each time.
 */
__attribute__((hot)) size_t stingy_trace_encode(struct stingy_trace_state *state,
						const struct stingy_trace_record *record, uint8_t *buf)
{
	uint8_t *out = buf;

	*out++ = (uint8_t)record->type;
	if (record->type == STINGY_TRACE_FREE)
		return (size_t)(put_change(out, &state->address, record->alloc.address) - buf);
	if (record->type == STINGY_TRACE_ALLOC)
		return (size_t)(put_alloc(out, state, &record->alloc, false) - buf);
	switch (record->type) {
	case STINGY_TRACE_MODULE:
		return (size_t)(put_module_record(out, &record->module) - buf);
	case STINGY_TRACE_FRAME:
		return (size_t)(put_frame(out, &record->frame) - buf);
	case STINGY_TRACE_CHAIN:
		return (size_t)(put_chain(out, &record->chain) - buf);
	case STINGY_TRACE_REALLOC:
		out = put_alloc(out, state, &record->alloc, true);
		break;
	case STINGY_TRACE_THREAD:
		out = put(out, record->thread);
		break;
	case STINGY_TRACE_WAIT:
		out = put_change(out, &state->time, record->wait.time);
		out = put(out, record->wait.chain);
		break;
	case STINGY_TRACE_TURN:
		out = put_change(out, &state->time, record->turn.time);
		out = put(out, record->turn.fd + 1);
		break;
	case STINGY_TRACE_ACCEPT:
	case STINGY_TRACE_CLOSE:
	case STINGY_TRACE_LINK:
		out = put(out, record->fd);
		break;
	case STINGY_TRACE_STAGE:
		out = put_change(out, &state->time, record->stage.time);
		out = put(out, record->stage.frame);
		out = put(out, record->stage.task);
		break;
	case STINGY_TRACE_STAGE_END:
		out = put_change(out, &state->time, record->stage.time);
		break;
	case STINGY_TRACE_TASK_END:
		out = put(out, record->task);
		break;
	case STINGY_TRACE_REQUEST:
		out = put_change(out, &state->time, record->request.time);
		out = put(out, record->request.fd);
		break;
	case STINGY_TRACE_CALL:
		out = put_call(out, state, &record->call);
		break;
	case STINGY_TRACE_STACK:
		out = put(put(out, record->stack.used), record->stack.depth);
		break;
	case STINGY_TRACE_QUEUE:
		out = put_queue(out, state, &record->queue);
		break;
	case STINGY_TRACE_INDIRECT:
		out = put(out, record->indirect);
		break;
	case STINGY_TRACE_INTERFACE:
		out = put_text(out, record->text, STINGY_TRACE_STRING_MAX);
		break;
	default:
		return 0;
	}
	return (size_t)(out - buf);
}

/* Decodes what follows the tag. */
static void get_record(struct stingy_trace_reader *reader, struct cursor *cursor, struct stingy_trace_record *record)
{
	struct stingy_trace_state *state = &reader->state;

	switch (record->type) {
	case STINGY_TRACE_MODULE:
		get_module_record(cursor, &record->module);
		break;
	case STINGY_TRACE_FRAME:
		get_frame(cursor, &record->frame, reader->n_frames);
		break;
	case STINGY_TRACE_CHAIN:
		get_chain(cursor, &record->chain, reader->n_chains, reader->n_frames);
		break;
	case STINGY_TRACE_ALLOC:
	case STINGY_TRACE_REALLOC:
		get_alloc(cursor, state, &record->alloc, reader->n_chains, record->type == STINGY_TRACE_REALLOC);
		break;
	case STINGY_TRACE_FREE:
		record->alloc = (struct stingy_trace_alloc){.address = get_change(cursor, &state->address)};
		break;
	case STINGY_TRACE_THREAD:
		record->thread = get(cursor);
		break;
	case STINGY_TRACE_WAIT:
		record->wait.time = get_change(cursor, &state->time);
		record->wait.chain = get_below(cursor, reader->n_chains, "wait by a chain that was not declared");
		break;
	case STINGY_TRACE_TURN:
		record->turn.time = get_change(cursor, &state->time);
		record->turn.fd = get(cursor) - 1;
		break;
	case STINGY_TRACE_ACCEPT:
	case STINGY_TRACE_CLOSE:
	case STINGY_TRACE_LINK:
		record->fd = get(cursor);
		break;
	case STINGY_TRACE_STAGE:
		record->stage.time = get_change(cursor, &state->time);
		record->stage.frame = get_below(cursor, reader->n_frames, "stage of a frame that was not declared");
		record->stage.task = get(cursor);
		break;
	case STINGY_TRACE_STAGE_END:
		record->stage.time = get_change(cursor, &state->time);
		record->stage.frame = UINT32_MAX;
		record->stage.task = 0;
		break;
	case STINGY_TRACE_TASK_END:
		record->task = get(cursor);
		break;
	case STINGY_TRACE_REQUEST:
		record->request.time = get_change(cursor, &state->time);
		record->request.fd = get(cursor);
		break;
	case STINGY_TRACE_CALL:
		get_call(cursor, state, &record->call, reader->n_chains);
		break;
	case STINGY_TRACE_STACK:
		record->stack.used = get(cursor);
		record->stack.depth = get(cursor);
		break;
	case STINGY_TRACE_QUEUE:
		get_queue(cursor, state, &record->queue, reader->n_chains, reader->n_frames);
		break;
	case STINGY_TRACE_INDIRECT:
		record->indirect =
			get_below(cursor, reader->n_frames, "indirect call of a frame that was not declared");
		break;
	case STINGY_TRACE_INTERFACE:
		record->text = get_text(cursor, STINGY_TRACE_STRING_MAX);
		break;
	default:
		damage(cursor, "unknown record");
	}
}

/* The first type that the version does not have. */
static uint64_t types_of(uint32_t version)
{
	return version == 1 ? STINGY_TRACE_REQUEST : STINGY_TRACE_TYPES;
}

int stingy_trace_next(struct stingy_trace_reader *reader, struct stingy_trace_record *record)
{
	struct cursor cursor = {.error = NULL};

	if (reader->error)
		return -1;
	if (reader->at == reader->header.committed)
		return 0;
	if (reader->at >= reader->size) {
		reader->error = "file ends before its last record";
		return -1;
	}
	cursor.at = reader->data + reader->at;
	cursor.end = reader->data + reader->size;
	record->type = (enum stingy_trace_type)get_below(&cursor, types_of(reader->header.version), "unknown record");
	get_record(reader, &cursor, record);
	reader->error = cursor.error;
	if (reader->error)
		return -1;
	reader->n_frames += record->type == STINGY_TRACE_FRAME;
	reader->n_chains += record->type == STINGY_TRACE_CHAIN;
	reader->at = (size_t)(cursor.at - reader->data);
	return 1;
}
