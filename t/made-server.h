/*
 * A made event-driven server, and the whole way from its traces to a manifest: for tests of the solver, each with a
 * directory of its own for three traces.
 */
#ifndef STINGY_MADE_SERVER_H
#define STINGY_MADE_SERVER_H

#include "../solver/compose.h"
#include "../solver/solve.h"
#include "made-trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 4096u /* bytes: seven of that fit the cache */

static char directory[] = "/tmp/stingy-made.XXXXXX";

static inline const char *path_of(const char *name)
{
	static char path[4][64];
	static unsigned next;
	char *mine = path[next++ % 4];

	snprintf(mine, sizeof(*path), "%s/%s", directory, name);
	return mine;
}

static inline int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	static const char *const names[] = {"a.trace", "b.trace", "c.trace"};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

static inline void solve_with(struct stingy_solve *solver, const struct stingy_solve_options *options, uint32_t n,
			      const char *const *paths)
{
	stingy_solve_init(solver, options);
	if (stingy_solve_run(solver, paths, n) < 0)
		fail_msg("%s", solver->error);
}

/* The whole way; the cache holds exactly seven objects. */
static inline int solve(struct stingy_solve *solver, uint32_t n, const char *const *paths)
{
	static const struct stingy_solve_options options = {
		.cache = {.size = 7 * SIZE, .ways = 7, .line = 64}, .share = 1000000, .min_share = 100};

	stingy_solve_init(solver, &options);
	return stingy_solve_run(solver, paths, n);
}

static inline char *manifest_of(const struct stingy_solve *solver)
{
	size_t size;

	return stingy_compose(solver, &size);
}

/* The manifest of the traces at the paths; the caller frees it. */
static inline char *solve_to_text(uint32_t n, const char *const *paths)
{
	struct stingy_solve solver;
	char *text;

	if (solve(&solver, n, paths) < 0)
		fail_msg("%s", solver.error);
	text = manifest_of(&solver);
	stingy_solve_fini(&solver);
	return text;
}

/* The chain whose innermost frame is of that name. */
static inline uint32_t find_chain(const struct stingy_solve *solver, const char *name)
{
	for (uint32_t i = 0; i < solver->chains.n_chains; i++) {
		const char *mine = solver->places.place[solver->chains.chain[i].place[0]].name;

		if (mine && strcmp(mine, name) == 0)
			return i;
	}
	fail_msg("no chain of %s", name);
	return 0;
}

#define REGIONS 400u

struct regions {
	uint32_t count[REGIONS];  /* by region: slots */
	uint32_t region[REGIONS]; /* by kind */
};

/* A region that is too small for one run of a stage would make StingyDynCheck refuse the stage for ever. */
static inline void check_fit(struct regions *regions, const struct stingy_manifest_record *record)
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

static inline void read_back(const char *text, struct stingy_manifest_counts *counts)
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

/* What a made server's chains are called in the tests below. */
struct server {
	struct made_trace made;
	uint32_t wait, set_up, connection, request, reply, cached;
};

static inline uint32_t add_chain(struct made_trace *made, uint64_t function, const char *name, const uint32_t *outer)
{
	uint32_t frame[3] = {made_frame(made, function, function + 0x10, name), outer[0], outer[1]};

	return made_chain(made, 3, frame);
}

/* The event loop calls accept_it and serve_it; everything is called by main. */
static inline void make_server(struct server *server)
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
static inline void serve(struct server *server, uint64_t fd, unsigned requests)
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

static inline void serve_many(struct server *server, unsigned connections)
{
	/* Inherited from before a fork: this process never saw it begin. */
	made_free(&server->made, 0xdead0000);
	for (unsigned i = 0; i < connections; i++)
		serve(server, 5 + i % 3, 3);
	made_wait(&server->made, server->wait);
}

#endif
