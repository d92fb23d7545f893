/*
 * The replay of a made trace into a census of relations: for tests of the replay, each with a file of its own.
 */
#ifndef STINGY_MADE_REPLAY_H
#define STINGY_MADE_REPLAY_H

#include "../solver/graph.h"
#include "../solver/replay.h"
#include "made-trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG (2 * STINGY_FATE_FEW_TURNS) /* turns that are not soon any more */

static char path[] = "/tmp/stingy-replay.XXXXXX";

/* A trace of a program with one event loop; all chains are of one frame below it, and each is a unit. */
struct replayed {
	struct made_trace made;
	uint32_t wait, a, b; /* chains: the wait, an allocation in read_it, one in write_it */
	uint32_t read_frame, write_frame;
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_stages stages;
	struct stingy_input input;
	struct stingy_census census;
	uint32_t itself[3];
	bool b_is_unmanaged;
};

static inline int begin(void **state)
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
	frame[0] = replayed.write_frame = made_frame(made, 0x4000, 0x4010, "write_it");
	replayed.b = made_chain(made, 3, frame);
	*state = &replayed;
	return 0;
}

static inline int end(void **state)
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

static inline void survey(struct replayed *replayed)
{
	made_save(&replayed->made, path, replayed->made.size);
	stingy_places_init(&replayed->places);
	stingy_chains_init(&replayed->chains);
	stingy_stages_init(&replayed->stages);
	assert_int_equal(stingy_input_init(&replayed->input, path, &replayed->places, &replayed->chains), 0);
	assert_null(replayed->input.damage);
}

static inline void take_census(struct replayed *replayed)
{
	stingy_input_note_stages(&replayed->input, &replayed->stages, &replayed->places, &replayed->chains);
	stingy_stages_settle(&replayed->stages, &replayed->places, &replayed->chains);
	for (uint32_t i = 0; i < 3; i++)
		replayed->itself[i] = i == replayed->b && replayed->b_is_unmanaged ? STINGY_NO_UNIT : i;
	stingy_census_init(&replayed->census, 3, replayed->itself, replayed->stages.n_stages, true);
	stingy_replay(&replayed->input, &replayed->places, &replayed->stages, &replayed->census);
}

/* A trace that ends while the program serves. */
static inline void replay(struct replayed *replayed)
{
	made_wait(&replayed->made, replayed->wait);
	survey(replayed);
	take_census(replayed);
}

static inline void turn(struct replayed *replayed, uint64_t fd)
{
	made_wait(&replayed->made, replayed->wait);
	made_turn(&replayed->made, fd);
}

/* Replays the trace into the graph, without relations, as the command does. The caller ends the graph. */
static inline void graph_of(struct replayed *replayed, struct stingy_graph *graph)
{
	replay(replayed);
	stingy_census_fini(&replayed->census);
	stingy_graph_init(graph, &replayed->stages, &replayed->places, &replayed->chains);
	stingy_census_init(&replayed->census, 3, replayed->itself, replayed->stages.n_stages, false);
	replayed->census.graph = graph;
	stingy_replay(&replayed->input, &replayed->places, &replayed->stages, &replayed->census);
	stingy_graph_finish(graph, &replayed->census);
}

static inline const struct stingy_unit *unit(const struct replayed *replayed, uint32_t chain)
{
	return &replayed->census.unit[replayed->input.chain[chain]];
}

static inline int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static inline int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
