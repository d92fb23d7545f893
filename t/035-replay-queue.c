/* The replay of what declared queue functions queue: whose a stage is that runs later, and what is no evidence of it.
 */
#include "made-replay.h"

#define NOBODY UINT64_MAX /* as a turn's descriptor */

static struct made_trace *made_of(struct replayed *replayed)
{
	return &replayed->made;
}

/* In a turn for the descriptor, read_it queues write_it; task: what the queue function is given as such. */
static void read_and_queue(struct replayed *replayed, uint64_t fd, uint64_t task)
{
	turn(replayed, fd);
	made_alloc(made_of(replayed), replayed->a, 16, 0);
	made_queue(made_of(replayed), replayed->a, replayed->write_frame, task);
}

/* write_it runs in a turn for the descriptor, and leaves an object at the address. */
static void write_later(struct replayed *replayed, uint64_t fd, uint64_t address)
{
	turn(replayed, fd);
	made_alloc(made_of(replayed), replayed->b, 16, address);
}

static const struct stingy_unit *written(const struct replayed *replayed)
{
	return unit(replayed, replayed->b);
}

static const struct stingy_census_stage *write_stage(const struct replayed *replayed)
{
	const struct stingy_place *place = &replayed->places.place[replayed->input.frame[replayed->write_frame]];

	return &replayed->census.stage[stingy_stages_find(&replayed->stages, place)];
}

/* The object at the address is of the task of the descriptor: it ends when that does, and not a moment before. */
static void end_with(struct replayed *replayed, uint64_t fd, uint64_t address)
{
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, NOBODY);
	made_fd(made_of(replayed), STINGY_TRACE_CLOSE, fd);
	made_free(made_of(replayed), address);
}

static void a_stage_that_runs_later_is_for_whom_it_was_queued(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0);
	write_later(replayed, NOBODY, 0x100);
	end_with(replayed, 5, 0x100);
	replay(replayed);
	assert_int_equal(written(replayed)->taskless, 0);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 1);
	assert_int_equal(write_stage(replayed)->task_runs, 1);
	assert_int_equal(replayed->census.tasks, 1);
}

static void the_first_queued_is_the_first_to_run(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0);
	read_and_queue(replayed, 6, 0);
	write_later(replayed, NOBODY, 0x100);
	write_later(replayed, NOBODY, 0x200);
	end_with(replayed, 5, 0x100);
	end_with(replayed, 6, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 2);
}

/* As libevent's active queue: the loop goes on to what was queued without waiting in between. */
static void a_stage_that_runs_in_the_same_turn_has_been_taken_out(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0);
	made_alloc(made_of(replayed), replayed->b, 16, 0x100);
	write_later(replayed, NOBODY, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->taskless, 1);
	assert_int_equal(write_stage(replayed)->runs, 2);
	assert_int_equal(write_stage(replayed)->task_runs, 1);
}

/* A turn for a connection is that connection's, whoever is in the queue; and it is no longer there then. */
static void a_connection_goes_before_the_queue(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 6, 0);
	turn(replayed, 3);
	made_fd(made_of(replayed), STINGY_TRACE_ACCEPT, 5);
	read_and_queue(replayed, 5, 0);
	write_later(replayed, 5, 0x100);
	write_later(replayed, NOBODY, 0x200);
	write_later(replayed, NOBODY, 0x300);
	end_with(replayed, 5, 0x100);
	end_with(replayed, 6, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 2);
	assert_int_equal(written(replayed)->taskless, 1);
}

static void who_is_queued_twice_is_in_the_queue_once(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0);
	made_queue(made_of(replayed), replayed->a, replayed->write_frame, 0);
	write_later(replayed, NOBODY, 0x100);
	write_later(replayed, NOBODY, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->taskless, 1);
}

/* What is given as a task belongs to whom it was queued by first, also when a turn for nobody queues it on. */
static void a_name_stands_for_the_task_that_gave_it_first(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0x7700);
	write_later(replayed, NOBODY, 0x100);
	read_and_queue(replayed, NOBODY, 0x7700);
	write_later(replayed, NOBODY, 0x200);
	read_and_queue(replayed, 6, 0x7700);
	write_later(replayed, NOBODY, 0x300);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, NOBODY);
	made_fd(made_of(replayed), STINGY_TRACE_CLOSE, 5);
	for (uint64_t i = 1; i <= 3; i++)
		made_free(made_of(replayed), i << 8);
	replay(replayed);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 3);
	assert_int_equal(replayed->census.tasks, 2);
}

/* At set-up, as a server does that queues its first stage before it waits; the name is all that is known. */
static void a_name_that_nobody_gave_is_a_task(void **state)
{
	struct replayed *replayed = *state;

	made_queue(made_of(replayed), replayed->a, replayed->write_frame, 0x7700);
	write_later(replayed, NOBODY, 0x100);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, NOBODY);
	made_fd(made_of(replayed), STINGY_TRACE_TASK_END, 0x7700);
	made_free(made_of(replayed), 0x100);
	replay(replayed);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 1);
	assert_int_equal(replayed->census.tasks, 1);
}

/* It is passed over, and the name is another task's when it is used again. */
static void a_task_that_has_ended_is_not_run_for(void **state)
{
	struct replayed *replayed = *state;

	read_and_queue(replayed, 5, 0x7700);
	made_fd(made_of(replayed), STINGY_TRACE_CLOSE, 5);
	write_later(replayed, NOBODY, 0x100);
	read_and_queue(replayed, 6, 0x7700);
	write_later(replayed, NOBODY, 0x200);
	end_with(replayed, 6, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->taskless, 1);
	assert_int_equal(written(replayed)->fate[STINGY_FATE_TASK_END], 1);
	assert_int_equal(write_stage(replayed)->task_runs, 1);
	assert_int_equal(replayed->census.tasks, 2);
}

/* An unknown stage; a function that is none; one of which not even the file is known; no task, at set-up. */
static void what_is_not_known_is_passed_over(void **state)
{
	struct replayed *replayed = *state;
	struct stingy_trace_record nowhere = {STINGY_TRACE_FRAME, .frame = {.offset = 9, .module = UINT32_MAX}};
	uint32_t main_frame = 0;

	nowhere.frame.number = made_of(replayed)->n_frames++;
	made_put(made_of(replayed), &nowhere);
	made_queue(made_of(replayed), replayed->a, replayed->write_frame, 0);
	turn(replayed, 5);
	made_alloc(made_of(replayed), replayed->a, 16, 0x100);
	made_queue(made_of(replayed), replayed->a, UINT32_MAX, 0);
	made_queue(made_of(replayed), replayed->a, main_frame, 0);
	made_queue(made_of(replayed), replayed->a, nowhere.frame.number, 0);
	write_later(replayed, NOBODY, 0x200);
	replay(replayed);
	assert_int_equal(written(replayed)->taskless, 1);
	assert_int_equal(unit(replayed, replayed->a)->taskless, 0);
	assert_int_equal(replayed->stages.n_stages, 3);
	assert_int_equal(replayed->census.tasks, 1);
}

/* What came before the damage counts. */
static void a_frame_that_was_not_declared_ends_the_trace(void **state)
{
	struct replayed *replayed = *state;
	struct made_trace *made = made_of(replayed);

	read_and_queue(replayed, 5, 0);
	write_later(replayed, NOBODY, 0x100);
	made_wait(made, replayed->wait);
	made_queue(made, replayed->a, made->n_frames, 0);
	made_save(made, path, made->size);
	stingy_places_init(&replayed->places);
	stingy_chains_init(&replayed->chains);
	stingy_stages_init(&replayed->stages);
	assert_int_equal(stingy_input_init(&replayed->input, path, &replayed->places, &replayed->chains), 0);
	assert_string_equal(replayed->input.damage, "queued frame that was not declared");
	take_census(replayed);
	assert_int_equal(write_stage(replayed)->task_runs, 1);
}

/* write_it does nothing but queue read_it. Returns whether it is a stage. */
static bool only_queues(struct replayed *replayed, unsigned declared)
{
	const struct stingy_place *place;

	read_and_queue(replayed, 5, 0);
	turn(replayed, 5);
	made_queue(made_of(replayed), replayed->b, replayed->read_frame, 0);
	made_wait(made_of(replayed), replayed->wait);
	survey(replayed);
	place = &replayed->places.place[replayed->input.frame[replayed->write_frame]];
	replayed->places.place[replayed->input.frame[replayed->write_frame]].declared = declared;
	take_census(replayed);
	return stingy_stages_find(&replayed->stages, place) != STINGY_STAGE_OTHER;
}

static void what_only_queues_is_a_stage_if_it_was_declared(void **state)
{
	struct replayed *replayed = *state;

	assert_true(only_queues(replayed, STINGY_PLACE_STAGE));
	assert_int_equal(write_stage(replayed)->runs, 1);
	assert_int_equal(write_stage(replayed)->task_runs, 1);
}

static void what_only_queues_is_none_if_it_was_not(void **state)
{
	assert_false(only_queues(*state, 0));
}

static uint64_t queued_between(const struct stingy_graph *graph, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edge[i].from != STINGY_GRAPH_SCHEDULER && graph->edge[i].queued &&
		    graph->stages->stage[graph->edge[i].from].function == from &&
		    graph->stages->stage[graph->edge[i].to].function == to)
			return graph->edge[i].queued;
	return 0;
}

static void the_graph_tells_who_queued_whom(void **state)
{
	struct replayed *replayed = *state;
	struct stingy_graph graph;

	for (uint64_t fd = 5; fd < 8; fd++)
		read_and_queue(replayed, fd, 0);
	write_later(replayed, NOBODY, 0x100);
	graph_of(replayed, &graph);
	assert_int_equal(queued_between(&graph, 0x3000, 0x4000), 3);
	assert_int_equal(queued_between(&graph, 0x4000, 0x3000), 0);
	stingy_graph_fini(&graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stage_that_runs_later_is_for_whom_it_was_queued),
		TEST(the_first_queued_is_the_first_to_run),
		TEST(a_stage_that_runs_in_the_same_turn_has_been_taken_out),
		TEST(a_connection_goes_before_the_queue),
		TEST(who_is_queued_twice_is_in_the_queue_once),
		TEST(a_name_stands_for_the_task_that_gave_it_first),
		TEST(a_name_that_nobody_gave_is_a_task),
		TEST(a_task_that_has_ended_is_not_run_for),
		TEST(what_is_not_known_is_passed_over),
		TEST(a_frame_that_was_not_declared_ends_the_trace),
		TEST(what_only_queues_is_a_stage_if_it_was_declared),
		TEST(what_only_queues_is_none_if_it_was_not),
		TEST(the_graph_tells_who_queued_whom),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
