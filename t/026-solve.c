/* From trace files to the manifest: the paper's example, what is managed and what is not, damage, and determinism. */
#include "../solver/solve.h"
#include "../solver/writer.h"
#include "made-trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE  4096u
#define TASKS 10u

static char directory[] = "/tmp/stingy-solve.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][64];
	static unsigned next;
	char *mine = path[next++ % 4];

	snprintf(mine, sizeof(*path), "%s/%s", directory, name);
	return mine;
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"a.trace", "b.trace", "c.trace"};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

/* The whole way; the cache holds exactly seven objects. */
static int solve(struct stingy_solve *solver, uint32_t n, const char *const *paths)
{
	static const struct stingy_solve_options options = {
		.cache = {.size = 7 * SIZE, .ways = 7, .line = 64}, .share = 1000000, .min_share = 100};

	stingy_solve_init(solver, &options);
	return stingy_solve_run(solver, paths, n);
}

static char *manifest_of(const struct stingy_solve *solver)
{
	struct stingy_writer_source source = {.from = &solver->source, .model = &solver->model};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	source.layout = &solver->layout;
	source.cache = &solver->options->cache;
	source.program = solver->program;
	source.n_traces = solver->n_used;
	source.served = solver->served;
	source.nothing = solver->nothing;
	stingy_writer_write(&source, out);
	fclose(out);
	return text;
}

/* The manifest of the traces at the paths; the caller frees it. */
static char *solve_to_text(uint32_t n, const char *const *paths)
{
	struct stingy_solve solver;
	char *text;

	if (solve(&solver, n, paths) < 0)
		fail_msg("%s", solver.error);
	text = manifest_of(&solver);
	stingy_solve_fini(&solver);
	return text;
}

#define REGIONS 400u

struct regions {
	uint32_t count[REGIONS];  /* by region: slots */
	uint32_t region[REGIONS]; /* by kind */
};

/* A region that is too small for one run of a stage would make StingyDynCheck refuse the stage for ever. */
static void check_fit(struct regions *regions, const struct stingy_manifest_record *record)
{
	uint32_t need[REGIONS] = {0};

	assert_true(record->type == STINGY_MANIFEST_SITE || record->number < REGIONS);
	if (record->type == STINGY_MANIFEST_REGION)
		regions->count[record->number] = record->region.count;
	if (record->type == STINGY_MANIFEST_KIND)
		regions->region[record->number] = record->kind.region;
	if (record->type != STINGY_MANIFEST_STAGE)
		return;
	for (uint32_t i = 0; i < record->stage.n_allocates; i++) {
		uint32_t region = regions->region[record->stage.allocates[i].kind];

		need[region] += record->stage.allocates[i].count;
		assert_true(need[region] <= regions->count[region]);
	}
}

static void read_back(const char *text, struct stingy_manifest_counts *counts)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	struct regions regions = {{0}, {0}};
	int more;

	stingy_manifest_reader_init(&reader, text, strlen(text));
	while ((more = stingy_manifest_next(&reader, &record)) == 1)
		check_fit(&regions, &record);
	if (more < 0)
		fail_msg("line %u: %s", reader.line, reader.error);
	*counts = reader.counts;
}

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
	assert_int_equal(solver.layout.used, 7 * SIZE);
	/* Ten tasks come to each stage together: that is more than there are slots. */
	assert_int_equal(solver.served, 4 + 3);
	stingy_solve_fini(&solver);
	made_fini(&made);
}

/* What a made server's chains are called in the tests below. */
struct server {
	struct made_trace made;
	uint32_t wait, set_up, connection, request, reply, cached;
};

static uint32_t add_chain(struct made_trace *made, uint64_t function, const char *name, const uint32_t *outer)
{
	uint32_t frame[3] = {made_frame(made, function, function + 0x10, name), outer[0], outer[1]};

	return made_chain(made, 3, frame);
}

/* The event loop calls accept_it and serve_it; everything is called by main. */
static void make_server(struct server *server)
{
	struct made_trace *made = &server->made;
	struct stingy_rule end = {.base = STINGY_RULE_END};
	uint32_t main_frame, loop[2], set_up[2], wait[2];

	made_init(made);
	main_frame = made_frame_rule(made, 0x1000, 0x1010, "main", end);
	loop[0] = made_frame(made, 0x2000, 0x2010, "loop");
	loop[1] = set_up[1] = wait[1] = main_frame;
	wait[0] = made_frame(made, 0x2000, 0x2020, "loop");
	set_up[0] = made_frame(made, 0x3000, 0x3010, "init");
	server->wait = made_chain(made, 2, wait);
	server->set_up = add_chain(made, 0x4000, "configure", set_up);
	server->connection = add_chain(made, 0x5000, "accept_it", loop);
	server->request = add_chain(made, 0x6000, "serve_it", loop);
	server->reply = add_chain(made, 0x6800, "answer_it", loop);
	server->cached = add_chain(made, 0x7000, "cache_it", loop);
	for (uint64_t i = 0; i < 10; i++)
		made_alloc(made, server->set_up, 64, 0x100000 + i * 64);
}

/* A kept-alive connection of some requests, each of one turn in which a request and a reply live; one is cached. */
static void serve(struct server *server, uint64_t fd, unsigned requests)
{
	struct made_trace *made = &server->made;
	uint64_t base = (fd << 24) + made->time;

	made_wait(made, server->wait);
	made_turn(made, 3);
	made_fd(made, STINGY_TRACE_ACCEPT, fd);
	made_alloc(made, server->connection, 256, base);
	for (unsigned i = 0; i < requests; i++) {
		made_wait(made, server->wait);
		made_turn(made, fd);
		made_alloc(made, server->request, 1024, base + 0x1000);
		made_alloc(made, server->reply, 2048, base + 0x2000);
		made_free(made, base + 0x2000);
		made_free(made, base + 0x1000);
	}
	made_alloc(made, server->cached, 512, base + 0x3000);
	made_fd(made, STINGY_TRACE_CLOSE, fd);
	made_free(made, base);
}

static void serve_many(struct server *server, unsigned connections)
{
	/* Inherited from before a fork: this process never saw it begin. */
	made_free(&server->made, 0xdead0000);
	for (unsigned i = 0; i < connections; i++)
		serve(server, 5 + i % 3, 3);
	made_wait(&server->made, server->wait);
}

/* The class of the chain whose innermost frame is of that name. */
static uint32_t find_chain(const struct stingy_solve *solver, const char *name)
{
	for (uint32_t i = 0; i < solver->chains.n_chains; i++) {
		const char *mine = solver->places.place[solver->chains.chain[i].place[0]].name;

		if (mine && strcmp(mine, name) == 0)
			return i;
	}
	fail_msg("no chain of %s", name);
	return 0;
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
	serve_many(&server, 20);
	for (unsigned i = 0; i < 20; i++) {
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
		cmocka_unit_test(figure_2_gives_the_papers_constraints_and_solution),
		cmocka_unit_test(only_what_ends_with_its_task_is_managed),
		cmocka_unit_test(the_order_of_traces_does_not_matter),
		cmocka_unit_test(traces_of_other_programs_are_passed_over),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(nothing_to_manage_is_a_manifest_too),
		cmocka_unit_test(one_odd_request_throws_no_kind_out),
		cmocka_unit_test(what_is_often_of_no_task_is_in_no_order),
		cmocka_unit_test(what_a_manifest_cannot_hold_is_told),
		cmocka_unit_test(what_never_serves_is_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
