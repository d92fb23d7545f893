#include "layout.h"

#include "../manifests/manifest.h"
#include "memory.h"
#include "round.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 1024u /* to which the bounds are divided, when all kinds are raised in proportion */
#define TIMES 64u   /* the bounds: no kind is raised beyond that */

struct filling {
	const struct stingy_problem *problem;
	uint32_t *n; /* the best so far */
	uint32_t *trial;
	uint32_t *slots; /* by colour: as counted last */
	uint64_t *slot;  /* by colour: bytes, at least the problem's */
	uint32_t *extra; /* by colour: slots of a shared region beyond those of its largest kind */
};

/* Counts the slots of all regions: kinds that share one are not live in one task at once, but one run may need both. */
static void count_slots(struct filling *filling, const uint32_t *n)
{
	const struct stingy_problem *problem = filling->problem;

	memcpy(filling->slots, problem->least, problem->n_colours * sizeof(*filling->slots));
	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint32_t *slots = &filling->slots[problem->kind[i].colour];

		if (n[i] > *slots)
			*slots = n[i];
	}
	for (uint32_t i = 0; i < problem->n_colours; i++)
		filling->slots[i] += filling->extra[i];
}

static bool fits(struct filling *filling, const uint32_t *n)
{
	const struct stingy_problem *problem = filling->problem;
	uint64_t bytes = 0;

	count_slots(filling, n);
	for (uint32_t i = 0; i < problem->n_colours; i++) {
		if (filling->slots[i] > STINGY_SLOTS_MAX)
			return false;
		bytes += stingy_round_up(filling->slot[i] * filling->slots[i], STINGY_REGION_ALIGN);
	}
	return bytes <= problem->tau && stingy_problem_allows(problem, n);
}

/* All kinds at steps / STEPS of their bounds, or at what they have already. Keeps it if it fits. */
static bool try_steps(struct filling *filling, uint32_t steps)
{
	const struct stingy_problem *problem = filling->problem;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint64_t n = (uint64_t)problem->kind[i].max * steps / STEPS;

		filling->trial[i] = n > filling->n[i] ? (uint32_t)n : filling->n[i];
	}
	stingy_problem_raise(problem, filling->trial);
	if (!fits(filling, filling->trial))
		return false;
	memcpy(filling->n, filling->trial, problem->n_kinds * sizeof(*filling->n));
	return true;
}

/* Raises all in proportion, from low steps, which fit, to less than high steps. */
static void raise_all(struct filling *filling, uint32_t low, uint32_t high)
{
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (try_steps(filling, middle))
			low = middle;
		else
			high = middle;
	}
}

/* Raises one count to the most that fits, at most to the bound. */
static void raise_one(struct filling *filling, uint32_t *count, uint32_t bound)
{
	uint32_t low = *count, high = bound > low ? bound + 1 : low + 1;

	while (high - low > 1) {
		*count = low + (high - low) / 2;
		if (fits(filling, filling->n))
			low = *count;
		else
			high = *count;
	}
	*count = low;
}

/* The kind, of those not yet raised, with the most allocations a byte. */
static uint32_t most_worth(const struct stingy_problem *problem, const bool *raised)
{
	uint32_t best = UINT32_MAX;
	double best_worth = -1;

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		double worth = (double)problem->kind[i].value / (double)problem->kind[i].size;

		if (raised[i] || worth <= best_worth)
			continue;
		best = i;
		best_worth = worth;
	}
	return best;
}

static void raise_each(struct filling *filling)
{
	const struct stingy_problem *problem = filling->problem;
	bool *raised = stingy_memory_new(problem->n_kinds, sizeof(*raised));

	for (uint32_t i = 0; i < problem->n_kinds; i++) {
		uint32_t kind = most_worth(problem, raised);

		raised[kind] = true;
		raise_one(filling, &filling->n[kind], problem->kind[kind].max);
	}
	free(raised);
}

/* Different tasks may hold different kinds of one region at a time: to the sum of them, slots are of use. */
static void raise_shared(struct filling *filling)
{
	const struct stingy_problem *problem = filling->problem;
	uint32_t *sum = stingy_memory_new(problem->n_colours, sizeof(*sum));

	for (uint32_t i = 0; i < problem->n_kinds; i++)
		sum[problem->kind[i].colour] += filling->n[i];
	for (uint32_t i = 0; i < problem->n_colours; i++) {
		count_slots(filling, filling->n);
		if (sum[i] > filling->slots[i])
			raise_one(filling, &filling->extra[i], sum[i] - filling->slots[i]);
	}
	free(sum);
}

/* Whether objects of the size, one every slot bytes, lie in more lines than they must. */
static bool straddles(uint64_t size, uint64_t slot, uint32_t line)
{
	uint64_t divides = line;

	while (slot % divides)
		divides /= 2;
	return line - divides + size > stingy_round_up(size, line);
}

/* Makes the slots straight, where that fits. The problem's colours are in the order of their heat. */
static void straighten(struct filling *filling, uint32_t line)
{
	for (uint32_t i = 0; i < filling->problem->n_colours; i++) {
		uint64_t size = filling->problem->slot[i];

		while (straddles(size, filling->slot[i], line))
			filling->slot[i] += STINGY_SLOT_ALIGN;
		if (!fits(filling, filling->n))
			filling->slot[i] = size;
	}
}

static void fill(struct filling *filling, uint32_t line)
{
	raise_shared(filling);
	raise_all(filling, 0, STEPS + 1);
	raise_each(filling);
	raise_shared(filling);
	straighten(filling, line);
	if (try_steps(filling, STEPS))
		raise_all(filling, STEPS, STEPS * TIMES);
}

static void set_regions(struct stingy_layout *layout, struct filling *filling)
{
	const struct stingy_problem *problem = filling->problem;

	count_slots(filling, filling->n);
	layout->n_regions = problem->n_colours;
	layout->region = stingy_memory_new(layout->n_regions, sizeof(*layout->region));
	for (uint32_t i = 0; i < layout->n_regions; i++) {
		layout->region[i].slot = (uint32_t)filling->slot[i];
		layout->region[i].count = filling->slots[i];
	}
}

void stingy_layout_init(struct stingy_layout *layout, const struct stingy_problem *problem, const uint32_t *n,
			uint32_t line)
{
	struct filling filling = {.problem = problem};

	memset(layout, 0, sizeof(*layout));
	layout->n = filling.n = stingy_memory_copy(n, problem->n_kinds * sizeof(*n));
	filling.trial = stingy_memory_new(problem->n_kinds, sizeof(*filling.trial));
	filling.slots = stingy_memory_new(problem->n_colours, sizeof(*filling.slots));
	filling.extra = stingy_memory_new(problem->n_colours, sizeof(*filling.extra));
	filling.slot = stingy_memory_copy(problem->slot, problem->n_colours * sizeof(*filling.slot));
	fill(&filling, line);
	set_regions(layout, &filling);
	free(filling.trial);
	free(filling.slots);
	free(filling.slot);
	free(filling.extra);
}

void stingy_layout_fini(struct stingy_layout *layout)
{
	free(layout->region);
	free(layout->n);
	memset(layout, 0, sizeof(*layout));
}
