/*
 * A solve, accounted for: every decision with its reason, what each constraint leaves, what a little more room would
 * buy, what is expected of it all. The text of `stingy solve --explain`, its JSON and the report print from this.
 *
 * The misses that are avoided are predicted, not measured. Of each kind, the traces show for what part of the tasks
 * there were objects at once: what a task drops before the next one runs is in the cache anyway, what it holds while
 * others run is not. Where that, times the tasks, is more than the cache, so much of what a task touches must be
 * fetched anew as lies beyond it; with the arena, and stages run for no more tasks than fit, what is served from the
 * arena need not be. An allocation touches all lines of its object, once. At the traces' concurrency, and at others.
 *
 * Refers to the solve, which must outlive it. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_ACCOUNT_H
#define STINGY_ACCOUNT_H

#include "advice.h"
#include "solve.h"

#define STINGY_ACCOUNT_UNBOUNDED UINT32_MAX /* tasks: no memory bounds them */
#define STINGY_ACCOUNT_LOADS     4u

/* A kind, managed or not. */
struct stingy_account_kind {
	enum stingy_left_out left_out; /* of the cache slab; STINGY_KEPT, STINGY_KEPT_GLOBAL: it has a place there */
	const struct stingy_bound *bound;
	uint64_t size;         /* bytes that cover its allocations, as many as was asked for */
	uint64_t allocations;  /* while serving */
	uint64_t served;       /* of them, expected from the arena */
	uint64_t cached;       /* of them, expected from the cache slab */
	uint32_t lines;        /* of the cache, that one object touches */
	double held;           /* part of the tasks that had their objects at once, at most */
	uint32_t problem;      /* its number in the problem; STINGY_NO_UNIT: it is not part of it */
	uint32_t solved, laid; /* instances: by the program; in the layout */
	uint32_t region;       /* in the plan; counts if it has a place */
	bool is_in_high;       /* the region is one of the high slab */
	uint32_t high;         /* in the plan, besides; UINT32_MAX: none */
	uint64_t bytes;        /* of its region, which it may share */
	uint32_t n_sharing;    /* kinds in that region, itself included; 0: it has no place */
	double max_price;      /* one instance more than its bound: the objective's fall, as a part of it */
};

struct stingy_account_stage {
	uint32_t source; /* number among the solve's stages */
	uint64_t runs;
	double first_ns, rest_ns; /* mean of a timed run after another stage's, and after its own; 0: none */
	bool in_cycle;
	uint64_t bytes;    /* that its cache constraint counts, with the layout's instances */
	uint32_t tasks;    /* for which it can be run in a row; or STINGY_ACCOUNT_UNBOUNDED */
	uint32_t bound_by; /* the problem's kind that ends the row; STINGY_NO_UNIT: none */
	double price;      /* a KiB more in its cache constraint: the objective's fall, as a part of it */
};

struct stingy_account_order {
	double price; /* one instance more of the lesser kind: the objective's fall, as a part of it */
};

/* Chains of one class, and the allocations that come by them. */
struct stingy_account_class {
	uint32_t n_chains;
	uint64_t serving, setup;
};

/* So many tasks under way at once. */
struct stingy_account_load {
	uint64_t tasks;
	uint64_t bytes; /* that they have, and the globals */
	double beyond;  /* part of those that the cache does not hold */
	double avoided; /* misses a task that the arena is expected to avoid */
};

struct stingy_account {
	const struct stingy_solve *solve;
	struct stingy_account_kind *kind; /* by the solve's kind */
	uint32_t *order_of_kinds;         /* their numbers, most allocations first */
	struct stingy_account_stage *stage;
	struct stingy_account_order *order;
	struct stingy_account_class class[STINGY_CLASSES];
	struct stingy_advice advice;
	uint64_t laid_bytes;   /* of the per-task regions, of tau */
	double layout_price;   /* a KiB more in the layout constraint: the objective's fall, as a part of it */
	double tau_price;      /* a KiB more of the slab, in all constraints */
	double alone;          /* the objective if tasks ran one by one */
	double bytes_per_task; /* that it holds while others run */
	double lines_per_task; /* touched of that, where it is served from the cache slab */
	struct stingy_account_load load[STINGY_ACCOUNT_LOADS]; /* ascending; that of the traces is one of them */
	uint32_t n_loads;
};

/* solve: run with success. */
void stingy_account_init(struct stingy_account *account, const struct stingy_solve *solve);
void stingy_account_fini(struct stingy_account *account);

/* Prints it for people, in tables of at most 120 columns; as JSON, with all that is known. */
void stingy_account_text(const struct stingy_account *account, FILE *out);

/* Returns the text, which the caller frees; NULL: there is no memory for it. */
char *stingy_account_json(const struct stingy_account *account);

/* For people: what bounds how many objects of a kind one task holds. */
const char *stingy_account_bound(enum stingy_bound_by by);

/* For people: what is known of colourings with fewer colours, or fewer bytes. */
const char *stingy_account_colours(enum stingy_colour_proof proof);

/* For people: how the search for the solution ended. */
const char *stingy_account_end(enum stingy_program_end end);

#endif
