/* The whole solver on random traces: their manifests must be readable, whatever was chosen. */
#include "made-server.h"
#include "seed.h"

#define TRACES 60u
#define FRAMES 12u
#define CHAINS 20u
#define TASKS  8u
#define LIVE   40u

/* A program whose chains, sizes, stages and lifetimes are a throw of dice, announced or by turns. */
struct dice {
	struct made_trace made;
	uint32_t frame[FRAMES], chain[CHAINS];
	bool announced, taken[LIVE];
};

static void throw_chains(struct dice *dice)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		char name[] = {'f', (char)('a' + i), 0};

		dice->frame[i] = made_frame(&dice->made, 0x1000 * (i / 2 + 1), 0x1000 * (i / 2 + 1) + 16 * i, name);
	}
	for (uint32_t i = 0; i < CHAINS; i++) {
		uint32_t frame[4], depth = 2 + below(3);

		for (uint32_t j = 0; j < depth; j++)
			frame[j] = j + 1 == depth ? 0 : dice->frame[below(FRAMES)];
		frame[depth - 1] = dice->frame[0];
		dice->chain[i] = made_chain(&dice->made, depth, frame);
	}
}

static void throw_objects(struct dice *dice)
{
	for (unsigned n = below(6); n > 0; n--) {
		uint32_t i = below(LIVE), chain = dice->chain[below(CHAINS)];

		if (dice->taken[i])
			made_free(&dice->made, 0x10000 * (i + 1));
		else
			made_alloc(&dice->made, chain, chain % 5 ? 24u * (chain + 1) : below(6000), 0x10000 * (i + 1));
		dice->taken[i] = !dice->taken[i];
	}
}

static void throw_run(struct dice *dice)
{
	uint64_t task = 5 + below(TASKS);

	if (dice->announced)
		made_stage(&dice->made, dice->frame[below(FRAMES)], task);
	else
		made_turn(&dice->made, task);
	if (!dice->announced && below(8) == 0)
		made_fd(&dice->made, STINGY_TRACE_ACCEPT, 5 + below(TASKS));
	throw_objects(dice);
	if (below(5) == 0)
		made_fd(&dice->made, STINGY_TRACE_CLOSE, task);
	if (dice->announced)
		made_stage_end(&dice->made);
	else
		made_wait(&dice->made, dice->chain[0]);
}

static void throw_trace(const char *path)
{
	struct dice dice = {.announced = below(2)};

	made_init(&dice.made);
	throw_chains(&dice);
	made_wait(&dice.made, dice.chain[0]);
	for (unsigned runs = 20 + below(400); runs > 0; runs--)
		throw_run(&dice);
	made_save(&dice.made, path, dice.made.size);
	made_fini(&dice.made);
}

static struct stingy_solve_options throw_options(void)
{
	struct stingy_solve_options options = {.share = 1000000, .min_share = below(2) * 1000};

	options.cache = (struct stingy_cache){.size = 8192u << below(8), .ways = 8, .line = 64};
	options.stack = below(3) ? 0 : 2048;
	options.high = below(3) ? 0 : 65536;
	options.choices.cover = 50 + below(51);
	options.choices.head_room = 100 + below(100);
	options.choices.confidence = 50 + below(50);
	options.choices.objective = below(2) ? STINGY_OBJECTIVE_STAGES : STINGY_OBJECTIVE_SERVED;
	return options;
}

/* What `stingy check` and the library read it with. */
static void check_manifest(const char *text)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	int more;

	stingy_manifest_reader_init(&reader, text, strlen(text));
	while ((more = stingy_manifest_next(&reader, &record)) == 1)
		;
	if (more < 0)
		fail_msg("line %u: %s\n%s", reader.line, reader.error, text);
}

static void manifests_of_random_traces_are_readable(void **state)
{
	const char *path = path_of("a.trace");
	unsigned n_managed = 0;

	(void)state;
	seed_random(33);
	for (unsigned i = 0; i < TRACES; i++) {
		struct stingy_solve_options options = throw_options();
		struct stingy_solve solver;

		throw_trace(path);
		stingy_solve_init(&solver, &options);
		if (stingy_solve_run(&solver, &path, 1) == 0) {
			char *text = manifest_of(&solver);

			check_manifest(text);
			n_managed += solver.nothing == NULL;
			free(text);
		}
		stingy_solve_fini(&solver);
	}
	print_message("# %u of %u with something to manage\n", n_managed, TRACES);
	assert_true(n_managed > TRACES / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_of_random_traces_are_readable),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
