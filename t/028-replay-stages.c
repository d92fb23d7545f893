/* The replay of a trace: in which stages objects are live, what a stage needs, who meets whom, in which thread. */
#include "made-replay.h"

static const struct stingy_census_stage *stage(const struct replayed *replayed, const char *name)
{
	for (uint32_t i = 1; i < replayed->stages.n_stages; i++)
		if (strcmp(replayed->stages.stage[i].name, name) == 0)
			return &replayed->census.stage[i];
	fail_msg("no stage %s", name);
	return NULL;
}

static uint32_t need(const struct replayed *replayed, const char *name, uint32_t number)
{
	return stingy_census_need(stage(replayed, name), number, STINGY_COVER_RUNS);
}

static void stages_have_what_is_live_and_what_they_need(void **state)
{
	struct replayed *replayed = *state;
	uint32_t a, b;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	made_alloc(&replayed->made, replayed->a, 16, 0x200);
	made_free(&replayed->made, 0x200);
	turn(replayed, 5);
	/* Freed before the turn's first allocation tells the stage: it was live when the stage began. */
	made_free(&replayed->made, 0x100);
	made_alloc(&replayed->made, replayed->b, 16, 0x300);
	/* Two stages in one turn. */
	made_alloc(&replayed->made, replayed->a, 16, 0x400);
	replay(replayed);
	a = replayed->input.chain[replayed->a];
	b = replayed->input.chain[replayed->b];
	assert_int_equal(stage(replayed, "read_it")->runs, 2);
	assert_int_equal(stage(replayed, "write_it")->runs, 1);
	assert_int_equal(need(replayed, "read_it", a), 2);
	assert_int_equal(need(replayed, "write_it", b), 1);
	assert_int_equal(need(replayed, "write_it", a), 0);
	assert_int_equal(stage(replayed, "write_it")->live[a], 1);
	assert_int_equal(stage(replayed, "read_it")->live[b], 1);
	assert_int_equal(stage(replayed, "read_it")->live[a], 0);
}

static void announced_stages_and_tasks_go_first(void **state)
{
	struct replayed *replayed = *state;
	uint32_t b;

	turn(replayed, 3);
	made_stage(&replayed->made, replayed->read_frame, 1);
	made_fd(&replayed->made, STINGY_TRACE_ACCEPT, 5);
	made_alloc(&replayed->made, replayed->b, 16, 0x100); /* in write_it, called by the stage */
	made_stage_end(&replayed->made);
	made_stage(&replayed->made, replayed->read_frame, 2);
	made_stage_end(&replayed->made);
	made_stage(&replayed->made, replayed->read_frame, 1);
	made_stage_end(&replayed->made);
	for (unsigned i = 0; i < LONG; i++)
		turn(replayed, 3);
	made_fd(&replayed->made, STINGY_TRACE_TASK_END, 1);
	made_free(&replayed->made, 0x100);
	replay(replayed);
	b = replayed->input.chain[replayed->b];
	assert_int_equal(unit(replayed, replayed->b)->fate[STINGY_FATE_TASK_END], 1);
	assert_int_equal(stage(replayed, "read_it")->runs, 3);
	assert_int_equal(stage(replayed, "read_it")->live[b], 1);
	assert_int_equal(need(replayed, "read_it", b), 1);
	/* Begin to end takes a microsecond here: one run after another's, two after their own. */
	assert_int_equal(stage(replayed, "read_it")->firsts, 1);
	assert_int_equal(stage(replayed, "read_it")->rests, 2);
	assert_int_equal(stage(replayed, "read_it")->rest_ns, 2000);
}

/* A turn takes a microsecond here, however many connections it accepts. */
static void a_turn_for_many_tasks_is_as_many_timed_runs(void **state)
{
	struct replayed *replayed = *state;

	turn(replayed, 3);
	for (uint64_t fd = 5; fd < 9; fd++) {
		made_fd(&replayed->made, STINGY_TRACE_ACCEPT, fd);
		made_alloc(&replayed->made, replayed->a, 16, fd << 8);
	}
	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x1000);
	replay(replayed);
	assert_int_equal(stage(replayed, "read_it")->runs, 5);
	assert_int_equal(stage(replayed, "read_it")->firsts, 1);
	assert_int_equal(stage(replayed, "read_it")->first_ns, 250);
	assert_int_equal(stage(replayed, "read_it")->rests, 4);
	assert_int_equal(stage(replayed, "read_it")->rest_ns, 750 + 1000);
}

static void order_and_company_are_seen(void **state)
{
	struct replayed *replayed = *state;
	uint32_t a, b;

	for (uint64_t task = 5; task < 8; task++) {
		turn(replayed, task);
		made_alloc(&replayed->made, replayed->a, 16, task << 16);
		turn(replayed, task);
		made_alloc(&replayed->made, replayed->b, 16, task << 16 | 0x100);
	}
	replay(replayed);
	a = replayed->input.chain[replayed->a];
	b = replayed->input.chain[replayed->b];
	assert_int_equal(replayed->census.dominates[b] >> a & 1, 1);
	assert_int_equal(replayed->census.dominates[a] >> b & 1, 0);
	assert_int_equal(replayed->census.together[b] >> a & 1, 1);
}

static void one_odd_run_does_not_set_the_need(void **state)
{
	struct replayed *replayed = *state;

	for (uint64_t i = 0; i < 200; i++) {
		uint64_t n = i == 100 ? 50 : 2;

		turn(replayed, 5);
		for (uint64_t j = 1; j <= n; j++)
			made_alloc(&replayed->made, replayed->a, 16, j << 8);
		if (i == 100)
			made_alloc(&replayed->made, replayed->b, 16, 0x80);
		for (uint64_t j = 1; j <= n; j++)
			made_free(&replayed->made, j << 8);
	}
	replay(replayed);
	assert_int_equal(need(replayed, "read_it", replayed->input.chain[replayed->a]), 2);
	assert_int_equal(need(replayed, "read_it", replayed->input.chain[replayed->b]), 0);
}

/* What a realloc ends was still live when the run began that the realloc is the first of. */
static void realloc_begins_a_run_before_it_ends_an_object(void **state)
{
	struct stingy_trace_record grow = {.type = STINGY_TRACE_REALLOC};
	struct replayed *replayed = *state;

	turn(replayed, 5);
	made_alloc(&replayed->made, replayed->a, 16, 0x100);
	grow.alloc = (struct stingy_trace_alloc){replayed->b, 1, 32, 0x200, 0x100};
	made_put(&replayed->made, &grow);
	replay(replayed);
	assert_int_equal(stage(replayed, "write_it")->live[replayed->input.chain[replayed->a]], 1);
}

/* Two event loops; the task of the second goes on in the first. */
static void threads_are_told_apart(void **state)
{
	struct replayed *replayed = *state;
	const struct stingy_unit *a;

	for (uint64_t thread = 1; thread <= 2; thread++) {
		made_fd(&replayed->made, STINGY_TRACE_THREAD, 100 + thread);
		for (uint64_t task = 0; task < thread * 2; task++) {
			turn(replayed, thread << 8 | task);
			made_alloc(&replayed->made, replayed->a, 16, thread << 16 | (task + 1) << 8);
		}
	}
	made_fd(&replayed->made, STINGY_TRACE_THREAD, 101);
	for (uint64_t task = 0; task < 4; task++)
		turn(replayed, 2 << 8 | task);
	made_free(&replayed->made, 2 << 16 | 1 << 8);
	made_fd(&replayed->made, STINGY_TRACE_CLOSE, 2 << 8);
	made_alloc(&replayed->made, replayed->a, 16, 1 << 8);
	made_fd(&replayed->made, STINGY_TRACE_THREAD, 102);
	for (uint64_t task = 0; task < 3; task++)
		turn(replayed, 3 << 8 | task);
	made_alloc(&replayed->made, replayed->a, 16, 2 << 8);
	replay(replayed);
	a = unit(replayed, replayed->a);
	assert_int_equal(a->max_live, 2 + 4 + 1);
	/* The first freed one of the second's, which has made another since. */
	assert_int_equal(a->max_live_in_thread, 4);
	assert_int_equal(replayed->census.max_tasks, 6 - 1 + 3);
	assert_int_equal(replayed->census.max_tasks_in_thread, 2 + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stages_have_what_is_live_and_what_they_need),
		TEST(announced_stages_and_tasks_go_first),
		TEST(a_turn_for_many_tasks_is_as_many_timed_runs),
		TEST(order_and_company_are_seen),
		TEST(one_odd_run_does_not_set_the_need),
		TEST(realloc_begins_a_run_before_it_ends_an_object),
		TEST(threads_are_told_apart),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
