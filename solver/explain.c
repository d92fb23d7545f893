#include "explain.h"

#include "classes.h"
#include "clean.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_SHOWN 6u
#define NAME_SIZE    256u
#define LEAST_GAP    0.00005 /* what is shown as more than 0.00% */

/* Begins a line about the input. Its path is the user's, but may come of a pattern that matched what others named. */
static void name_input(const struct stingy_input *input, FILE *out)
{
	fputs("stingy: '", out);
	stingy_clean_print(out, input->path);
	fputs("': ", out);
}

static void explain_input(const struct stingy_solve *solve, const struct stingy_input *input, FILE *out)
{
	if (!stingy_solve_uses(solve, input)) {
		name_input(input, out);
		fputs("not used: ", out);
		if (input->program == STINGY_NO_MODULE) {
			fputs(input->damage ? input->damage : "it tells no program", out);
		} else {
			fputs("it is of another program, ", out);
			stingy_clean_print(out, solve->places.module[input->program].path);
		}
		fputc('\n', out);
		return;
	}
	if (input->damage) {
		name_input(input, out);
		fprintf(out, "cut off at byte %zu: used what is before it (%s)\n", input->damaged_at, input->damage);
	}
	if (input->full || input->stuck) {
		name_input(input, out);
		fprintf(out, "%s while it was recorded: what came later is missing\n",
			input->full ? "reached its bound" : "could not grow (disk full, or ulimit -f?)");
	}
}

static void explain_left_out(const struct stingy_solve *solve, FILE *out)
{
	uint32_t n[STINGY_LEFT_OUT_REASONS] = {0};
	const char *before = "; left out: ";

	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++)
		n[solve->model.left_out[i]] += !stingy_plan_has(&solve->plan, i);
	for (unsigned i = STINGY_LEFT_OUT_GLOBAL; i < STINGY_LEFT_OUT_REASONS; i++) {
		if (!n[i])
			continue;
		fprintf(out, "%s%" PRIu32 " (%s)", before, n[i], stingy_model_reason(i));
		before = ", ";
	}
	fputc('\n', out);
}

static void explain_cut(const struct stingy_model *model, FILE *out)
{
	if (model->n_stages_cut)
		fprintf(out, "stingy: left out the stages that weigh least, %" PRIu32 " of them: a manifest holds %u\n",
			model->n_stages_cut, STINGY_STAGES_MAX);
	if (model->n_allocates_cut)
		fprintf(out,
			"stingy: left out what stages allocate least of, %" PRIu32 " kinds in all: a stage holds %u\n",
			model->n_allocates_cut, STINGY_ALLOCATES_MAX);
}

static void explain_gap(double gap, FILE *out)
{
	if (gap >= LEAST_GAP)
		fprintf(out, ", within %.2f%% of the best that is possible\n", gap * 100);
	else
		fprintf(out, ", %sthe best that is possible\n", gap > 0 ? "as good as " : "");
}

/* For the safety of the program, whatever they are worth. */
static void explain_lost(const struct stingy_solve *solve, FILE *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < solve->chains.n_chains; i++)
		n += stingy_class_of(&solve->atoms, &solve->atoms.unit[i]) == STINGY_CLASS_LOST;
	if (n)
		fprintf(out,
			"stingy: left alone: %" PRIu32 " call chain%s whose objects end in ways that are not seen\n", n,
			n == 1 ? "" : "s");
}

/* Of pools, and what the user wants to be left alone. */
static void explain_excluded(const struct stingy_solve *solve, enum stingy_class class, const char *what, FILE *out)
{
	uint64_t n = 0, serving = 0;

	for (uint32_t i = 0; i < solve->chains.n_chains; i++) {
		const struct stingy_unit *unit = &solve->atoms.unit[i];

		if (stingy_class_of(&solve->atoms, unit) != class)
			continue;
		n++;
		serving += unit->serving;
	}
	if (n)
		fprintf(out, "stingy: %s: %" PRIu64 " call chain%s, %" PRIu64 " allocations while serving\n", what, n,
			n == 1 ? "" : "s", serving);
}

/* Where it is placed, or should have been: by whose word. */
static void summarize_stack(const struct stingy_solve *solve, FILE *out)
{
	if (!solve->options->stack_measured && !solve->stack)
		return;
	if (solve->stack)
		fprintf(out, "stingy: stack: %" PRIu32 " bytes of the slab, as %s", solve->stack,
			solve->options->stack_measured ? "measured" : "given");
	else
		fputs("stingy: stack: not placed", out);
	if (solve->stack_runs)
		fprintf(out, "; %u%% of %" PRIu64 " runs of the main thread took %" PRIu32 " at most\n",
			STINGY_COVER_RUNS, solve->stack_runs, solve->stack_used);
	else
		fputs("; of no run of the main thread was it measured\n", out);
}

static void summarize_regions(const struct stingy_solve *solve, FILE *out)
{
	const struct stingy_plan *plan = &solve->plan;
	uint32_t n_high = 0;

	for (uint32_t i = 0; i < plan->n_regions; i++)
		n_high += stingy_plan_is_high(plan, i);
	fprintf(out, "stingy: %" PRIu32 " regions, %" PRIu32 " of %" PRIu64 " bytes", plan->n_regions - n_high,
		plan->slab.size, stingy_solve_slab(solve));
	explain_gap(solve->solution.gap, out);
	if (plan->n_globals)
		fprintf(out, "stingy: %" PRIu32 " of the regions for global state, %" PRIu64 " bytes\n",
			plan->n_globals, solve->globals.bytes);
	summarize_stack(solve, out);
	if (plan->slab.high)
		fprintf(out, "stingy: high slab: %" PRIu32 " regions, %" PRIu32 " of %" PRIu32 " bytes\n", n_high,
			plan->slab.high, solve->options->high);
	if (plan->slab.arenas > 1)
		fprintf(out, "stingy: %" PRIu32 " arenas, one a thread\n", plan->slab.arenas);
}

static void summarize_plan(const struct stingy_solve *solve, FILE *out)
{
	const struct stingy_plan *plan = &solve->plan;
	uint32_t n_sites = 0;

	for (uint32_t i = 0; i < plan->n_kinds; i++)
		n_sites += solve->kinds.kind[plan->kind[i].kind].n_sites;
	fprintf(out, "stingy: %" PRIu32 " sites, %" PRIu32 " kinds", n_sites, plan->n_kinds);
	explain_left_out(solve, out);
	explain_cut(&solve->model, out);
	summarize_regions(solve, out);
	fprintf(out, "stingy: expected from the arena: %.1f%% of the allocations while serving\n",
		100.0 * (double)solve->served / (double)solve->census.serving);
}

static void summarize(const struct stingy_solve *solve, FILE *out)
{
	char text[STINGY_SCHEDULE_TEXT];

	fprintf(out, "stingy: %" PRIu32 " trace%s of ", solve->n_used, solve->n_used == 1 ? "" : "s");
	stingy_clean_print(out, solve->places.module[solve->program].path);
	fprintf(out, ": %" PRIu64 " tasks, %" PRIu64 " allocations while serving\n", solve->census.tasks,
		solve->census.serving);
	explain_lost(solve, out);
	explain_excluded(solve, STINGY_CLASS_POOL, "left to the program's own pools", out);
	explain_excluded(solve, STINGY_CLASS_LEFT_OUT, "left alone as declared", out);
	if (solve->nothing)
		fprintf(out, "stingy: nothing to manage: %s; was there load while it was profiled?\n", solve->nothing);
	else
		summarize_plan(solve, out);
	fprintf(out, "stingy: %s\n", stingy_schedule_print(&solve->schedule, text));
}

static void explain_chain(const struct stingy_solve *solve, uint32_t number, FILE *out)
{
	const struct stingy_chain *chain = &solve->chains.chain[number];
	const struct stingy_unit *unit = &solve->atoms.unit[number];
	uint32_t kind = solve->kinds.kind_of[number];
	char name[NAME_SIZE];

	fprintf(out, "chain: %s, serving %" PRIu64 ", set-up %" PRIu64 ", at most %" PRIu32 " live",
		stingy_class_name(stingy_class_of(&solve->atoms, unit)), unit->serving, unit->setup, unit->max_live);
	if (unit->served)
		fprintf(out, ", %" PRIu64 " bytes", stingy_model_size(unit, solve->choices.cover));
	fprintf(out, ", %s:", stingy_solve_decision(solve, kind));
	for (uint32_t i = 0; i < chain->depth && i < FRAMES_SHOWN; i++)
		fprintf(out, " %s", stingy_places_print(&solve->places, chain->place[i], name, sizeof(name)));
	fputs(chain->depth > FRAMES_SHOWN ? " ...\n" : "\n", out);
}

static void explain_chains(const struct stingy_solve *solve, FILE *out)
{
	uint32_t *sorted = stingy_chains_sort(&solve->chains, &solve->places);

	for (uint32_t i = 0; i < solve->chains.n_chains; i++)
		if (stingy_class_of(&solve->atoms, &solve->atoms.unit[sorted[i]]) != STINGY_CLASS_UNSEEN)
			explain_chain(solve, sorted[i], out);
	free(sorted);
}

static void explain_solution(const struct stingy_solve *solve, FILE *out)
{
	const struct stingy_problem *problem = &solve->model.problem;

	for (uint32_t i = 0; i < solve->globals.n_globals; i++)
		fprintf(out, "global: %" PRIu32 " of %s, %" PRIu64 " bytes each\n", solve->globals.global[i].count,
			solve->kinds.kind[solve->globals.global[i].kind].name, solve->globals.global[i].size);
	for (uint32_t i = 0; i < problem->n_stages; i++)
		fprintf(out, "weight of %s: %.6f (%" PRIu64 " runs)\n", problem->stage[i].name,
			problem->stage[i].weight, solve->census.stage[solve->model.stage[i]].runs);
	for (uint32_t i = 0; i < problem->n_kinds; i++)
		fprintf(out, "solution: n_%s = %" PRIu32 ", laid out %" PRIu32 "\n", problem->kind[i].name, solve->n[i],
			solve->layout.n[i]);
	fprintf(out, "objective: %.9f; colours: %s\n", solve->solution.objective,
		solve->model.colours ? "the fewest" : "by DSATUR");
}

void stingy_explain(const struct stingy_solve *solve, bool verbose, FILE *out)
{
	for (uint32_t i = 0; i < solve->n_inputs; i++)
		explain_input(solve, &solve->input[i], out);
	if (verbose) {
		explain_chains(solve, out);
		stingy_problem_print(&solve->model.problem, out);
		explain_solution(solve, out);
	}
	summarize(solve, out);
}
