/*
 * From a census by kinds to the problem: which kinds are worth a region, their sizes and bounds, which may share, the
 * stages with their weights, the order constraints.
 *
 * Kinds that hardly allocate or that are too large are left out, and, if not even one instance of each fits, those
 * with the fewest allocations a byte. Kinds and stages of the problem are in an order of their own, which does not
 * depend on the order of the traces. Heap memory, from init to fini.
 */
#ifndef STINGY_MODEL_H
#define STINGY_MODEL_H

#include "bounds.h"
#include "census.h"
#include "choices.h"
#include "colour.h"
#include "globals.h"
#include "kinds.h"
#include "problem.h"
#include "stages.h"

enum stingy_left_out {
	STINGY_KEPT = 0,
	STINGY_KEPT_GLOBAL,        /* final: in a region of its own, and no part of the problem */
	STINGY_LEFT_OUT_GLOBAL,    /* final, and beyond what such kinds may take */
	STINGY_LEFT_OUT_RARE,      /* hardly any allocations */
	STINGY_LEFT_OUT_KEPT,      /* each connection keeps it, and the source leaves that out */
	STINGY_LEFT_OUT_UNBOUNDED, /* allocated in a cycle of stages, and nothing bounds how many one task holds */
	STINGY_LEFT_OUT_LARGE,     /* one object, or those of one task, would take too much of the slab */
	STINGY_LEFT_OUT_NO_ROOM,   /* not even one instance of each fits */
	STINGY_LEFT_OUT_REASONS,
};

/* What the model is made from, and the share of the allocations below which a kind is not worth a region. */
struct stingy_model_source {
	const struct stingy_census *census; /* by kinds, with relations */
	const struct stingy_kinds *kinds;
	const struct stingy_chains *chains;
	const struct stingy_places *places;
	const struct stingy_stages *stages;
	const struct stingy_globals *globals;
	const struct stingy_bounds *bounds;
	const struct stingy_choices *choices;
	uint64_t slab;      /* bytes, less the stack's part */
	uint64_t tau;       /* bytes: the slab less the globals */
	uint32_t line;      /* bytes of a line of the cache */
	uint32_t min_share; /* in millionths of the allocations while serving */
	bool is_for_tasks;  /* what connections keep is left out (schedule.h) */
};

struct stingy_model {
	struct stingy_problem problem;
	uint32_t *kind;                   /* by the problem's kind: the number among the source's kinds */
	uint32_t *stage;                  /* by the problem's stage: the number among the source's stages */
	enum stingy_left_out *left_out;   /* by the source's kind: what became of it */
	enum stingy_colour_proof colours; /* how good the colouring is */
	uint32_t n_stages_cut;            /* beyond STINGY_STAGES_MAX: those that weigh least are left out */
	uint32_t n_allocates_cut; /* kinds of a stage beyond STINGY_ALLOCATES_MAX: the least needed are left out */
};

void stingy_model_init(struct stingy_model *model, const struct stingy_model_source *source);
void stingy_model_fini(struct stingy_model *model);

/* Bytes of tau that are left when all kinds are at their bounds; 0: none. */
uint64_t stingy_model_spare(const struct stingy_model *model);

/* The size of an instance of a kind: what covers the percentage of its allocations, aligned as they were. */
uint64_t stingy_model_size(const struct stingy_unit *unit, unsigned cover);

/* Instances to provide where the traces had n live at once: a percentage of that, which a region holds; at least 1. */
uint32_t stingy_model_head_room(uint64_t n, unsigned percent);

/* For people: why a kind was left out, or that it was kept. */
const char *stingy_model_reason(enum stingy_left_out reason);

#endif
