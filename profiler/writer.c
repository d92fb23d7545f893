#include "writer.h"

#include <string.h>

static struct stingy_text text_of(const char *string)
{
	return (struct stingy_text){string, strlen(string)};
}

/* The number under which this process's trace knows the module, declared if it does not yet. */
static uint32_t declare_module(struct stingy_writer *writer, uint32_t index)
{
	if (index == STINGY_MODULE_NONE)
		return UINT32_MAX;
	struct stingy_known_module *known = stingy_frames_module(index);
	if (known->declared.trace == writer->trace)
		return known->declared.number;
	uint32_t number = known->module.is_program ? 0 : ++writer->n_modules;
	struct stingy_trace_record record = {.type = STINGY_TRACE_MODULE};
	record.module = (struct stingy_trace_module){
		.number = number, .id_len = known->module.id_len, .size = known->size, .path = text_of(known->path)};
	memcpy(record.module.id, known->id, sizeof(record.module.id));
	stingy_writer_put(writer, &record);
	known->declared = (struct stingy_declared){writer->trace, number};
	return number;
}

uint32_t stingy_writer_frame(struct stingy_writer *writer, uint32_t index)
{
	struct stingy_known_frame *known = stingy_frames_at(index);
	if (known->declared.trace == writer->trace)
		return known->declared.number;
	struct stingy_trace_record record = {.type = STINGY_TRACE_FRAME};
	record.frame = (struct stingy_trace_frame){.number = writer->n_frames,
						   .module = declare_module(writer, known->module),
						   .offset = known->offset,
						   .function = known->function,
						   .rule = known->rule,
						   .name = text_of(known->name)};
	stingy_writer_put(writer, &record);
	if (known->is_indirect)
		stingy_writer_put(writer, &(struct stingy_trace_record){.type = STINGY_TRACE_INDIRECT,
									.indirect = writer->n_frames});
	known->declared = (struct stingy_declared){writer->trace, writer->n_frames};
	return writer->n_frames++;
}

uint32_t stingy_writer_declare_chain(struct stingy_writer *writer, uint32_t chain)
{
	struct stingy_trace_record record = {.type = STINGY_TRACE_CHAIN};
	struct stingy_known_chain *known = stingy_chains_at(chain);
	for (uint32_t at = chain; at != STINGY_CHAIN_NONE; at = stingy_chains_at(at)->caller)
		record.chain.frame[record.chain.depth++] = stingy_writer_frame(writer, stingy_chains_at(at)->frame);
	record.chain.number = writer->n_chains;
	record.chain.complete = known->complete;
	stingy_writer_put(writer, &record);
	known->declared = (struct stingy_declared){writer->trace, writer->n_chains};
	return writer->n_chains++;
}

void stingy_writer_after_fork(struct stingy_writer *writer)
{
	stingy_sink_forget(&writer->sink);
	writer->trace++;
	writer->n_modules = writer->n_frames = writer->n_chains = 0;
}
