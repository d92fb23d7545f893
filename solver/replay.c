#include "replay.h"

#include "passage.h"
#include "runs.h"

struct replay {
	struct stingy_runs runs;
	struct stingy_census *census;
	struct stingy_objects objects;
};

static void end_object(struct replay *replay, uint64_t address, bool is_seen)
{
	struct stingy_run *run = stingy_runs_current(&replay->runs);
	struct stingy_object object;

	if (!stingy_objects_take(&replay->objects, address, &object))
		return;
	replay->census->unit[object.unit].unseen_ends += !is_seen;
	stingy_census_end(replay->census, &object, stingy_fate_of_ended(&object, run, replay->runs.turn), run);
	stingy_task_release(object.task);
}

static void begin_object(struct replay *replay, const struct stingy_trace_alloc *alloc, struct stingy_run *run)
{
	struct stingy_object object = {.address = alloc->address, .turn = replay->runs.turn};

	object.unit = replay->census->unit_of[replay->runs.input->chain[alloc->chain]];
	if (run)
		stingy_census_serve(replay->census, run);
	/*
	 * What was there before has ended by a way that no profiler sees, such as the C library's own free, which a
	 * module loaded with RTLD_DEEPBIND calls.
	 */
	end_object(replay, alloc->address, false);
	if (object.unit == STINGY_NO_UNIT || !alloc->address)
		return;
	object.serving = run != NULL;
	object.thread = stingy_runs_thread(&replay->runs);
	if (run && run->task && !run->task->ended) {
		object.task = stingy_task_hold(run->task);
		object.run = run->task->n_runs;
	}
	stingy_census_begin(replay->census, &object, alloc->size, alloc->align, run);
	stingy_objects_put(&replay->objects, &object);
}

/* The old object ends in the run that the allocation is part of, not in the one before. */
static void move_object(struct replay *replay, const struct stingy_trace_alloc *alloc)
{
	struct stingy_run *run = stingy_runs_enter(&replay->runs, alloc->chain);

	end_object(replay, alloc->old, true);
	begin_object(replay, alloc, run);
}

static void take(struct replay *replay, const struct stingy_trace_record *record)
{
	switch (record->type) {
	case STINGY_TRACE_REALLOC:
		move_object(replay, &record->alloc);
		break;
	case STINGY_TRACE_ALLOC:
		begin_object(replay, &record->alloc, stingy_runs_enter(&replay->runs, record->alloc.chain));
		break;
	case STINGY_TRACE_FREE:
		end_object(replay, record->alloc.address, true);
		break;
	default:
		stingy_runs_take(&replay->runs, record);
		break;
	}
}

static void leave_objects(struct replay *replay)
{
	for (size_t i = 0; i < replay->objects.n_slots; i++) {
		const struct stingy_object *object = &replay->objects.slot[i];

		if (!object->address)
			continue;
		stingy_census_left(replay->census, object, stingy_fate_of_left(object, replay->runs.turn));
		stingy_task_release(object->task);
	}
	stingy_objects_fini(&replay->objects);
}

void stingy_replay(const struct stingy_input *input, const struct stingy_places *places,
		   const struct stingy_stages *stages, struct stingy_census *census)
{
	struct replay replay = {.census = census};
	struct stingy_passage passage = {.file = &input->file};
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;

	if (stingy_trace_reader_init(&reader, input->file.data, input->file.size) < 0)
		return;
	stingy_runs_init(&replay.runs, input, places, stages, census);
	/* Not to 'committed', which has grown since the survey if the process still runs. */
	reader.size = input->served_to;
	passage.most = reader.whole;
	while (stingy_trace_next(&reader, &record) == 1) {
		take(&replay, &record);
		stingy_passage_at(&passage, reader.at);
	}
	stingy_passage_end(&passage, reader.at);
	leave_objects(&replay);
	stingy_runs_fini(&replay.runs);
	stingy_census_next(census);
}
