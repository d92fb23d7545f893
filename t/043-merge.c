/* Traces of several hosts: one program under several paths, and whose cache counts. */
#include "made-server.h"

/* A trace of a host with that cache, where the program lies at the path. */
static void make_host(const char *trace, const char *program, struct stingy_cache cache, unsigned connections)
{
	struct server server;

	make_server(&server);
	made_module(&server.made, 0, 1, program);
	((struct stingy_trace_header *)server.made.data)->cache = cache;
	serve_many(&server, connections);
	made_save(&server.made, trace, server.made.size);
	made_fini(&server.made);
}

static const struct stingy_cache large = {.size = 1 << 20, .ways = 16, .line = 64};
static const struct stingy_cache small = {.size = 1 << 19, .ways = 8, .line = 64};
static const struct stingy_cache none = {.size = 0};

static void solve_for(struct stingy_solve *solver, struct stingy_cache cache, struct stingy_cache here,
		      const char *const *paths)
{
	static struct stingy_solve_options options;

	options = (struct stingy_solve_options){.cache = cache, .here = here, .share = 1000000, .min_share = 100};
	solve_with(solver, &options, 2, paths);
}

static void assert_cache(const struct stingy_solve *solver, const struct stingy_cache *cache)
{
	assert_memory_equal(&solver->cache, cache, sizeof(*cache));
	assert_true(solver->plan.slab.size <= cache->size);
}

static void one_program_under_two_paths(void **state)
{
	const char *both[] = {path_of("a.trace"), path_of("b.trace")}, *swapped[] = {both[1], both[0]};
	struct stingy_manifest_counts counts;
	struct stingy_solve solver;
	char *text, *again;

	(void)state;
	make_host(both[0], "/b/program", large, 20);
	make_host(both[1], "/a/program", large, 30);
	solve_for(&solver, none, none, both);
	assert_int_equal(solver.n_used, 2);
	assert_int_equal(solver.census.tasks, 20 + 30 + 2); /* and the two that are open at the end: the listeners */
	assert_false(solver.caches_differ);
	assert_cache(&solver, &large);
	text = manifest_of(&solver);
	stingy_solve_fini(&solver);
	read_back(text, &counts);
	assert_int_equal(counts.modules, 1);
	assert_non_null(strstr(text, " path=/a/program\n"));
	solve_for(&solver, none, none, swapped);
	again = manifest_of(&solver);
	assert_string_equal(text, again);
	stingy_solve_fini(&solver);
	free(text);
	free(again);
}

static void the_smallest_cache_counts(void **state)
{
	const char *both[] = {path_of("a.trace"), path_of("b.trace")};
	struct stingy_solve solver;

	(void)state;
	make_host(both[0], "/srv/program", large, 20);
	make_host(both[1], "/srv/program", small, 20);
	solve_for(&solver, none, large, both);
	assert_cache(&solver, &small);
	assert_true(solver.caches_differ);
	stingy_solve_fini(&solver);
	solve_for(&solver, large, small, both); /* unless the user says which */
	assert_cache(&solver, &large);
	assert_false(solver.caches_differ);
	stingy_solve_fini(&solver);
}

static void traces_without_a_cache_take_this_machines(void **state)
{
	const char *both[] = {path_of("a.trace"), path_of("b.trace")};
	const struct stingy_cache odd = {.size = 1000, .ways = 3, .line = 7};
	struct stingy_solve_options options = {.share = 1000000, .min_share = 100};
	struct stingy_solve solver;

	(void)state;
	make_host(both[0], "/srv/program", none, 20);
	make_host(both[1], "/srv/program", odd, 20);
	solve_for(&solver, none, small, both);
	assert_cache(&solver, &small);
	assert_false(solver.caches_differ);
	stingy_solve_fini(&solver);
	stingy_solve_init(&solver, &options);
	assert_int_equal(stingy_solve_run(&solver, both, 2), -1);
	assert_non_null(strstr(solver.error, "give --cache"));
	stingy_solve_fini(&solver);
}

/* Another program's host has no say in it. */
static void the_cache_of_what_is_not_used_does_not_count(void **state)
{
	const char *both[] = {path_of("a.trace"), path_of("b.trace")};
	struct stingy_solve solver;
	struct server other;

	(void)state;
	make_host(both[0], "/srv/program", large, 20);
	make_server(&other);
	made_module(&other.made, 0, 99, "/srv/other");
	((struct stingy_trace_header *)other.made.data)->cache = small;
	serve_many(&other, 10);
	made_save(&other.made, both[1], other.made.size);
	made_fini(&other.made);
	solve_for(&solver, none, none, both);
	assert_int_equal(solver.n_used, 1);
	assert_cache(&solver, &large);
	assert_false(solver.caches_differ);
	stingy_solve_fini(&solver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_program_under_two_paths),
		cmocka_unit_test(the_smallest_cache_counts),
		cmocka_unit_test(traces_without_a_cache_take_this_machines),
		cmocka_unit_test(the_cache_of_what_is_not_used_does_not_count),
	};

	return cmocka_run_group_tests_name("merge", tests, make_directory, remove_directory);
}
