/* The replay of a trace: which task an object is of, and what became of it. */
#include "made-replay.h"

static void before_the_first_wait_is_set_up(void **state)
{
	struct replayed *replayed = *state;

	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x200);
	/* Another thread, which never waits, goes on with its own work all the while. */
	made_fd(&replayed->made, STINGY_TRACE_THREAD, 77);
	made_alloc(&replayed->made, replayed->b, 16, 0x300);
	made_fd(&replayed->made, STINGY_TRACE_THREAD, 0);
	made_alloc(&replayed->made, replayed->a, 16, 0x400);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->setup, 1);
	assert_int_equal(unit(replayed, replayed->a)->serving, 2);
	assert_int_equal(unit(replayed, replayed->b)->setup, 1);
	assert_int_equal(unit(replayed, replayed->b)->serving, 0);
	assert_int_equal(unit(replayed, replayed->a)->setup_left, 1);
}

static void ends_are_told_apart(void **state)
{
	struct replayed *replayed = *state;
	const struct stingy_unit *a;

	turn(replayed, 3);
	made_fd(&replayed->made, STINGY_TRACE_ACCEPT, 5);
	for (uint64_t i = 1; i <= 6; i++)
		made_alloc(&replayed->made, replayed->a, 16, i << 8);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 5);
	made_free(&replayed->made, 0x100); /* in its task */
	turn(replayed, 6);
	made_free(&replayed->made, 0x200); /* by another */
	turn(replayed, 5);
	made_fd(&replayed->made, STINGY_TRACE_CLOSE, 5);
	made_free(&replayed->made, 0x300); /* with its task */
	turn(replayed, 5);
	made_free(&replayed->made, 0x400); /* soon after, when the descriptor is another task's */
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 5);
	made_free(&replayed->made, 0x500); /* long after */
	replay(replayed);
	a = unit(replayed, replayed->a);
	assert_int_equal(a->fate[STINGY_FATE_TASK], 1);
	assert_int_equal(a->fate[STINGY_FATE_PASSED_ON], 1);
	assert_int_equal(a->fate[STINGY_FATE_TASK_END], 2);
	assert_int_equal(a->fate[STINGY_FATE_OUTLIVED], 1);
	assert_int_equal(a->fate[STINGY_FATE_LEFT], 1);
	assert_int_equal(a->fate[STINGY_FATE_UNKNOWN], 0);
	assert_int_equal(a->max_live, 6);
	assert_int_equal(stingy_unit_per_task(a, 99), 6);
	/* Listener, 5, 6, and 5 again, which was still open. */
	assert_int_equal(replayed->census.tasks, 4);
	assert_int_equal(replayed->census.max_tasks, 3);
}

static void open_tasks_are_no_evidence(void **state)
{
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 6);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_UNKNOWN], 1);
}

static void realloc_ends_one_and_begins_another(void **state)
{
	struct stingy_trace_record grow = {.type = STINGY_TRACE_REALLOC};
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	grow.alloc = (struct stingy_trace_alloc){replayed->b, 1, 32, 0x100, 0x100};
	made_put(&replayed->made, &grow);
	grow.alloc = (struct stingy_trace_alloc){replayed->b, 1, 64, 0x900, 0x100};
	made_put(&replayed->made, &grow);
	made_free(&replayed->made, 0x100); /* nobody's */
	made_free(&replayed->made, 0x900);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_TASK], 1);
	assert_int_equal(unit(replayed, replayed->b)->serving, 2);
	assert_int_equal(unit(replayed, replayed->b)->fate[STINGY_FATE_TASK], 2);
	assert_int_equal(unit(replayed, replayed->b)->max_live, 1);
	assert_int_equal(unit(replayed, replayed->a)->unseen_ends + unit(replayed, replayed->b)->unseen_ends, 0);
}

static void an_address_used_again_has_ended(void **state)
{
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->serving, 2);
	assert_int_equal(unit(replayed, replayed->a)->max_live, 1);
	assert_int_equal(unit(replayed, replayed->a)->unseen_ends, 1);
}

static void an_address_that_is_used_by_others_has_ended(void **state)
{
	struct replayed *replayed = *state;

	replayed->b_is_unmanaged = true;
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_alloc(&replayed->made, replayed->b, 16, 0x100);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_TASK], 1);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_UNKNOWN], 0);
	assert_int_equal(unit(replayed, replayed->a)->unseen_ends, 1);
}

/* At set-up, by a task that is long over, and by one that is still open. */
static void what_is_freed_at_the_end_was_left(void **state)
{
	struct replayed *replayed = *state;
	const struct stingy_unit *a;

	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x200);
	made_fd(&replayed->made, STINGY_TRACE_CLOSE, 5);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 6);
	made_alloc(&replayed->made, replayed->a, 16, 0x300);
	made_wait(&replayed->made, replayed->wait);
	made_free(&replayed->made, 0x300);
	made_free(&replayed->made, 0x200);
	made_free(&replayed->made, 0x100);
	made_alloc(&replayed->made, replayed->b, 16, 0x400);
	survey(replayed);
	take_census(replayed);
	a = unit(replayed, replayed->a);
	assert_int_equal(a->setup_left, 1);
	assert_int_equal(a->fate[STINGY_FATE_LEFT], 1);
	assert_int_equal(a->fate[STINGY_FATE_UNKNOWN], 1);
	assert_int_equal(a->fate[STINGY_FATE_TASK] + a->fate[STINGY_FATE_TASK_END] + a->fate[STINGY_FATE_OUTLIVED], 0);
	assert_int_equal(replayed->input.serving, 2);
	assert_int_equal(replayed->census.serving, 2);
}

static void an_announced_end_is_served_to(void **state)
{
	struct replayed *replayed = *state;

	made_stage(&replayed->made, replayed->read_frame, 1);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_stage_end(&replayed->made);
	made_free(&replayed->made, 0x100);
	survey(replayed);
	take_census(replayed);
	assert_int_equal(unit(replayed, replayed->a)->serving, 1);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_UNKNOWN], 1);
}

/* A program that announces how its stages begin and not how they end. */
static void without_any_end_all_counts(void **state)
{
	struct replayed *replayed = *state;

	made_stage(&replayed->made, replayed->read_frame, 1);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_free(&replayed->made, 0x100);
	survey(replayed);
	take_census(replayed);
	assert_int_equal(replayed->input.serving, 1);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_TASK], 1);
}

/* The trace of a process that still runs: it is surveyed, then more is committed, chains and frames among it. */
static void what_comes_after_the_survey_is_not_read(void **state)
{
	struct stingy_trace_header *header;
	struct replayed *replayed = *state;
	struct made_trace *made = &replayed->made;
	uint64_t whole, surveyed;
	uint32_t frame[3] = {0};
	FILE *file;

	turn(replayed, 5);
	made_alloc(made, replayed->a, 16, 0x100);
	made_wait(made, replayed->wait);
	surveyed = made->size;
	for (unsigned i = 0; i < 1000; i++) {
		turn(replayed, 5);
		frame[0] = made_frame(made, 0x5000, 0x5010 + i, "later");
		made_alloc(made, made_chain(made, 1, frame), 16, 0x200);
	}
	made_wait(made, replayed->wait);
	whole = made->size;
	header = (struct stingy_trace_header *)made->data;
	header->committed = surveyed;
	survey(replayed);
	file = fopen(path, "r+e");
	assert_int_equal(fseek(file, offsetof(struct stingy_trace_header, committed), SEEK_SET), 0);
	assert_int_equal(fwrite(&whole, sizeof(whole), 1, file), 1);
	assert_int_equal(fclose(file), 0);
	take_census(replayed);
	assert_int_equal(replayed->census.serving, 1);
}

/* A turn of the listener in which a connection begins. */
static void accept_in_turn(struct replayed *replayed, uint64_t fd)
{
	turn(replayed, 3);
	made_fd(&replayed->made, STINGY_TRACE_ACCEPT, fd);
}

static void request_in_turn(struct replayed *replayed, uint64_t fd)
{
	turn(replayed, fd);
	made_request(&replayed->made, fd);
}

/* Each request is a task; what outlives one is the connection's, or the next one's. */
static void requests_of_a_connection_are_told_apart(void **state)
{
	struct replayed *replayed = *state;
	const struct stingy_unit *a, *b;

	accept_in_turn(replayed, 5);
	request_in_turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100); /* lives until the connection ends */
	made_alloc(&replayed->made, replayed->b, 16, 0x200); /* until the next request */
	made_alloc(&replayed->made, replayed->b, 16, 0x300); /* within its own */
	made_free(&replayed->made, 0x300);
	request_in_turn(replayed, 5);
	made_free(&replayed->made, 0x200);
	/* Made before the read that shows the third: of the third. */
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->b, 16, 0x400);
	made_request(&replayed->made, 5);
	made_free(&replayed->made, 0x400);
	made_fd(&replayed->made, STINGY_TRACE_CLOSE, 5);
	made_free(&replayed->made, 0x100);
	replay(replayed);
	a = unit(replayed, replayed->a);
	b = unit(replayed, replayed->b);
	assert_int_equal(a->fate[STINGY_FATE_CONNECTION], 1);
	assert_int_equal(b->fate[STINGY_FATE_NEXT], 1);
	assert_int_equal(b->fate[STINGY_FATE_TASK], 2);
	assert_int_equal(replayed->census.requests, 3);
	assert_int_equal(replayed->census.connections, 1);
	assert_int_equal(replayed->census.tasks, 1 + 3); /* the listener's too */
	assert_int_equal(replayed->census.max_tasks, 2);
}

/* A backend works for whoever wrote to it last, as long as that is there. */
static void linked_descriptors_work_for_others(void **state)
{
	struct replayed *replayed = *state;

	accept_in_turn(replayed, 5);
	made_fd(&replayed->made, STINGY_TRACE_LINK, 9);
	accept_in_turn(replayed, 6);
	turn(replayed, 9);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	turn(replayed, 6);
	made_fd(&replayed->made, STINGY_TRACE_LINK, 9);
	turn(replayed, 9);
	made_alloc(&replayed->made, replayed->b, 16, 0x200);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 3);
	turn(replayed, 5);
	made_free(&replayed->made, 0x100);
	turn(replayed, 5);
	made_free(&replayed->made, 0x200); /* of 6 */
	made_fd(&replayed->made, STINGY_TRACE_CLOSE, 6);
	turn(replayed, 9); /* on its own */
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->a)->fate[STINGY_FATE_TASK], 1);
	assert_int_equal(unit(replayed, replayed->b)->fate[STINGY_FATE_PASSED_ON], 1);
	assert_int_equal(replayed->census.tasks, 4);
}

/* A turn for no connection goes over to the one that it reads or writes; its chain tells the stage. */
static void calls_tell_stage_and_task(void **state)
{
	struct replayed *replayed = *state;
	struct stingy_trace_record record = {STINGY_TRACE_CALL, .call = {.number = 1, .fd = 5}};

	accept_in_turn(replayed, 5);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 3);
	record.call.chain = replayed->b;
	made_put(&replayed->made, &record);
	made_alloc(&replayed->made, replayed->b, 16, 0x100);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 3);
	turn(replayed, 5);
	made_free(&replayed->made, 0x100);
	replay(replayed);
	assert_int_equal(unit(replayed, replayed->b)->fate[STINGY_FATE_TASK], 1);
	assert_int_equal(replayed->census.serving, 1);
	assert_int_equal(replayed->census.attributed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_the_first_wait_is_set_up),
		TEST(ends_are_told_apart),
		TEST(open_tasks_are_no_evidence),
		TEST(realloc_ends_one_and_begins_another),
		TEST(an_address_used_again_has_ended),
		TEST(an_address_that_is_used_by_others_has_ended),
		TEST(what_is_freed_at_the_end_was_left),
		TEST(an_announced_end_is_served_to),
		TEST(without_any_end_all_counts),
		TEST(what_comes_after_the_survey_is_not_read),
		TEST(requests_of_a_connection_are_told_apart),
		TEST(linked_descriptors_work_for_others),
		TEST(calls_tell_stage_and_task),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
