#include "bounds.h"

#include "bits.h"
#include "memory.h"
#include "scc.h"
#include "stages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The probability that of n tasks at most x are of a sort that has the share of all. */
static double at_most(uint64_t n, uint64_t x, double share)
{
	double sum = 0, all = lgamma((double)n + 1);

	for (uint64_t i = 0; i <= x; i++)
		sum += exp(all - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) + (double)i * log(share) +
			   (double)(n - i) * log1p(-share));
	return sum;
}

uint32_t stingy_bounds_quantile(const uint64_t *histogram, uint32_t n, unsigned cover, unsigned confidence)
{
	double share = 1 - cover / 100.0, doubt = 1 - confidence / 100.0;
	uint64_t tasks = 0, beyond;

	for (uint32_t i = 1; i < n; i++)
		tasks += histogram[i];
	beyond = tasks;
	for (uint32_t k = 1; k + 1 < n; k++) {
		beyond -= histogram[k];
		/* Where more are beyond than the share asks for, the probability is near a half or above: no need to
		 * sum. */
		if ((double)beyond < share * (double)tasks && at_most(tasks, beyond, share) <= doubt)
			return k;
	}
	return 0;
}

/* The edges of the stage call graph: a task's run of the one stage was followed by one of the other. */
static struct stingy_edge *find_edges(const struct stingy_census *census, size_t *n_edges)
{
	struct stingy_edge *edge = NULL;
	size_t room = 0;

	*n_edges = 0;
	for (uint32_t from = 0; from < census->n_stages; from++) {
		for (uint32_t to = 0; to < census->n_stages; to++) {
			if (!stingy_bits_has(census->follows + from * census->n_stage_words, to))
				continue;
			STINGY_GROW(edge, &room, *n_edges + 1);
			edge[(*n_edges)++] = (struct stingy_edge){.from = from, .to = to};
		}
	}
	return edge;
}

static void find_cycles(const struct stingy_census *census, bool *in_cycle)
{
	uint32_t *component = stingy_memory_new(census->n_stages, sizeof(*component));
	size_t n_edges;
	struct stingy_edge *edge = find_edges(census, &n_edges);

	stingy_scc_find(census->n_stages, edge, n_edges, component);
	stingy_scc_cycles(census->n_stages, edge, n_edges, component, in_cycle);
	free(component);
	free(edge);
}

static bool is_allocated_in_cycle(const struct stingy_census *census, const bool *in_cycle, uint32_t unit)
{
	for (uint32_t i = 0; i < census->n_stages; i++)
		if (in_cycle[i] && census->stage[i].need[unit])
			return true;
	return false;
}

/* Whether coming back to a stage could ever add to what is there: some were live when a run of their task began. */
static bool lives_on(const struct stingy_census *census, uint32_t unit)
{
	for (uint32_t i = 0; i < census->n_stages; i++)
		if (census->stage[i].live[unit])
			return true;
	return false;
}

/* How many tasks held how many of the unit; where only a run ever does, how many runs added how many. */
static void count_holders(const struct stingy_census *census, uint32_t number, uint64_t *histogram)
{
	const struct stingy_unit *unit = &census->unit[number];

	if (lives_on(census, number) && !stingy_unit_is_taskless(unit)) {
		for (uint32_t i = 0; unit->served && i < STINGY_CENSUS_PER_TASK; i++)
			histogram[i] += unit->served->per_task[i];
		return;
	}
	for (uint32_t i = 0; i < census->n_stages; i++)
		for (uint32_t j = 0; census->stage[i].need[number] && j < STINGY_CENSUS_PER_TASK; j++)
			histogram[j] += census->stage[i].need[number][j];
}

static struct stingy_bound bound_of(const struct stingy_census *census, const struct stingy_choices *choices,
				    const bool *in_cycle, uint32_t kind)
{
	struct stingy_bound bound = {.per_task = stingy_unit_per_task(&census->unit[kind], STINGY_COVER_TASKS)};
	uint64_t histogram[STINGY_CENSUS_PER_TASK] = {0};
	uint32_t quantile;

	count_holders(census, kind, histogram);
	for (uint32_t i = 1; i < STINGY_CENSUS_PER_TASK; i++) {
		bound.seen += histogram[i];
		bound.tasks += census->unit[kind].served ? census->unit[kind].served->per_task[i] : 0;
	}
	if (!is_allocated_in_cycle(census, in_cycle, kind))
		return bound;
	quantile = stingy_bounds_quantile(histogram, STINGY_CENSUS_PER_TASK, STINGY_COVER_TASKS, choices->confidence);
	bound.by = quantile ? STINGY_BOUND_BY_TRACE : STINGY_BOUND_BY_NOTHING;
	if (quantile > bound.per_task && !stingy_unit_is_taskless(&census->unit[kind]))
		bound.per_task = quantile;
	return bound;
}

/* The user's word goes before all else: that of an option before that of an interface file. */
static void take_counts(struct stingy_bounds *bounds, const struct stingy_kinds *kinds,
			const struct stingy_choices *choices)
{
	for (uint32_t i = 0; i < kinds->n_kinds; i++) {
		if (!kinds->kind[i].estimate)
			continue;
		bounds->kind[i].by = STINGY_BOUND_BY_USER;
		bounds->kind[i].per_task = kinds->kind[i].estimate;
	}
	for (uint32_t i = 0; i < choices->n_counts; i++) {
		for (uint32_t j = 0; j < kinds->n_kinds; j++) {
			if (strcmp(kinds->kind[j].name, choices->count[i].site) != 0)
				continue;
			bounds->kind[j].by = STINGY_BOUND_BY_USER;
			bounds->kind[j].per_task = choices->count[i].count;
			bounds->used[i] = true;
		}
	}
}

void stingy_bounds_init(struct stingy_bounds *bounds, const struct stingy_census *census,
			const struct stingy_kinds *kinds, const struct stingy_choices *choices)
{
	bounds->kind = stingy_memory_new(kinds->n_kinds, sizeof(*bounds->kind));
	bounds->stage = stingy_memory_new(census->n_stages, sizeof(*bounds->stage));
	bounds->used = stingy_memory_new(choices->n_counts, sizeof(*bounds->used));
	if (!kinds->n_kinds)
		return;
	find_cycles(census, bounds->stage);
	for (uint32_t i = 0; i < kinds->n_kinds; i++)
		bounds->kind[i] = bound_of(census, choices, bounds->stage, i);
	take_counts(bounds, kinds, choices);
}

void stingy_bounds_fini(struct stingy_bounds *bounds)
{
	free(bounds->kind);
	free(bounds->stage);
	free(bounds->used);
	memset(bounds, 0, sizeof(*bounds));
}
