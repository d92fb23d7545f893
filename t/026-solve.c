/* From trace files to the manifest: the paper's example, what is managed and what is not, and determinism. */
#include "made-server.h"

#define TASKS 10u

/* Five stages that the program announces, for tasks that go from stage to stage together. */
static void make_figure_2(struct made_trace *made)
{
	uint32_t frame[6], o1, o2;

	made_init(made);
	for (uint32_t i = 1; i <= 5; i++) {
		char name[] = {'s', (char)('0' + i), 0};

		frame[i] = made_frame(made, i * 0x1000, i * 0x1000, name);
	}
	frame[0] = made_frame(made, 0x1000, 0x1010, "O2");
	o2 = made_chain(made, 1, frame);
	frame[0] = made_frame(made, 0x2000, 0x2010, "O1");
	o1 = made_chain(made, 1, frame);
	for (uint64_t stage = 1; stage <= 5; stage++) {
		for (uint64_t task = 1; task <= TASKS; task++) {
			made_stage(made, frame[stage], task);
			if (stage == 1)
				made_alloc(made, o2, SIZE, task << 20);
			if (stage == 2)
				made_alloc(made, o1, SIZE, task << 20 | SIZE);
			if (stage == 3)
				made_free(made, task << 20);
			if (stage == 3)
				made_free(made, task << 20 | SIZE);
			made_stage_end(made);
			if (stage == 5)
				made_fd(made, STINGY_TRACE_TASK_END, task);
		}
	}
}

static void figure_2_gives_the_papers_constraints_and_solution(void **state)
{
	static const char expected[] = "tau = 28672\n"
				       "stage s1: 4096 <= tau\n"
				       "stage s2: 4096*n_O2 + 4096 <= tau\n"
				       "stage s3: 4096*n_O2 + 4096*n_O1 <= tau\n"
				       "order: n_O2 >= n_O1\n";
	const char *path = path_of("a.trace");
	struct stingy_solve solver;
	struct made_trace made;
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	make_figure_2(&made);
	made_save(&made, path, made.size);
	if (solve(&solver, 1, &path) < 0)
		fail_msg("%s", solver.error);
	stingy_problem_print(&solver.model.problem, out);
	fclose(out);
	text[sizeof(expected) - 1] = '\0';
	assert_string_equal(text, expected);
	assert_string_equal(solver.model.problem.kind[0].name, "O2");
	assert_int_equal(solver.n[0], 4);
	assert_int_equal(solver.n[1], 3);
	assert_int_equal(solver.plan.slab.size, 7 * SIZE);
	/* Ten tasks come to each stage together: that is more than there are slots. */
	assert_int_equal(solver.served, 4 + 3);
	stingy_solve_fini(&solver);
	made_fini(&made);
}

static bool is_managed(const struct stingy_solve *solver, const char *name)
{
	return solver->kinds.kind_of[find_chain(solver, name)] != STINGY_NO_UNIT;
}

static void only_what_ends_with_its_task_is_managed(void **state)
{
	const char *path = path_of("a.trace");
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	struct server server;
	char *text;

	(void)state;
	make_server(&server);
	serve_many(&server, 50);
	made_save(&server.made, path, server.made.size);
	if (solve(&solver, 1, &path) < 0)
		fail_msg("%s", solver.error);
	assert_true(is_managed(&solver, "accept_it"));
	assert_true(is_managed(&solver, "serve_it"));
	assert_true(is_managed(&solver, "answer_it"));
	assert_false(is_managed(&solver, "configure"));
	assert_false(is_managed(&solver, "cache_it"));
	assert_int_equal(solver.census.serving, 50 + 150 + 150 + 50);
	assert_int_equal(solver.served, 50 + 150 + 150);
	text = manifest_of(&solver);
	read_back(text, &counts);
	assert_int_equal(counts.modules, 1);
	assert_int_equal(counts.kinds, 3);
	assert_int_equal(counts.sites, 3);
	assert_non_null(strstr(text, "name=serve_it"));
	assert_ptr_equal(strstr(text,
				"\n# For /made/program\n"
				"# from 1 trace: 51 tasks, 400 allocations while serving, 87.5% of them expected from "
				"the arena\n"),
			 strchr(text, '\n'));
	free(text);
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

static void the_order_of_traces_does_not_matter(void **state)
{
	const char *abc[] = {path_of("a.trace"), path_of("b.trace"), path_of("c.trace")};
	const char *cba[] = {abc[2], abc[1], abc[0], abc[1]}; /* one is named twice */
	char *first, *second, *third;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct server server;

		make_server(&server);
		serve_many(&server, 20 + 10 * i);
		made_save(&server.made, abc[i], server.made.size);
		made_fini(&server.made);
	}
	first = solve_to_text(3, abc);
	second = solve_to_text(4, cba);
	third = solve_to_text(3, abc);
	assert_string_equal(first, second);
	assert_string_equal(first, third);
	assert_non_null(strstr(first, "; 90 allocations"));
	free(first);
	free(second);
	free(third);
}

/* It is not the first trace that counts, nor the longest, but the program that serves most in all of its traces. */
static void traces_of_other_programs_are_passed_over(void **state)
{
	const char *all[] = {path_of("a.trace"), path_of("b.trace"), path_of("c.trace")};
	struct server server, other;
	char *alone, *together;

	(void)state;
	make_server(&other);
	made_module(&other.made, 0, 99, "/made/other");
	serve_many(&other, 30);
	made_save(&other.made, all[0], other.made.size);
	make_server(&server);
	serve_many(&server, 20);
	made_save(&server.made, all[1], server.made.size);
	made_save(&server.made, all[2], server.made.size);
	alone = solve_to_text(2, all + 1);
	together = solve_to_text(3, all);
	assert_string_equal(alone, together);
	free(alone);
	free(together);
	made_fini(&server.made);
	made_fini(&other.made);
}

/* The line of a manifest that begins so; NULL: there is none. Frees the manifest; the caller frees the line. */
static __attribute__((noinline)) char *line_of(char *text, const char *begin)
{
	char *line = NULL;
	const char *at = text;

	while (at && strncmp(at, begin, strlen(begin)) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (at)
		line = strndup(at, strcspn(at, "\n"));
	free(text);
	return line;
}

static char *schedule_of(struct stingy_solve *solver, const struct stingy_solve_options *options)
{
	const char *path = path_of("a.trace");

	solve_with(solver, options, 1, &path);
	return line_of(manifest_of(solver), "schedule ");
}

/* A cache of so many times 4 KiB. */
static struct stingy_solve_options cache_of(uint32_t objects)
{
	return (struct stingy_solve_options){
		.cache = {.size = objects * SIZE, .ways = 1, .line = 64}, .share = 1000000, .min_share = 100};
}

static void a_schedule_is_expected_to_gain_where_more_may_come_than_fit(void **state)
{
	struct stingy_solve_options options = cache_of(64);
	struct stingy_solve solver;
	struct server server;
	char *line, wanted[64];

	(void)state;
	make_server(&server);
	serve_many(&server, 50);
	made_save(&server.made, path_of("a.trace"), server.made.size);
	line = schedule_of(&solver, &options);
	assert_non_null(line);
	assert_true(solver.schedule.is_wanted);
	assert_null(solver.schedule.why_not);
	assert_int_equal(solver.schedule.fit, solver.source.tau / solver.schedule.bytes);
	/* Of 51 tasks one only listens; what they leave in a cache counts, too, as long as nobody knows better. */
	assert_int_equal(solver.schedule.bytes,
			 (256 * 98 / 100) + (1024 * 98 / 100) + (2048 * 98 / 100) + 512 * 98 / 100);
	snprintf(wanted, sizeof(wanted), "schedule auto tasks=%u takes=", solver.schedule.fit);
	assert_memory_equal(line, wanted, strlen(wanted));
	free(line);
	stingy_solve_fini(&solver);
	options = cache_of(16 * STINGY_SCHEDULE_CROWD);
	line = schedule_of(&solver, &options);
	assert_null(line);
	assert_true(solver.schedule.fit >= STINGY_SCHEDULE_CROWD);
	assert_string_equal(solver.schedule.why_not, "all of them fit");
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

static void the_user_has_the_last_word_on_the_schedule(void **state)
{
	struct stingy_solve_options options = cache_of(64);
	struct stingy_solve solver;
	struct server server;
	char *line;

	(void)state;
	make_server(&server);
	serve_many(&server, 50);
	made_save(&server.made, path_of("a.trace"), server.made.size);
	options.schedule.wish = STINGY_SCHEDULE_OFF;
	line = schedule_of(&solver, &options);
	assert_null(line);
	stingy_solve_fini(&solver);
	options.schedule = (struct stingy_schedule_options){STINGY_SCHEDULE_FIXED, 9};
	line = schedule_of(&solver, &options);
	assert_non_null(line);
	assert_memory_equal(line, "schedule fixed tasks=9 ", 23);
	stingy_solve_fini(&solver);
	free(line);
	options = cache_of(16 * STINGY_SCHEDULE_CROWD);
	options.schedule.wish = STINGY_SCHEDULE_AUTO;
	line = schedule_of(&solver, &options);
	assert_non_null(line);
	assert_memory_equal(line, "schedule auto tasks=", 20);
	free(line);
	stingy_solve_fini(&solver);
	made_fini(&server.made);
}

/* So many connections at once, that keep an object each, and have so many requests. */
static void make_crowd(struct server *server, uint64_t connections, unsigned requests)
{
	struct made_trace *made = &server->made;

	make_server(server);
	for (uint64_t fd = 5; fd < 5 + connections; fd++) {
		made_wait(made, server->wait);
		made_turn(made, 3);
		made_fd(made, STINGY_TRACE_ACCEPT, fd);
		made_alloc(made, server->connection, 256, fd << 24);
	}
	for (uint64_t i = 0; i < connections * requests; i++) {
		uint64_t fd = 5 + i % connections;

		made_wait(made, server->wait);
		made_turn(made, fd);
		made_request(made, fd);
		made_alloc(made, server->request, 1024, fd << 24 | 0x1000);
		made_free(made, fd << 24 | 0x1000);
	}
	for (uint64_t fd = 5; fd < 5 + connections; fd++) {
		made_wait(made, server->wait);
		made_turn(made, fd);
		made_fd(made, STINGY_TRACE_CLOSE, fd);
		made_free(made, fd << 24);
	}
	made_save(made, path_of("a.trace"), made->size);
	made_fini(made);
}

/* Whether what connections keep has a region, under such a schedule, in a cache of 64 times 4 KiB. */
static bool has_place(enum stingy_schedule_wish wish, uint64_t connections, unsigned requests)
{
	struct stingy_solve_options options = cache_of(64);
	struct stingy_solve solver;
	struct server server;
	const char *path = path_of("a.trace");
	enum stingy_left_out connection, request;

	make_crowd(&server, connections, requests);
	options.schedule.wish = wish;
	solve_with(&solver, &options, 1, &path);
	connection = solver.model.left_out[solver.kinds.kind_of[find_chain(&solver, "accept_it")]];
	request = solver.model.left_out[solver.kinds.kind_of[find_chain(&solver, "serve_it")]];
	stingy_solve_fini(&solver);
	assert_int_equal(request, STINGY_KEPT);
	assert_true(connection == STINGY_KEPT || connection == STINGY_LEFT_OUT_KEPT);
	return connection == STINGY_KEPT;
}

static void an_ordered_server_has_no_regions_for_what_too_many_connections_keep(void **state)
{
	(void)state;
	assert_true(has_place(STINGY_SCHEDULE_OFF, 2500, 3));
	assert_false(has_place(STINGY_SCHEDULE_AUTO, 2500, 3));
	assert_true(has_place(STINGY_SCHEDULE_AUTO, 200, 3));  /* they fit */
	assert_true(has_place(STINGY_SCHEDULE_AUTO, 2500, 1)); /* one has hardly more than one request */
}

/* The plan's region for what so many connections keep, with a high slab of at most that; slot 0: it has none. */
static struct stingy_manifest_region kept_region(uint64_t connections, uint32_t high)
{
	struct stingy_solve_options options = cache_of(64);
	struct stingy_manifest_region region = {.slot = 0};
	const char *path = path_of("a.trace");
	struct stingy_solve solver;
	struct server server;
	uint32_t kind;

	make_crowd(&server, connections, 3);
	options.high = high;
	solve_with(&solver, &options, 1, &path);
	kind = solver.kinds.kind_of[find_chain(&solver, "accept_it")];
	if (stingy_plan_has(&solver.plan, kind)) {
		const struct stingy_plan_kind *planned = &solver.plan.kind[solver.plan.number[kind]];

		region = solver.plan.region[planned->region];
		assert_int_equal(solver.model.left_out[kind], STINGY_LEFT_OUT_KEPT);
		assert_true(stingy_plan_is_high(&solver.plan, planned->region));
		assert_non_null(strstr(stingy_solve_decision(&solver, kind), "in the high slab"));
		assert_int_equal(planned->high, UINT32_MAX);
		assert_int_equal(planned->n, region.count);
		assert_true(region.offset + region.slot * region.count <=
			    stingy_manifest_high(&solver.plan.slab) + solver.plan.slab.high);
	}
	assert_true(solver.plan.slab.high <= high);
	stingy_solve_fini(&solver);
	return region;
}

static void what_too_many_connections_keep_is_in_the_high_slab(void **state)
{
	const uint32_t slot = kept_region(2500, 64 << 20).slot;

	(void)state;
	assert_int_not_equal(slot, 0);
	/* For four times as many: STINGY_PLAN_CROWD connections, with head room. */
	assert_in_range(kept_region(2500, 64 << 20).count, 12450, 12500);
	assert_int_equal(kept_region(2500, 3125 * slot / 1024 * 1024 + 1024).count, 3125); /* no more than they need */
	assert_int_equal(kept_region(2500, 64 << 10).count, (64 << 10) / slot);            /* as many as fit */
	assert_int_equal(kept_region(2500, 0).slot, 0);
}

/* Stages that a program announces may be those of anything. */
static void what_accepts_no_connections_has_no_schedule(void **state)
{
	struct stingy_solve_options options = cache_of(7);
	struct stingy_solve solver;
	struct made_trace made;

	(void)state;
	make_figure_2(&made);
	made_save(&made, path_of("a.trace"), made.size);
	assert_null(schedule_of(&solver, &options));
	assert_non_null(strstr(solver.schedule.why_not, "no loop"));
	assert_in_range(solver.schedule.bytes, 2 * SIZE, 2 * SIZE);
	stingy_solve_fini(&solver);
	made_fini(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_2_gives_the_papers_constraints_and_solution),
		cmocka_unit_test(only_what_ends_with_its_task_is_managed),
		cmocka_unit_test(the_order_of_traces_does_not_matter),
		cmocka_unit_test(traces_of_other_programs_are_passed_over),
		cmocka_unit_test(a_schedule_is_expected_to_gain_where_more_may_come_than_fit),
		cmocka_unit_test(the_user_has_the_last_word_on_the_schedule),
		cmocka_unit_test(an_ordered_server_has_no_regions_for_what_too_many_connections_keep),
		cmocka_unit_test(what_too_many_connections_keep_is_in_the_high_slab),
		cmocka_unit_test(what_accepts_no_connections_has_no_schedule),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
