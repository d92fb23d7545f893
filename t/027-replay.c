/* The replay of a trace: which task and stage an object is of, and what became of it. */
#include "../solver/replay.h"
#include "made-trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG (2 * STINGY_CENSUS_FEW_TURNS) /* turns that are not soon any more */

static char path[] = "/tmp/stingy-replay.XXXXXX";

/* A trace of a program with one event loop; all chains are of one frame below it, and each is a unit. */
struct replayed {
	struct made_trace made;
	uint32_t wait, a, b; /* chains: the wait, an allocation in read_it, one in write_it */
	uint32_t read_frame;
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_stages stages;
	struct stingy_input input;
	struct stingy_census census;
	uint32_t itself[3];
	bool b_is_unmanaged;
};

static int begin(void **state)
{
	static struct replayed replayed;
	struct made_trace *made = &replayed.made;
	struct stingy_rule end_rule = {.base = STINGY_RULE_END};
	uint32_t frame[3], main_frame;

	memset(&replayed, 0, sizeof(replayed));
	made_init(made);
	main_frame = made_frame_rule(made, 0x1000, 0x1010, "main", end_rule);
	frame[0] = made_frame(made, 0x2000, 0x2010, "loop");
	frame[1] = frame[2] = main_frame;
	replayed.wait = made_chain(made, 2, frame);
	frame[1] = made_frame(made, 0x2000, 0x2020, "loop");
	frame[0] = replayed.read_frame = made_frame(made, 0x3000, 0x3010, "read_it");
	replayed.a = made_chain(made, 3, frame);
	frame[0] = made_frame(made, 0x4000, 0x4010, "write_it");
	replayed.b = made_chain(made, 3, frame);
	*state = &replayed;
	return 0;
}

static int end(void **state)
{
	struct replayed *replayed = *state;

	stingy_census_fini(&replayed->census);
	stingy_input_fini(&replayed->input);
	stingy_stages_fini(&replayed->stages);
	stingy_chains_fini(&replayed->chains);
	stingy_places_fini(&replayed->places);
	made_fini(&replayed->made);
	return 0;
}

static void survey(struct replayed *replayed)
{
	made_save(&replayed->made, path, replayed->made.size);
	stingy_places_init(&replayed->places);
	stingy_chains_init(&replayed->chains);
	stingy_stages_init(&replayed->stages);
	assert_int_equal(stingy_input_init(&replayed->input, path, &replayed->places, &replayed->chains), 0);
	assert_null(replayed->input.damage);
}

static void take_census(struct replayed *replayed)
{
	for (size_t i = 0; i < replayed->input.n_pairs; i++)
		stingy_stages_note(&replayed->stages, &replayed->places, &replayed->chains,
				   replayed->input.pair[i].wait, replayed->input.pair[i].chain);
	for (size_t i = 0; i < replayed->input.n_announced; i++)
		stingy_stages_add(&replayed->stages, &replayed->places.place[replayed->input.announced[i]]);
	stingy_stages_settle(&replayed->stages, &replayed->places);
	for (uint32_t i = 0; i < 3; i++)
		replayed->itself[i] = i == replayed->b && replayed->b_is_unmanaged ? STINGY_NO_UNIT : i;
	stingy_census_init(&replayed->census, 3, replayed->itself, replayed->stages.n_stages, true);
	stingy_replay(&replayed->input, &replayed->places, &replayed->stages, &replayed->census);
}

/* A trace that ends while the program serves. */
static void replay(struct replayed *replayed)
{
	made_wait(&replayed->made, replayed->wait);
	survey(replayed);
	take_census(replayed);
}

static void turn(struct replayed *replayed, uint64_t fd)
{
	made_wait(&replayed->made, replayed->wait);
	made_turn(&replayed->made, fd);
}

static const struct stingy_unit *unit(const struct replayed *replayed, uint32_t chain)
{
	return &replayed->census.unit[replayed->input.chain[chain]];
}

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

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_the_first_wait_is_set_up),
		TEST(ends_are_told_apart),
		TEST(open_tasks_are_no_evidence),
		TEST(realloc_ends_one_and_begins_another),
		TEST(an_address_used_again_has_ended),
		TEST(stages_have_what_is_live_and_what_they_need),
		TEST(announced_stages_and_tasks_go_first),
		TEST(order_and_company_are_seen),
		TEST(one_odd_run_does_not_set_the_need),
		TEST(realloc_begins_a_run_before_it_ends_an_object),
		TEST(an_address_that_is_used_by_others_has_ended),
		TEST(what_is_freed_at_the_end_was_left),
		TEST(an_announced_end_is_served_to),
		TEST(without_any_end_all_counts),
		TEST(what_comes_after_the_survey_is_not_read),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
