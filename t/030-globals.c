/* Final global state: in regions of its own at the bottom of the slab, within its part, and not in the tasks' way. */
#include "../solver/globals.h"
#include "made-server.h"

#define POOL        3u /* objects: no more than tasks could hold */
#define CONNECTIONS 50u

static struct stingy_solve_options options_of(uint32_t size)
{
	return (struct stingy_solve_options){
		.cache = {.size = size, .ways = size / 1024, .line = 64}, .share = 1000000, .min_share = 100};
}

/* A server that keeps objects of its first turns for good, then has some connections; saved as a.trace. */
static const char *make_pool(uint64_t size, unsigned connections)
{
	const char *path = path_of("a.trace");
	struct server server;
	uint32_t frame[2], pool;

	make_server(&server);
	frame[0] = made_frame(&server.made, 0x2000, 0x2030, "loop");
	frame[1] = made_frame_rule(&server.made, 0x1000, 0x1010, "main", (struct stingy_rule){.base = STINGY_RULE_END});
	pool = add_chain(&server.made, 0x8000, "pool_it", frame);
	made_turn(&server.made, 3);
	for (uint64_t i = 1; i <= POOL; i++) {
		made_wait(&server.made, server.wait);
		made_turn(&server.made, 5);
		made_alloc(&server.made, pool, size, i << 12);
	}
	made_fd(&server.made, STINGY_TRACE_CLOSE, 5);
	for (unsigned i = 0; i <= STINGY_FATE_FEW_TURNS; i++)
		made_turn(&server.made, 3);
	serve_many(&server, connections);
	made_save(&server.made, path, server.made.size);
	made_fini(&server.made);
	return path;
}

static void globals_come_first_and_are_no_stages(void **state)
{
	struct stingy_solve_options options = options_of(7 * SIZE);
	const char *path = make_pool(200, CONNECTIONS);
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	char *text;

	(void)state;
	options.stack = 2048;
	solve_with(&solver, &options, 1, &path);
	assert_int_equal(solver.kinds.kind[solver.kinds.kind_of[find_chain(&solver, "pool_it")]].class,
			 STINGY_CLASS_FINAL);
	assert_string_equal(stingy_solve_decision(&solver, solver.kinds.kind_of[find_chain(&solver, "pool_it")]),
			    stingy_model_reason(STINGY_KEPT_GLOBAL));
	assert_int_equal(solver.globals.n_globals, 1);
	assert_int_equal(solver.model.problem.n_kinds, 3);
	assert_int_equal(solver.model.problem.tau, 7 * SIZE - 2048 - 1024);
	assert_int_equal(solver.served, POOL + CONNECTIONS + 3 * CONNECTIONS + 3 * CONNECTIONS);
	text = manifest_of(&solver);
	read_back(text, &counts);
	assert_int_equal(counts.kinds, 4);
	/* Three, and a quarter more. */
	assert_non_null(strstr(text, "\nregion 0 offset=2048 slot=208 count=4\nregion 1 offset=3072 "));
	assert_non_null(strstr(text,
			       "\n# global, final; 3 allocations at 1 site; at most 3 live, 3 in one task; n = 4\n"
			       "kind 0 region=0 size=208 name=pool_it\n"));
	assert_non_null(strstr(text, " allocates="));
	assert_null(strstr(text, " allocates=0")); /* the lowest number would be the first */
	free(text);
	stingy_solve_fini(&solver);
}

/* The per-task kinds take 8,704 bytes at their bounds. */
static void they_may_have_what_tasks_leave_and_no_more(void **state)
{
	struct stingy_solve_options enough = options_of(13 * 1024), scarce = options_of(8 * 1024);
	const char *path = make_pool(1024, CONNECTIONS);
	struct stingy_solve solver;
	uint32_t kind;

	(void)state;
	solve_with(&solver, &enough, 1, &path);
	assert_int_equal(solver.globals.bytes, 4096); /* more than an eighth */
	assert_int_equal(solver.model.problem.n_kinds, 3);
	stingy_solve_fini(&solver);
	solve_with(&solver, &scarce, 1, &path);
	assert_int_equal(solver.globals.n_globals, 0);
	assert_int_equal(solver.model.problem.n_kinds, 3);
	kind = solver.kinds.kind_of[find_chain(&solver, "pool_it")];
	assert_int_equal(solver.model.left_out[kind], STINGY_LEFT_OUT_GLOBAL);
	assert_int_equal(solver.plan.number[kind], STINGY_NO_UNIT);
	stingy_solve_fini(&solver);
}

static void they_are_worth_a_manifest_by_themselves(void **state)
{
	struct stingy_solve_options options = options_of(7 * SIZE);
	const char *path = make_pool(200, 0);
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	char *text;

	(void)state;
	solve_with(&solver, &options, 1, &path);
	assert_null(solver.nothing);
	assert_int_equal(solver.served, POOL);
	text = manifest_of(&solver);
	read_back(text, &counts);
	assert_int_equal(counts.regions, 1);
	assert_int_equal(counts.sites, 1);
	free(text);
	stingy_solve_fini(&solver);
}

static void large_ones_stay_outside(void **state)
{
	struct stingy_solve_options options = options_of(7 * SIZE);
	const char *path = make_pool(1025, CONNECTIONS);
	struct stingy_solve solver;

	(void)state;
	solve_with(&solver, &options, 1, &path);
	assert_int_equal(solver.kinds.kind_of[find_chain(&solver, "pool_it")], STINGY_NO_UNIT);
	stingy_solve_fini(&solver);
}

#define KINDS 4u

/* n objects of a final kind, made by each of two threads. */
static void keep(struct stingy_census *census, uint32_t kind, uint32_t n, uint64_t size)
{
	struct stingy_run run = {.stage = 0};

	for (uint32_t i = 0; i < 2 * n; i++) {
		struct stingy_object object = {.address = 16, .unit = kind, .serving = true};

		object.thread = (uint16_t)(i % 2);
		stingy_census_begin(census, &object, size, 1, &run);
	}
	stingy_run_fini(&run);
}

static void the_most_allocations_a_byte_go_first(void **state)
{
	static const uint32_t itself[KINDS] = {0, 1, 2, 3};
	struct stingy_kind kind[KINDS] = {{.class = STINGY_CLASS_FINAL},
					  {.class = STINGY_CLASS_FINAL},
					  {.class = STINGY_CLASS_PER_TASK},
					  {.class = STINGY_CLASS_FINAL}};
	struct stingy_kinds kinds = {.kind = kind, .n_kinds = KINDS};
	struct stingy_choices choices = {0};
	struct stingy_globals globals;
	struct stingy_census census;

	(void)state;
	stingy_choices_settle(&choices);
	stingy_census_init(&census, KINDS, itself, 1, true);
	keep(&census, 0, 8, 512); /* ten of them: 5 KiB */
	keep(&census, 1, 4, 1000);
	keep(&census, 2, 100, 16);
	keep(&census, 3, 50, 32); /* 63 of them: 2,016 bytes */
	stingy_globals_init(&globals, &census, &kinds, &choices, 7 * 1024);
	assert_int_equal(globals.n_globals, 2);
	assert_int_equal(globals.global[0].kind, 0);
	assert_int_equal(globals.global[0].count, 10);
	assert_int_equal(globals.global[1].kind, 3);
	assert_int_equal(globals.global[1].count, 63);
	assert_int_equal(globals.bytes, (5 + 2) * 1024);
	assert_true(stingy_globals_has(&globals, 3));
	assert_false(stingy_globals_has(&globals, 1));
	stingy_globals_fini(&globals);
	stingy_census_fini(&census);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globals_come_first_and_are_no_stages),
		cmocka_unit_test(they_may_have_what_tasks_leave_and_no_more),
		cmocka_unit_test(they_are_worth_a_manifest_by_themselves),
		cmocka_unit_test(large_ones_stay_outside),
		cmocka_unit_test(the_most_allocations_a_byte_go_first),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
