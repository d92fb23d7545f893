/*
 * A trace as its process writes it: modules, frames and chains are declared when they are first used, under numbers of
 * this trace. After fork the child's trace begins anew, and declares anew what it uses.
 *
 * Memory: the caller's; the sink's mapping. Not thread-safe: the recorder's lock is around it.
 */
#ifndef STINGY_WRITER_H
#define STINGY_WRITER_H

#include "chains.h"
#include "sink.h"

#include <stdbool.h>
#include <stdint.h>

struct stingy_writer {
	struct stingy_sink sink;
	struct stingy_trace_state state;
	uint32_t trace; /* which of the traces of this process and those it was forked from: from 1 */
	uint32_t n_modules, n_frames, n_chains; /* declared; of modules, besides the program */
};

/* Writes one record. Returns whether it fitted. */
static inline bool stingy_writer_put(struct stingy_writer *writer, const struct stingy_trace_record *record)
{
	uint8_t *room = stingy_sink_room(&writer->sink);
	if (__builtin_expect(!room, 0))
		return false;
	stingy_sink_commit(&writer->sink, stingy_trace_encode(&writer->state, record, room));
	return true;
}

/* The number of a frame (an index of stingy_frames_get) in this trace. */
uint32_t stingy_writer_frame(struct stingy_writer *writer, uint32_t index);

/* Declares a chain, and what it is made of. Returns its number. */
uint32_t stingy_writer_declare_chain(struct stingy_writer *writer, uint32_t chain);

/* The number of a chain (one of stingy_chains_extend) in this trace. */
static inline uint32_t stingy_writer_chain(struct stingy_writer *writer, uint32_t chain)
{
	const struct stingy_known_chain *known = stingy_chains_at(chain);
	if (__builtin_expect(known->declared.trace == writer->trace, 1))
		return known->declared.number;
	return stingy_writer_declare_chain(writer, chain);
}

/* After fork, in the child: what has been written is the parent's. */
void stingy_writer_after_fork(struct stingy_writer *writer);

#endif
