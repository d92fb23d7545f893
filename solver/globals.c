#include "globals.h"

#include "../manifests/manifest.h"
#include "memory.h"
#include "model.h"
#include "round.h"

#include <stdlib.h>
#include <string.h>

struct candidate {
	struct stingy_global global;
	uint64_t bytes; /* of its region */
	uint64_t allocations;
};

static struct candidate candidate_of(const struct stingy_choices *choices, const struct stingy_unit *unit,
				     uint32_t kind)
{
	struct candidate candidate = {.global = {.kind = kind}, .allocations = unit->serving};
	struct stingy_global *global = &candidate.global;

	global->size = stingy_model_size(unit, choices->cover);
	global->count = stingy_model_head_room(unit->max_live_in_thread, choices->head_room);
	candidate.bytes = stingy_round_up(global->size * global->count, STINGY_REGION_ALIGN);
	return candidate;
}

/* The most allocations a byte first. */
static int compare_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	double worth_x = (double)x->allocations / (double)x->bytes, worth_y = (double)y->allocations / (double)y->bytes;

	if (worth_x != worth_y)
		return worth_x < worth_y ? 1 : -1;
	return (x->global.kind > y->global.kind) - (x->global.kind < y->global.kind);
}

static int compare_kinds(const void *a, const void *b)
{
	const struct stingy_global *x = a, *y = b;

	return (x->kind > y->kind) - (x->kind < y->kind);
}

void stingy_globals_init(struct stingy_globals *globals, const struct stingy_census *census,
			 const struct stingy_kinds *kinds, const struct stingy_choices *choices, uint64_t room)
{
	struct candidate *candidate = stingy_memory_new(kinds->n_kinds, sizeof(*candidate));
	uint32_t n = 0;

	memset(globals, 0, sizeof(*globals));
	for (uint32_t i = 0; i < kinds->n_kinds; i++)
		if (kinds->kind[i].class == STINGY_CLASS_FINAL && census->unit[i].serving)
			candidate[n++] = candidate_of(choices, &census->unit[i], i);
	qsort(candidate, n, sizeof(*candidate), compare_worth);
	globals->global = stingy_memory_new(n, sizeof(*globals->global));
	for (uint32_t i = 0; i < n && globals->n_globals < STINGY_GLOBALS_MAX; i++) {
		if (globals->bytes + candidate[i].bytes > room)
			continue;
		globals->bytes += candidate[i].bytes;
		globals->global[globals->n_globals++] = candidate[i].global;
	}
	qsort(globals->global, globals->n_globals, sizeof(*globals->global), compare_kinds);
	free(candidate);
}

void stingy_globals_fini(struct stingy_globals *globals)
{
	free(globals->global);
	memset(globals, 0, sizeof(*globals));
}

bool stingy_globals_has(const struct stingy_globals *globals, uint32_t kind)
{
	for (uint32_t i = 0; i < globals->n_globals; i++)
		if (globals->global[i].kind == kind)
			return true;
	return false;
}
