#include "replay.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

struct thread {
	uint64_t id;
	uint16_t number;         /* in the order of their first records; the last number is that of all later ones */
	uint32_t wait;           /* chain it last waited at; STINGY_NO_CHAIN: it never did */
	bool in_turn, announced; /* which of the runs below are under way */
	struct stingy_run turn;  /* inferred */
	struct stingy_run stage; /* announced */
	uint64_t turn_began;     /* nanoseconds */
	uint64_t stage_began;    /* nanoseconds */
	uint32_t turn_stage;     /* of the turn's first run; STINGY_STAGE_PENDING */
	bool timed;              /* the turn's duration is its first stage's: nothing else is known to be in it */
	UT_hash_handle hh;
};

struct replay {
	const struct stingy_input *input;
	const struct stingy_places *places;
	const struct stingy_stages *stages;
	struct stingy_census *census;
	struct stingy_objects objects;
	struct stingy_task *tasks; /* the open ones */
	struct thread *threads, *thread;
	uint32_t turn; /* turns so far, of all threads; the stage runs that were announced count too */
	/* By the trace's chain: the wait chain that its stage was asked for last, and the answer. */
	uint32_t *asked, *answer;
};

static void switch_thread(struct replay *replay, uint64_t id)
{
	unsigned n = HASH_COUNT(replay->threads);

	HASH_FIND(hh, replay->threads, &id, sizeof(id), replay->thread);
	if (replay->thread)
		return;
	replay->thread = stingy_memory_new(1, sizeof(*replay->thread));
	replay->thread->id = id;
	replay->thread->number = (uint16_t)(n < STINGY_CENSUS_THREADS ? n : STINGY_CENSUS_THREADS - 1);
	replay->thread->wait = STINGY_NO_CHAIN;
	HASH_ADD(hh, replay->threads, id, sizeof(id), replay->thread);
}

/* The run under way in the current thread, or NULL. */
static struct stingy_run *current_run(struct replay *replay)
{
	if (replay->thread->announced)
		return &replay->thread->stage;
	return replay->thread->in_turn ? &replay->thread->turn : NULL;
}

static struct stingy_task *find_task(struct replay *replay, const struct stingy_task_key *key)
{
	struct stingy_task *task;

	HASH_FIND(hh, replay->tasks, key, sizeof(*key), task);
	return task;
}

/* The task that the current thread has begun, or goes on with. */
static struct stingy_task *enter_task(struct replay *replay, const struct stingy_task_key *key)
{
	struct stingy_task *task = find_task(replay, key);

	if (!task) {
		task = stingy_task_new(key);
		HASH_ADD(hh, replay->tasks, key, sizeof(task->key), task);
	}
	stingy_census_enter(replay->census, task, replay->thread->number);
	return task;
}

/* Its objects may live on, and its run go on to the end of the turn; what begins from now on is not its own. */
static void end_task(struct replay *replay, const struct stingy_task_key *key)
{
	struct stingy_task *task = find_task(replay, key);

	if (!task)
		return;
	HASH_DEL(replay->tasks, task);
	stingy_census_leave(replay->census, task);
	stingy_tally_fini(&task->tally);
	free(task->live);
	task->live = NULL;
	task->ended = true;
	task->end_turn = replay->turn;
	stingy_task_release(task);
}

static void begin_run(struct replay *replay, struct stingy_run *run, struct stingy_task *task, uint32_t stage)
{
	stingy_run_begin(run, task, stage, replay->census->n_words);
}

static void end_run(struct replay *replay, struct stingy_run *run)
{
	stingy_census_run(replay->census, run);
	stingy_run_end(run);
}

static void end_turn(struct replay *replay, uint64_t time)
{
	struct thread *thread = replay->thread;
	uint32_t stage = thread->turn_stage;

	if (!thread->in_turn)
		return;
	thread->in_turn = false;
	end_run(replay, &thread->turn);
	if (thread->timed && time >= thread->turn_began)
		stingy_census_time(replay->census, stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : stage,
				   time - thread->turn_began);
}

static void begin_turn(struct replay *replay, uint64_t time, uint64_t fd)
{
	struct stingy_task_key key = {.id = fd};
	struct thread *thread = replay->thread;
	struct stingy_task *task = NULL;

	end_turn(replay, time);
	replay->turn++;
	if (fd != UINT64_MAX)
		task = enter_task(replay, &key);
	begin_run(replay, &thread->turn, task, STINGY_STAGE_PENDING);
	thread->in_turn = true;
	thread->turn_began = time;
	thread->turn_stage = STINGY_STAGE_PENDING;
	thread->timed = true;
}

static void end_stage(struct replay *replay, uint64_t time)
{
	struct thread *thread = replay->thread;
	uint32_t stage = thread->stage.stage;

	if (!thread->announced)
		return;
	thread->announced = false;
	end_run(replay, &thread->stage);
	if (time >= thread->stage_began)
		stingy_census_time(replay->census, stage, time - thread->stage_began);
}

/* An announced run is told from the one before as a turn is: it counts as one. */
static void begin_stage(struct replay *replay, const struct stingy_trace_record *record)
{
	struct stingy_task_key key = {.id = record->stage.task, .announced = 1};
	uint32_t place = replay->input->frame[record->stage.frame];
	uint32_t stage = stingy_stages_find(replay->stages, &replay->places->place[place]);
	struct thread *thread = replay->thread;

	end_stage(replay, record->stage.time);
	replay->turn++;
	begin_run(replay, &thread->stage, enter_task(replay, &key), stage);
	thread->announced = true;
	thread->stage_began = record->stage.time;
	thread->timed = false;
}

/* The rest of the turn is for the new connection. What a program announces as its task goes before that. */
static void accept_task(struct replay *replay, uint64_t fd)
{
	struct stingy_task_key key = {.id = fd};
	struct thread *thread = replay->thread;
	uint32_t stage = thread->turn.stage;

	end_task(replay, &key);
	if (thread->announced || !thread->in_turn)
		return;
	end_run(replay, &thread->turn);
	begin_run(replay, &thread->turn, enter_task(replay, &key), stage);
}

static uint32_t infer_stage(struct replay *replay, uint32_t number)
{
	uint32_t wait = replay->thread->wait;

	if (replay->asked[number] != wait) {
		replay->asked[number] = wait;
		replay->answer[number] = stingy_stages_of(replay->stages, wait, replay->input->chain[number]);
	}
	return replay->answer[number];
}

/* The allocation's chain tells the stage: the turn's first one its own, another one that a new run has begun. */
static void follow_stage(struct replay *replay, uint32_t number)
{
	struct thread *thread = replay->thread;
	struct stingy_run *run = &thread->turn;
	uint32_t stage = infer_stage(replay, number);

	if (stage == STINGY_STAGE_OTHER || stage == run->stage)
		return;
	if (run->stage == STINGY_STAGE_PENDING) {
		stingy_run_settle(run, stage);
		if (thread->turn_stage == STINGY_STAGE_PENDING)
			thread->turn_stage = stage;
	} else {
		struct stingy_task *task = stingy_task_hold(run->task);

		end_run(replay, run);
		begin_run(replay, run, task, stage);
		stingy_task_release(task);
	}
}

/* A loop that comes back from waiting without an event goes on to its timers: a turn of no known task. */
static struct stingy_run *serving_run(struct replay *replay)
{
	struct thread *thread = replay->thread;

	if (!thread->announced && !thread->in_turn && thread->wait != STINGY_NO_CHAIN) {
		begin_turn(replay, thread->turn_began, UINT64_MAX);
		thread->timed = false;
	}
	return current_run(replay);
}

static void end_object(struct replay *replay, uint64_t address, bool is_seen)
{
	struct stingy_run *run = current_run(replay);
	struct stingy_object object;

	if (!stingy_objects_take(&replay->objects, address, &object))
		return;
	replay->census->unit[object.unit].unseen_ends += !is_seen;
	stingy_census_end(replay->census, &object, stingy_fate_of_ended(&object, run, replay->turn), run);
	stingy_task_release(object.task);
}

/* The run that an allocation by the chain is part of, which it may begin; NULL: none, it is set-up. */
static struct stingy_run *enter_run(struct replay *replay, uint32_t chain)
{
	struct stingy_run *run = serving_run(replay);

	if (run == &replay->thread->turn)
		follow_stage(replay, chain);
	return run;
}

static void begin_object(struct replay *replay, const struct stingy_trace_alloc *alloc, struct stingy_run *run)
{
	struct stingy_object object = {.address = alloc->address, .turn = replay->turn};

	object.unit = replay->census->unit_of[replay->input->chain[alloc->chain]];
	replay->census->serving += run != NULL;
	/*
	 * What was there before has ended by a way that no profiler sees, such as the C library's own free, which a
	 * module loaded with RTLD_DEEPBIND calls.
	 */
	end_object(replay, alloc->address, false);
	if (object.unit == STINGY_NO_UNIT || !alloc->address)
		return;
	object.serving = run != NULL;
	object.thread = replay->thread->number;
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
	struct stingy_run *run = enter_run(replay, alloc->chain);

	end_object(replay, alloc->old, true);
	begin_object(replay, alloc, run);
}

static void wait_again(struct replay *replay, const struct stingy_trace_record *record)
{
	end_turn(replay, record->wait.time);
	replay->thread->turn_began = record->wait.time;
	replay->thread->wait = replay->input->chain[record->wait.chain];
}

static void take(struct replay *replay, const struct stingy_trace_record *record)
{
	struct stingy_task_key key = {.id = record->fd};

	switch (record->type) {
	case STINGY_TRACE_REALLOC:
		move_object(replay, &record->alloc);
		break;
	case STINGY_TRACE_ALLOC:
		begin_object(replay, &record->alloc, enter_run(replay, record->alloc.chain));
		break;
	case STINGY_TRACE_FREE:
		end_object(replay, record->alloc.address, true);
		break;
	case STINGY_TRACE_THREAD:
		switch_thread(replay, record->thread);
		break;
	case STINGY_TRACE_WAIT:
		wait_again(replay, record);
		break;
	case STINGY_TRACE_TURN:
		begin_turn(replay, record->turn.time, record->turn.fd);
		break;
	case STINGY_TRACE_ACCEPT:
		accept_task(replay, record->fd);
		break;
	case STINGY_TRACE_CLOSE:
		end_task(replay, &key);
		break;
	case STINGY_TRACE_STAGE:
		begin_stage(replay, record);
		break;
	case STINGY_TRACE_STAGE_END:
		end_stage(replay, record->stage.time);
		break;
	case STINGY_TRACE_TASK_END:
		key = (struct stingy_task_key){.id = record->task, .announced = 1};
		end_task(replay, &key);
		break;
	default:
		break;
	}
}

static void leave_objects(struct replay *replay)
{
	for (size_t i = 0; i < replay->objects.n_slots; i++) {
		const struct stingy_object *object = &replay->objects.slot[i];

		if (!object->address)
			continue;
		stingy_census_left(replay->census, object, stingy_fate_of_left(object, replay->turn));
		stingy_task_release(object->task);
	}
	stingy_objects_fini(&replay->objects);
}

static void end_threads(struct replay *replay)
{
	struct thread *thread, *next;

	HASH_ITER(hh, replay->threads, thread, next)
	{
		/* cppcheck-suppress uninitvar; uthash hides where it comes from */
		if (thread->in_turn)
			end_run(replay, &thread->turn);
		if (thread->announced)
			end_run(replay, &thread->stage);
		stingy_run_fini(&thread->turn);
		stingy_run_fini(&thread->stage);
		HASH_DEL(replay->threads, thread);
		free(thread);
	}
}

static void end_trace(struct replay *replay)
{
	struct stingy_task *task, *next;

	leave_objects(replay);
	end_threads(replay);
	HASH_ITER(hh, replay->tasks, task, next)
	{
		HASH_DEL(replay->tasks, task);
		stingy_census_leave(replay->census, task);
		stingy_task_release(task);
	}
	stingy_census_next(replay->census);
	free(replay->asked);
	free(replay->answer);
}

void stingy_replay(const struct stingy_input *input, const struct stingy_places *places,
		   const struct stingy_stages *stages, struct stingy_census *census)
{
	struct replay replay = {.input = input, .places = places, .stages = stages, .census = census};
	struct stingy_trace_reader reader;
	struct stingy_trace_record record;

	if (stingy_trace_reader_init(&reader, input->file.data, input->file.size) < 0)
		return;
	replay.asked = stingy_memory_new(input->n_chains, sizeof(*replay.asked));
	replay.answer = stingy_memory_new(input->n_chains, sizeof(*replay.answer));
	memset(replay.asked, 0xff, input->n_chains * sizeof(*replay.asked)); /* STINGY_NO_CHAIN */
	switch_thread(&replay, 0);
	/* Not to 'committed', which has grown since the survey if the process still runs. */
	reader.size = input->served_to;
	while (stingy_trace_next(&reader, &record) == 1)
		take(&replay, &record);
	end_trace(&replay);
}
