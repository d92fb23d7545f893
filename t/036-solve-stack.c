/* How much of the cache slab the main thread's stack gets: by the traces' measurements, or by the user's word. */
#include "made-server.h"

#define MAIN_THREAD 41u

static struct stingy_solve_options options(void)
{
	return (struct stingy_solve_options){
		.cache = {.size = 64u << 10, .ways = 8, .line = 64}, .share = 1000000, .min_share = 100};
}

/* A server that has served, in its main thread. */
static void make_served(struct server *server)
{
	make_server(server);
	((struct stingy_trace_header *)server->made.data)->pid = MAIN_THREAD;
	made_fd(&server->made, STINGY_TRACE_THREAD, MAIN_THREAD);
	serve_many(server, 6);
}

/* Turns of which the stack was measured, n of them. */
static void measure(struct server *server, unsigned n, uint64_t used, uint64_t depth)
{
	while (n--) {
		made_turn(&server->made, 3);
		made_stack(&server->made, used, depth);
		made_wait(&server->made, server->wait);
	}
}

static void save(struct server *server, const char *path)
{
	made_save(&server->made, path, server->made.size);
	made_fini(&server->made);
}

static void stack_of(const struct stingy_solve_options *wanted, uint32_t n, const char *const *paths, uint64_t runs,
		     uint32_t stack)
{
	struct stingy_solve solver;
	char text[32], *manifest;

	solve_with(&solver, wanted, n, paths);
	assert_int_equal(solver.stack_runs, runs);
	assert_int_equal(solver.plan.slab.stack, stack);
	manifest = manifest_of(&solver);
	snprintf(text, sizeof(text), " stack=%u\n", stack);
	assert_int_equal(strstr(manifest, text) != NULL, stack != 0);
	free(manifest);
	stingy_solve_fini(&solver);
}

/* What the turn uses comes on top of where the scheduler is; one run of a hundred may go deeper. */
static void it_is_what_was_measured(void **state)
{
	struct stingy_solve_options wanted = options();
	const char *path = path_of("a.trace");
	struct server server;

	(void)state;
	make_served(&server);
	measure(&server, 99, 3000, 2000);
	measure(&server, 1, 20000, 2000);
	save(&server, path);
	stack_of(&wanted, 1, &path, 100, 0);
	wanted.stack_measured = true;
	stack_of(&wanted, 1, &path, 100, 5 << 10);
}

static void the_user_goes_first(void **state)
{
	struct stingy_solve_options wanted = options();
	const char *path = path_of("a.trace");
	struct server server;

	(void)state;
	make_served(&server);
	measure(&server, 10, 3000, 2000);
	save(&server, path);
	wanted.stack = 8 << 10;
	stack_of(&wanted, 1, &path, 10, 8 << 10);
}

/* A worker's is its own: it is not at the place that the main thread's gets. */
static void other_threads_do_not_count(void **state)
{
	struct stingy_solve_options wanted = options();
	const char *path = path_of("a.trace");
	struct server server;

	(void)state;
	make_served(&server);
	made_fd(&server.made, STINGY_TRACE_THREAD, MAIN_THREAD + 1);
	made_wait(&server.made, server.wait);
	measure(&server, 10, 3000, 2000);
	save(&server, path);
	wanted.stack_measured = true;
	stack_of(&wanted, 1, &path, 0, 0);
}

static void the_process_that_goes_deepest_counts(void **state)
{
	const char *path[] = {path_of("a.trace"), path_of("b.trace")};
	struct stingy_solve_options wanted = options();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct server server;

		make_served(&server);
		measure(&server, 50, i ? 6000 : 3000, 2000);
		save(&server, path[i]);
	}
	wanted.stack_measured = true;
	stack_of(&wanted, 2, path, 100, 8 << 10);
}

/* A damaged trace may tell anything; a stack that leaves nothing is refused. */
static void more_than_there_is_is_refused(void **state)
{
	struct stingy_solve_options wanted = options();
	const char *path = path_of("a.trace");
	struct stingy_solve solver;
	struct server server;

	(void)state;
	make_served(&server);
	measure(&server, 10, UINT64_MAX - 1000, 2000);
	save(&server, path);
	wanted.stack_measured = true;
	stingy_solve_init(&solver, &wanted);
	assert_int_equal(stingy_solve_run(&solver, &path, 1), -1);
	assert_string_equal(solver.error, "a stack of 268435456 bytes takes all of the cache slab, which has 65536");
	stingy_solve_fini(&solver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_was_measured),       cmocka_unit_test(the_user_goes_first),
		cmocka_unit_test(other_threads_do_not_count),    cmocka_unit_test(the_process_that_goes_deepest_counts),
		cmocka_unit_test(more_than_there_is_is_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
