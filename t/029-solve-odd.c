/* From odd trace files to a manifest, or to a reason why there is none: damage, odd requests, more than it can hold. */
#include "made-server.h"

/* Whatever the cut, there is a whole manifest or a reason in one line. */
static void every_truncation_is_survived(void **state)
{
	const char *path = path_of("a.trace");
	struct server server;
	size_t n_solved = 0;

	(void)state;
	make_server(&server);
	serve_many(&server, 6);
	for (size_t size = 0; size <= server.made.size; size++) {
		struct stingy_manifest_counts counts;
		struct stingy_solve solver;

		made_save(&server.made, path, size);
		if (solve(&solver, 1, &path) == 0) {
			char *text = manifest_of(&solver);

			read_back(text, &counts);
			free(text);
			n_solved++;
		} else {
			assert_true(strlen(solver.error) > 0);
			assert_null(strchr(solver.error, '\n'));
		}
		stingy_solve_fini(&solver);
	}
	assert_true(n_solved > server.made.size / 4);
	assert_true(n_solved < server.made.size);
	made_fini(&server.made);
}

/* A program with nothing worth managing is left alone by a manifest of no sites; but a trace that was cut tells
 * nothing. */
static void nothing_to_manage_is_a_manifest_too(void **state)
{
	const char *path = path_of("a.trace");
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	struct server server;
	char *text;

	(void)state;
	make_server(&server);
	for (uint64_t i = 0; i < 100; i++) {
		made_wait(&server.made, server.wait);
		made_turn(&server.made, 3);
		made_alloc(&server.made, server.cached, 512, i << 12);
	}
	made_wait(&server.made, server.wait);
	made_save(&server.made, path, server.made.size);
	if (solve(&solver, 1, &path) < 0)
		fail_msg("%s", solver.error);
	assert_non_null(solver.nothing);
	text = manifest_of(&solver);
	read_back(text, &counts);
	assert_non_null(strstr(text, "# nothing to manage: no object"));
	assert_int_equal(counts.modules, 1);
	assert_int_equal(counts.regions + counts.kinds + counts.sites + counts.stages, 0);
	free(text);
	stingy_solve_fini(&solver);
	made_save(&server.made, path, server.made.size - 1);
	assert_int_equal(solve(&solver, 1, &path), -1);
	assert_non_null(strstr(solver.error, "cut off at byte"));
	assert_non_null(strstr(solver.error, "nothing to manage"));
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

/* One request of many allocates 20,000 objects at once: no kind is left out for that. */
static void one_odd_request_throws_no_kind_out(void **state)
{
	const char *path = path_of("a.trace");
	struct stingy_solve solver;
	struct server server;

	(void)state;
	make_server(&server);
	serve_many(&server, 200);
	made_turn(&server.made, 5);
	for (uint64_t i = 1; i <= 20000; i++)
		made_alloc(&server.made, server.request, 1024, i << 32);
	for (uint64_t i = 1; i <= 20000; i++)
		made_free(&server.made, i << 32);
	serve_many(&server, 200);
	made_save(&server.made, path, server.made.size);
	if (solve(&solver, 1, &path) < 0)
		fail_msg("%s", solver.error);
	assert_int_equal(solver.model.problem.n_kinds, 3);
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

/* Replies are always made beside a request where the task is known; where it is not, nobody knows. */
static void what_is_often_of_no_task_is_in_no_order(void **state)
{
	const char *path = path_of("a.trace");
	const struct stingy_problem *problem;
	struct stingy_solve solver;
	struct server server;

	(void)state;
	make_server(&server);
	serve_many(&server, 40);
	for (unsigned i = 0; i < 40; i++) {
		made_wait(&server.made, server.wait);
		made_turn(&server.made, UINT64_MAX);
		made_alloc(&server.made, server.reply, 2048, 0x1000);
		made_free(&server.made, 0x1000);
	}
	made_wait(&server.made, server.wait);
	made_save(&server.made, path, server.made.size);
	if (solve(&solver, 1, &path) < 0)
		fail_msg("%s", solver.error);
	problem = &solver.model.problem;
	assert_int_equal(problem->n_kinds, 3);
	assert_true(problem->n_orders > 0);
	for (uint32_t i = 0; i < problem->n_orders; i++)
		assert_string_not_equal(problem->kind[problem->order[i].less].name, "answer_it");
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

#define SITES  320u /* of one stage: more than a manifest can tell of it */
#define SIZES  64u
#define ROUNDS 4u

/* All is allocated in the first stage; groups of 64 sizes live on for 1, 2 and more stages. */
static void make_many_kinds(struct made_trace *made)
{
	uint32_t stage[SITES / SIZES + 1], chain[SITES];

	made_init(made);
	for (uint32_t i = 0; i <= SITES / SIZES; i++)
		stage[i] = made_frame(made, 0x1000 * (i + 1), 0x1000 * (i + 1), "stage");
	for (uint32_t i = 0; i < SITES; i++) {
		uint32_t frame = made_frame(made, 0x10000 + 0x100 * i, 0x10010 + 0x100 * i, "site");

		chain[i] = made_chain(made, 1, &frame);
	}
	for (uint64_t task = 1; task <= ROUNDS; task++) {
		for (uint32_t at = 0; at <= SITES / SIZES; at++) {
			made_stage(made, stage[at], task);
			for (uint32_t i = 0; at == 0 && i < SITES; i++)
				made_alloc(made, chain[i], 16 * (1 + i % SIZES), (i + 1) << 12);
			for (uint32_t i = 0; at > 0 && i < SIZES; i++)
				made_free(made, ((at - 1) * SIZES + i + 1) << 12);
			made_stage_end(made);
		}
		made_fd(made, STINGY_TRACE_TASK_END, task);
	}
	made_stage(made, stage[0], ROUNDS + 1);
	made_stage_end(made);
}

static void what_a_manifest_cannot_hold_is_told(void **state)
{
	static const struct stingy_solve_options options = {
		.cache = {.size = 4 << 20, .ways = 8, .line = 64}, .share = 500000, .min_share = 100};
	const char *path = path_of("a.trace");
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	struct made_trace made;
	char *text;

	(void)state;
	make_many_kinds(&made);
	made_save(&made, path, made.size);
	stingy_solve_init(&solver, &options);
	if (stingy_solve_run(&solver, &path, 1) < 0)
		fail_msg("%s", solver.error);
	assert_int_equal(solver.model.problem.n_kinds, SITES);
	assert_int_equal(solver.model.n_allocates_cut, SITES - STINGY_ALLOCATES_MAX);
	text = manifest_of(&solver);
	read_back(text, &counts);
	assert_int_equal(counts.kinds, SITES);
	free(text);
	stingy_solve_fini(&solver);
	made_fini(&made);
}

static void what_never_serves_is_refused(void **state)
{
	const char *path = path_of("a.trace"), *missing = path_of("missing.trace");
	struct stingy_solve solver;
	struct server server;

	(void)state;
	make_server(&server);
	made_save(&server.made, path, server.made.size);
	assert_int_equal(solve(&solver, 1, &path), -1);
	assert_non_null(strstr(solver.error, "no event loop was seen"));
	stingy_solve_fini(&solver);
	assert_int_equal(solve(&solver, 1, &missing), -1);
	assert_non_null(strstr(solver.error, "cannot open"));
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(nothing_to_manage_is_a_manifest_too),
		cmocka_unit_test(one_odd_request_throws_no_kind_out),
		cmocka_unit_test(what_is_often_of_no_task_is_in_no_order),
		cmocka_unit_test(what_a_manifest_cannot_hold_is_told),
		cmocka_unit_test(what_never_serves_is_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
