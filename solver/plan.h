/*
 * The plan of an arena, as the manifest tells it: where the stack, the globals and the per-task regions lie in the
 * cache slab, in that order, which regions the high slab above it has, which kind goes where; and how many arenas there
 * are.
 *
 * Regions lie one behind the other, at multiples of STINGY_REGION_ALIGN. Kinds are in the order of the manifest: the
 * globals, each with a region of its own, then the problem's, then those that connections keep, where that is too much
 * for the cache slab: their regions are the high slab's first. The rest of that is filled last, when a trial (trial.h)
 * has shown what found no place in the cache slab. Heap memory, from init to fini.
 */
#ifndef STINGY_PLAN_H
#define STINGY_PLAN_H

#include "../manifests/manifest.h"
#include "globals.h"
#include "layout.h"
#include "model.h"

#define STINGY_PLAN_HIGH_MAX 256u   /* regions of the high slab */
#define STINGY_PLAN_CROWD    10000u /* connections: for what more of them keep there is no room */

struct stingy_trial;

struct stingy_plan_kind {
	uint32_t kind;   /* number among the source's kinds */
	uint32_t region; /* in the cache slab; or, of what connections keep, in the high slab */
	uint32_t size;   /* bytes: what is larger is not for the region */
	uint32_t high;   /* region of the high slab; UINT32_MAX: none */
	uint32_t n;      /* instances it was given */
};

struct stingy_plan {
	struct stingy_manifest_slab slab;
	struct stingy_manifest_region *region; /* in the order of their offsets */
	uint32_t n_regions, most_regions;
	struct stingy_plan_kind *kind;
	uint32_t n_kinds;
	uint32_t n_globals; /* kinds: the first ones */
	uint32_t *number;   /* by the source's kind: its number here; STINGY_NO_UNIT: it has no place */
};

/* A plan without a high slab, and with one arena. A plan of zeros is one of nothing. */
void stingy_plan_init(struct stingy_plan *plan, uint32_t stack, const struct stingy_globals *globals,
		      const struct stingy_model *model, const struct stingy_layout *layout, uint32_t n_kinds);
void stingy_plan_fini(struct stingy_plan *plan);

/* Whether a kind of the source has a place; whether a region is one of the high slab. */
bool stingy_plan_has(const struct stingy_plan *plan, uint32_t kind);
bool stingy_plan_is_high(const struct stingy_plan *plan, uint32_t region);

/*
 * Makes the high slab, of at most room bytes, and gives the kinds that the model leaves out because connections keep
 * them a place there. As many objects of each as the traces had at once, with head room; and as many more as half of
 * the room holds, since memory is taken as it is used, and there may be more connections than the traces show.
 */
void stingy_plan_add_kept(struct stingy_plan *plan, const struct stingy_model_source *source,
			  const struct stingy_model *model, uint32_t room);

/*
 * Fills the high slab, to room bytes at most: the kinds of which a trial of this plan saw the most allocations without
 * a place, a byte of what they need, get a region of their own there.
 */
void stingy_plan_add_high(struct stingy_plan *plan, const struct stingy_trial *trial,
			  const struct stingy_choices *choices, uint32_t room);

#endif
