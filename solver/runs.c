#include "runs.h"

#include "graph.h"
#include "queued.h"

#include <string.h>

struct stingy_thread {
	uint64_t id;
	uint16_t number;         /* in the order of their first records; the last number is that of all later ones */
	uint32_t wait;           /* chain it last waited at; STINGY_NO_CHAIN: it never did */
	bool in_turn, announced; /* which of the runs below are under way */
	struct stingy_run turn, stage;    /* inferred; announced */
	uint64_t turn_began, stage_began; /* nanoseconds */
	uint32_t turn_stage;              /* of the turn's first run; STINGY_STAGE_PENDING */
	uint32_t turn_stages;             /* changes of stage in the turn so far, announced ones too */
	uint32_t turn_runs;               /* of the turn's first stage, so far: for one task after the other */
	bool is_measured;                 /* the stack of the announced run was: it took longer for that */
	uint64_t depth;                   /* bytes of stack at the call by which it waits; 0: not told */
	bool timed; /* the turn's duration is its first stage's: nothing else is known to be in it */
	UT_hash_handle hh;
};

static void switch_thread(struct stingy_runs *runs, uint64_t id)
{
	unsigned n = HASH_COUNT(runs->threads);

	HASH_FIND(hh, runs->threads, &id, sizeof(id), runs->thread);
	if (runs->thread)
		return;
	runs->thread = stingy_memory_new(1, sizeof(*runs->thread));
	runs->thread->id = id;
	runs->thread->number = (uint16_t)(n < STINGY_CENSUS_THREADS ? n : STINGY_CENSUS_THREADS - 1);
	runs->thread->wait = STINGY_NO_CHAIN;
	HASH_ADD(hh, runs->threads, id, sizeof(id), runs->thread);
}

uint16_t stingy_runs_thread(const struct stingy_runs *runs)
{
	return runs->thread->number;
}

struct stingy_run *stingy_runs_current(struct stingy_runs *runs)
{
	if (runs->thread->announced)
		return &runs->thread->stage;
	return runs->thread->in_turn ? &runs->thread->turn : NULL;
}

static void begin_run(struct stingy_runs *runs, struct stingy_run *run, struct stingy_task *task, uint32_t stage)
{
	stingy_run_begin(run, task, stage, runs->census->n_words);
	run->serial = ++runs->census->begun_runs;
}

static void end_run(struct stingy_runs *runs, struct stingy_run *run)
{
	stingy_census_run(runs->census, run);
	stingy_run_end(run);
}

/* The turn goes on for another task, in the same stage. Nothing may have happened in it yet: then there was no run. */
static void turn_to(struct stingy_runs *runs, struct stingy_run *run, struct stingy_task *task)
{
	uint32_t stage = run->stage;

	if (run->task == task)
		return;
	runs->thread->turn_runs += stage != STINGY_STAGE_PENDING && runs->thread->turn_stages == 0;
	if (stage == STINGY_STAGE_PENDING && !run->added.n_entries)
		stingy_run_end(run);
	else
		end_run(runs, run);
	begin_run(runs, run, task, stage);
}

static void end_turn(struct stingy_runs *runs, uint64_t time)
{
	struct stingy_thread *thread = runs->thread;
	uint32_t stage = thread->turn_stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : thread->turn_stage;

	if (!thread->in_turn)
		return;
	thread->in_turn = false;
	/* Of a turn of which nothing is known but the stages that were announced in it there is nothing to tell. */
	thread->turn.is_idle = thread->turn.stage == STINGY_STAGE_PENDING && thread->turn_stages > 0;
	end_run(runs, &thread->turn);
	if (thread->timed && time >= thread->turn_began)
		stingy_census_time(runs->census, stage, thread->turn_runs, time - thread->turn_began);
}

/* fd: UINT64_MAX where none is known. */
static void begin_turn(struct stingy_runs *runs, uint64_t time, uint64_t fd)
{
	struct stingy_thread *thread = runs->thread;

	end_turn(runs, time);
	runs->turn++;
	begin_run(runs, &thread->turn,
		  fd == UINT64_MAX ? NULL : stingy_tasks_of_descriptor(&runs->tasks, fd, thread->number),
		  STINGY_STAGE_PENDING);
	thread->in_turn = true;
	thread->turn_began = time;
	thread->turn_stage = STINGY_STAGE_PENDING;
	thread->timed = true;
	thread->turn_stages = 0;
	thread->turn_runs = 1;
}

static void wait_again(struct stingy_runs *runs, uint64_t time, uint32_t number)
{
	end_turn(runs, time);
	runs->thread->turn_began = time;
	runs->thread->wait = runs->input->chain[number];
	if (runs->census->graph)
		stingy_graph_waited(runs->census->graph, runs->thread->wait, runs->thread->depth);
}

static void end_stage(struct stingy_runs *runs, uint64_t time)
{
	struct stingy_thread *thread = runs->thread;
	uint32_t stage = thread->stage.stage;

	if (!thread->announced)
		return;
	thread->announced = false;
	end_run(runs, &thread->stage);
	if (time >= thread->stage_began && !thread->is_measured)
		stingy_census_time(runs->census, stage, 1, time - thread->stage_began);
}

/* The stage of a function that the program named, by the trace's frame. */
static uint32_t named_stage(const struct stingy_runs *runs, uint32_t frame)
{
	return stingy_stages_find(runs->stages, &runs->places->place[runs->input->frame[frame]]);
}

/* An announced run is told from the one before as a turn is: it counts as one. */
static void begin_stage(struct stingy_runs *runs, const struct stingy_trace_record *record)
{
	struct stingy_task_key key = {.id = record->stage.task, .announced = 1};
	struct stingy_thread *thread = runs->thread;

	end_stage(runs, record->stage.time);
	runs->turn++;
	begin_run(runs, &thread->stage, stingy_tasks_enter(&runs->tasks, &key, thread->number),
		  named_stage(runs, record->stage.frame));
	thread->announced = true;
	thread->stage_began = record->stage.time;
	thread->is_measured = false;
	thread->timed = false;
	thread->turn_stages++;
}

/* A loop that comes back from waiting without an event goes on to its timers: a turn of no known task. */
static struct stingy_run *serving_run(struct stingy_runs *runs)
{
	struct stingy_thread *thread = runs->thread;

	if (!thread->announced && !thread->in_turn && thread->wait != STINGY_NO_CHAIN) {
		begin_turn(runs, thread->turn_began, UINT64_MAX);
		thread->timed = false;
	}
	return stingy_runs_current(runs);
}

/* The rest of the turn is for the new connection. What a program announces as its task goes before that. */
static void accept_task(struct stingy_runs *runs, uint64_t fd)
{
	struct stingy_thread *thread = runs->thread;

	stingy_tasks_close(&runs->tasks, fd, runs->turn);
	if (!thread->announced && thread->in_turn)
		turn_to(runs, &thread->turn, stingy_tasks_connection(&runs->tasks, fd, thread->number));
}

/* The connection's first request began with it. */
static void begin_request(struct stingy_runs *runs, uint64_t fd)
{
	struct stingy_run *run = serving_run(runs);
	struct stingy_task *task;

	if (!run)
		return;
	task = stingy_tasks_connection(&runs->tasks, fd, runs->thread->number);
	if (run == &runs->thread->turn)
		turn_to(runs, run, task);
	if (task->n_requests++ == 0)
		return;
	task->request_turn = runs->turn;
	stingy_census_request(runs->census, task);
}

static void link_descriptor(struct stingy_runs *runs, uint64_t fd)
{
	const struct stingy_run *run = stingy_runs_current(runs);

	if (run && run->task)
		stingy_tasks_link(&runs->tasks, fd, run->task);
}

static uint32_t infer_stage(struct stingy_runs *runs, uint32_t number)
{
	uint32_t wait = runs->thread->wait;

	if (runs->asked[number] != wait) {
		runs->asked[number] = wait;
		runs->answer[number] = stingy_stages_of(runs->stages, wait, runs->input->chain[number]);
	}
	return runs->answer[number];
}

/* The task for which the stage now runs: its own, if that is a connection; else the one for which it was queued. */
static struct stingy_task *hold_task_of_stage(struct stingy_runs *runs, uint32_t stage, struct stingy_task *own)
{
	struct stingy_task *queued;

	if (own && own->is_connection) {
		stingy_queued_remove(&runs->queue[stage], own);
		return stingy_task_hold(own);
	}
	queued = stingy_queued_take(&runs->queue[stage]);
	return queued ? queued : stingy_task_hold(own);
}

/* The chain tells the stage: the turn's first one its own, another one that a new run has begun. */
static void follow_stage(struct stingy_runs *runs, uint32_t number)
{
	struct stingy_thread *thread = runs->thread;
	struct stingy_run *run = &thread->turn;
	uint32_t stage = infer_stage(runs, number);
	struct stingy_task *task;

	if (stage == STINGY_STAGE_OTHER || stage == run->stage)
		return;
	task = hold_task_of_stage(runs, stage, run->task);
	if (run->stage == STINGY_STAGE_PENDING) {
		turn_to(runs, run, task);
		stingy_run_settle(run, stage);
		if (thread->turn_stage == STINGY_STAGE_PENDING)
			thread->turn_stage = stage;
	} else {
		end_run(runs, run);
		begin_run(runs, run, task, stage);
		thread->turn_stages++;
	}
	stingy_task_release(task);
}

struct stingy_run *stingy_runs_enter(struct stingy_runs *runs, uint32_t chain)
{
	struct stingy_run *run = serving_run(runs);

	if (run == &runs->thread->turn)
		follow_stage(runs, chain);
	if (run && runs->census->graph)
		stingy_graph_chain(runs->census->graph, run, runs->input->chain[chain]);
	return run;
}

static uint32_t known_stage(const struct stingy_run *run)
{
	return run->stage == STINGY_STAGE_PENDING ? STINGY_STAGE_OTHER : run->stage;
}

/* What is done for a connection in a turn for none is for that connection. */
static void take_call(struct stingy_runs *runs, const struct stingy_trace_call *call)
{
	struct stingy_run *run = serving_run(runs);
	const struct stingy_task *task;

	if (!run)
		return;
	task = call->fd == UINT64_MAX ? NULL
				      : stingy_tasks_find(&runs->tasks, &(struct stingy_task_key){.id = call->fd});
	if (run == &runs->thread->turn && task && task->is_connection && !(run->task && run->task->is_connection))
		turn_to(runs, run, stingy_tasks_enter(&runs->tasks, &task->key, runs->thread->number));
	run = stingy_runs_enter(runs, call->chain);
	runs->census->stage[known_stage(run)].calls++;
	if (runs->census->graph)
		stingy_graph_called(runs->census->graph, known_stage(run), call);
}

static void take_queue(struct stingy_runs *runs, const struct stingy_trace_queue *queue)
{
	struct stingy_run *run = stingy_runs_enter(runs, queue->chain);
	struct stingy_task *task =
		stingy_tasks_given(&runs->tasks, queue->task, run ? run->task : NULL, runs->thread->number);
	uint32_t stage = queue->frame == UINT32_MAX ? STINGY_STAGE_OTHER : named_stage(runs, queue->frame);

	if (run && stage != STINGY_STAGE_OTHER && runs->census->graph)
		stingy_graph_queued(runs->census->graph, known_stage(run), stage);
	if (task && stage != STINGY_STAGE_OTHER)
		stingy_queued_put(&runs->queue[stage], task);
}

/* It comes just before the record that ends the announced run, or the turn; that may have had several stages. */
static void take_stack(struct stingy_runs *runs, uint64_t used, uint64_t depth)
{
	struct stingy_thread *thread = runs->thread;
	const struct stingy_run *run = stingy_runs_current(runs);

	if (thread->announced)
		thread->is_measured = true;
	else
		thread->depth = depth;
	thread->timed = false; /* to measure took time, too */
	if (run && runs->census->graph)
		stingy_graph_used_stack(runs->census->graph, known_stage(run), used,
					thread->announced || thread->turn_stages == 0);
}

void stingy_runs_take(struct stingy_runs *runs, const struct stingy_trace_record *record)
{
	switch (record->type) {
	case STINGY_TRACE_THREAD:
		switch_thread(runs, record->thread);
		break;
	case STINGY_TRACE_WAIT:
		wait_again(runs, record->wait.time, record->wait.chain);
		break;
	case STINGY_TRACE_TURN:
		begin_turn(runs, record->turn.time, record->turn.fd);
		break;
	case STINGY_TRACE_ACCEPT:
		accept_task(runs, record->fd);
		break;
	case STINGY_TRACE_CLOSE:
		stingy_tasks_close(&runs->tasks, record->fd, runs->turn);
		break;
	case STINGY_TRACE_STAGE:
		begin_stage(runs, record);
		break;
	case STINGY_TRACE_STAGE_END:
		end_stage(runs, record->stage.time);
		break;
	case STINGY_TRACE_TASK_END:
		stingy_tasks_end(&runs->tasks, &(struct stingy_task_key){record->task, 1}, runs->turn);
		break;
	case STINGY_TRACE_REQUEST:
		begin_request(runs, record->request.fd);
		break;
	case STINGY_TRACE_LINK:
		link_descriptor(runs, record->fd);
		break;
	case STINGY_TRACE_CALL:
		take_call(runs, &record->call);
		break;
	case STINGY_TRACE_QUEUE:
		take_queue(runs, &record->queue);
		break;
	case STINGY_TRACE_STACK:
		take_stack(runs, record->stack.used, record->stack.depth);
		break;
	default:
		break;
	}
}

void stingy_runs_init(struct stingy_runs *runs, const struct stingy_input *input, const struct stingy_places *places,
		      const struct stingy_stages *stages, struct stingy_census *census)
{
	*runs = (struct stingy_runs){.census = census, .input = input, .places = places, .stages = stages};
	stingy_tasks_init(&runs->tasks, census);
	runs->queue = stingy_memory_new(stages->n_stages, sizeof(*runs->queue));
	runs->asked = stingy_memory_new(input->n_chains, sizeof(*runs->asked));
	runs->answer = stingy_memory_new(input->n_chains, sizeof(*runs->answer));
	memset(runs->asked, 0xff, input->n_chains * sizeof(*runs->asked)); /* STINGY_NO_CHAIN */
	switch_thread(runs, 0);
}

static void end_threads(struct stingy_runs *runs)
{
	struct stingy_thread *thread, *next;

	HASH_ITER(hh, runs->threads, thread, next)
	{
		/* cppcheck-suppress uninitvar; uthash hides where it comes from */
		if (thread->in_turn)
			end_run(runs, &thread->turn);
		if (thread->announced)
			end_run(runs, &thread->stage);
		stingy_run_fini(&thread->turn);
		stingy_run_fini(&thread->stage);
		HASH_DEL(runs->threads, thread);
		free(thread);
	}
}

void stingy_runs_fini(struct stingy_runs *runs)
{
	end_threads(runs);
	for (uint32_t i = 0; i < runs->stages->n_stages; i++)
		stingy_queued_fini(&runs->queue[i]);
	stingy_tasks_fini(&runs->tasks);
	free(runs->queue);
	free(runs->asked);
	free(runs->answer);
}
