/*
 * Prints what the solver sees in traces of one program, as text: how many tasks and requests, how much of what was
 * allocated while serving belongs to a stage and a task; then the stages, one a line, those seen at work.
 *
 *	stagedump TRACE...
 *
 *	tasks=2009 requests=2000 connections=100 serving=6200 attributed=6190 calls=6107
 *	stage nginx+0x4e2a0 ngx_http_wait_request_handler runs=2000 tasks=2000 allocations=6000 calls=4000
 *
 * Exit status: 0, or 1 if a trace cannot be read. Links with the solver.
 */
#include "../../solver/replay.h"

#include "../../solver/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct all {
	struct stingy_places places;
	struct stingy_chains chains;
	struct stingy_stages stages;
	struct stingy_input *input;
	uint32_t n_inputs;
};

static int read_all(struct all *all, char **paths)
{
	stingy_places_init(&all->places);
	stingy_chains_init(&all->chains);
	stingy_stages_init(&all->stages);
	for (uint32_t i = 0; i < all->n_inputs; i++) {
		struct stingy_input *input = &all->input[i];

		if (stingy_input_init(input, paths[i], &all->places, &all->chains) < 0) {
			fprintf(stderr, "stagedump: cannot read '%s': %s\n", paths[i], strerror(errno));
			return -1;
		}
		stingy_input_note_stages(input, &all->stages, &all->places, &all->chains);
	}
	stingy_stages_settle(&all->stages, &all->places, &all->chains);
	return 0;
}

static void print_stage(const struct all *all, uint32_t number, const struct stingy_census_stage *seen)
{
	const struct stingy_stage *stage = &all->stages.stage[number];
	const char *path = stage->module == STINGY_NO_MODULE ? "-" : all->places.module[stage->module].path;
	const char *slash = strrchr(path, '/');

	printf("stage %s+0x%" PRIx64 " %s", slash ? slash + 1 : path, stage->function, stage->name ? stage->name : "-");
	printf(" runs=%" PRIu64 " tasks=%" PRIu64 " allocations=%" PRIu64 " calls=%" PRIu64 "\n", seen->runs,
	       seen->task_runs, seen->allocations, seen->calls);
}

static void print_all(const struct all *all, const struct stingy_census *census)
{
	uint32_t *sorted = stingy_stages_sort(&all->stages, &all->places);
	uint64_t calls = 0;

	for (uint32_t i = 0; i < all->stages.n_stages; i++)
		calls += census->stage[i].calls;
	printf("tasks=%" PRIu64 " requests=%" PRIu64 " connections=%" PRIu64, census->tasks, census->requests,
	       census->connections);
	printf(" serving=%" PRIu64 " attributed=%" PRIu64 " calls=%" PRIu64 "\n", census->serving, census->attributed,
	       calls);
	for (uint32_t i = 0; i < all->stages.n_stages; i++)
		if (census->stage[sorted[i]].runs)
			print_stage(all, sorted[i], &census->stage[sorted[i]]);
	free(sorted);
}

int main(int argc, char **argv)
{
	struct all all = {.n_inputs = (uint32_t)(argc - 1)};
	struct stingy_census census;
	uint32_t *itself;

	all.input = stingy_memory_new(all.n_inputs, sizeof(*all.input));
	if (read_all(&all, argv + 1) < 0)
		return 1;
	itself = stingy_memory_new(all.chains.n_chains, sizeof(*itself));
	for (uint32_t i = 0; i < all.chains.n_chains; i++)
		itself[i] = i;
	stingy_census_init(&census, all.chains.n_chains, itself, all.stages.n_stages, false);
	for (uint32_t i = 0; i < all.n_inputs; i++)
		stingy_replay(&all.input[i], &all.places, &all.stages, &census);
	print_all(&all, &census);
	stingy_census_fini(&census);
	free(itself);
	for (uint32_t i = 0; i < all.n_inputs; i++)
		stingy_input_fini(&all.input[i]);
	free(all.input);
	stingy_stages_fini(&all.stages);
	stingy_chains_fini(&all.chains);
	stingy_places_fini(&all.places);
	return fflush(stdout) == 0 ? 0 : 1;
}
