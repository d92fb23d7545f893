/*
 * From a solved model to the text of a manifest: only the modules, regions, kinds and stages that it needs, numbered
 * in an order that depends on nothing but the traces' contents, each kind with a comment that says what it is.
 *
 * Writes to a stream and checks nothing of it: that is the caller's. Heap memory, freed on return.
 */
#ifndef STINGY_WRITER_H
#define STINGY_WRITER_H

#include "model.h"
#include "plan.h"
#include "schedule.h"

struct stingy_writer_source {
	const struct stingy_model_source *from;
	const struct stingy_model *model;
	const struct stingy_plan *plan;
	const struct stingy_schedule *schedule;
	const struct stingy_cache *cache;
	uint32_t program;    /* module */
	uint32_t n_traces;   /* of the program */
	uint64_t served;     /* allocations of the traces, while serving, that the plan would have served */
	const char *nothing; /* why there is nothing to manage; NULL: there is */
};

void stingy_writer_write(const struct stingy_writer_source *source, FILE *out);

#endif
