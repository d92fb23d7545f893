/*
 * Live statistics of a process that runs under the production shim: what `stingy stat` reads.
 *
 * The shim keeps them in a private mapping of its own that shows in /proc/PID/maps as
 * "/memfd:stingy-live (deleted)"; a reader with the rights of a debugger reads it through /proc/PID/mem.
 * No file is left behind, nothing is shared between processes, and after fork each process has its own copy.
 * Writers pay a plain increment; a reader takes a snapshot that need not be consistent.
 * The layout is private to one version of Stingy: magic and version must match.
 */
#ifndef STINGY_LIVE_H
#define STINGY_LIVE_H

#include <stdint.h>

#define STINGY_LIVE_NAME    "stingy-live"
#define STINGY_LIVE_MAGIC   UINT64_C(0x45564c59474e5453) /* "STNGYLVE" */
#define STINGY_LIVE_VERSION 5u
#define STINGY_LIVE_THREADS 63u /* threads with counters of their own; later ones share theirs */

enum stingy_live_state {
	STINGY_LIVE_OFF = 0, /* no manifest, or one that was refused: everything goes to the next allocator */
	STINGY_LIVE_READY,   /* the manifest is in force; no managed site has allocated yet */
	STINGY_LIVE_SERVING, /* the arena is in place */
	STINGY_LIVE_DRY_RUN, /* sites are matched and counted, nothing is served */
};

enum stingy_live_pages {
	STINGY_PAGES_NONE = 0, /* there is no arena yet */
	STINGY_PAGES_EXPLICIT,
	STINGY_PAGES_TRANSPARENT,
	STINGY_PAGES_SMALL,
};

/* Why an allocation at a managed site went to the next allocator. */
enum stingy_fell_back {
	STINGY_FELL_SIZE = 0, /* larger than its kind's size in the manifest */
	STINGY_FELL_ALIGN,    /* alignment beyond what the slots have */
	STINGY_FELL_FULL,     /* no free slot in its region */
	STINGY_FELL_THREAD,   /* another thread than the owner, at an address where managed sites begin */
	STINGY_FELL_NO_ARENA, /* there was no memory for the arena */
	STINGY_FELL_REASONS,
};

/* One thread's counters: a cache line each, so that threads do not share one (but for those beyond the number). */
struct stingy_live_counters {
	uint64_t served;    /* in a dry run: would have been; else zero, as the regions count theirs */
	uint64_t unmanaged; /* not at a managed site */
	uint64_t fell_back[STINGY_FELL_REASONS];
	uint64_t unused;
};

/*
 * The first word is what every allocation and every free changes; other threads may read it meanwhile. Slots that were
 * never given are no part of the stack of free ones: in use = count - n_fresh - free slots on the stack; peak = count -
 * n_fresh.
 */
struct stingy_live_region {
	uint64_t state;   /* slots on the stack, in the low STINGY_LIVE_FREE_BITS; above them: allocations ever */
	uint32_t offset;  /* bytes from the start of the arena's cache slab */
	uint32_t slot;    /* bytes */
	uint32_t count;   /* slots */
	uint32_t n_fresh; /* slots never given: those with the highest addresses */
	uint64_t full;    /* allocations refused because none was free */
};

#define STINGY_LIVE_FREE_BITS  20
#define STINGY_LIVE_ONE_SERVED (UINT64_C(1) << STINGY_LIVE_FREE_BITS)

static inline uint32_t stingy_live_region_free(const struct stingy_live_region *region)
{
	return (uint32_t)(__atomic_load_n(&region->state, __ATOMIC_RELAXED) & (STINGY_LIVE_ONE_SERVED - 1));
}

static inline uint64_t stingy_live_region_served(const struct stingy_live_region *region)
{
	return region->state >> STINGY_LIVE_FREE_BITS;
}

/* What becomes of the events of one epoll instance, where they are ordered (shim/order.h). */
enum stingy_live_ordering {
	STINGY_ORDERING_NONE = 0, /* there is no such instance */
	STINGY_ORDERING_OFF,      /* nothing is to be won, as far as is known */
	STINGY_ORDERING_SEARCHING,
	STINGY_ORDERING_ON,
	STINGY_ORDERING_RESTING, /* it would be on, but hardly anything is ready at a time */
	STINGY_ORDERING_LEFT,    /* the instance is left alone, for good */
	STINGY_ORDERING_STATES,
};

/* Why an instance is left alone. */
enum stingy_live_left {
	STINGY_LEFT_NOT = 0,
	STINGY_LEFT_EDGES,       /* connections are edge-triggered or one-shot */
	STINGY_LEFT_THREADS,     /* several threads wait on it, or register with it */
	STINGY_LEFT_FORKED,      /* it was made before a fork */
	STINGY_LEFT_DESCRIPTORS, /* no descriptor for our own instance, or it was closed; or one of too high a number */
	STINGY_LEFT_STRANGER, /* what is registered with it is registered by a name of an instance that is not known */
	STINGY_LEFT_TWICE,    /* poll: a descriptor is in the array twice */
	STINGY_LEFT_REASONS,
};

#define STINGY_LIVE_ORDERS 8u  /* instances that have figures */
#define STINGY_LIVE_RUNS   12u /* places for lengths of runs: 1, 2 to 3, 4 to 7, and so on; the last has all above */

struct stingy_live_order {
	uint32_t state; /* enum stingy_live_ordering */
	uint32_t why;   /* enum stingy_live_left */
	uint32_t bound; /* events that a turn may begin with; 0: as many as are ready */
	uint32_t crowd; /* events in the turn of the average event, without a bound, as last measured */
	uint32_t duels; /* comparisons of two bounds */
	uint32_t won;   /* by the new one */
	/* Both mean nothing where why is not 0, and may be off by what several threads did at once. */
	int32_t connections;  /* accepted ones that are registered; poll and select: -1 */
	int32_t tasks;        /* in flight: the server waits to write to them, or begins on them; -1: not known */
	int32_t saved;        /* per cent of a request's time that a bound saved in the last comparison with none */
	uint64_t short_turns; /* that began with fewer events than the bound, as the regions had room for no more */
	uint64_t turns[2];    /* that brought events: of all kinds, and of what was under way */
	uint64_t events[2];   /* in these */
	uint64_t runs[2][STINGY_LIVE_RUNS]; /* of events in a row to read, or to write: without a bound, and with it */
};

#define STINGY_LIVE_BATCHES 15u /* places for lengths: 1, 2 to 3, 4 to 7 and so on; the last has all above */

/* A stage that a program announces (stingy.h), in one thread. A batch is a number of runs of one stage in a row. */
struct stingy_live_stage {
	uint64_t runs;
	uint64_t batches[STINGY_LIVE_BATCHES]; /* those that are over */
};

/*
 * Where these are: for each thread that has counters, the stages of the manifest by their numbers, and one more for all
 * that the manifest does not know. There are none if it knows none.
 */
struct stingy_live_stages {
	uint64_t at;    /* bytes from the start of struct stingy_live to the first thread's */
	uint32_t count; /* stages in the manifest */
	uint32_t unused;
};

/* For how many stages each thread has room. */
static inline uint64_t stingy_live_stage_rows(uint32_t n_stages)
{
	return n_stages ? (uint64_t)n_stages + 1 : 0;
}

struct stingy_live {
	uint64_t magic;
	uint32_t version;
	uint32_t pid;       /* of the process that the figures are of */
	uint32_t state;     /* enum stingy_live_state */
	uint32_t pages;     /* enum stingy_live_pages */
	uint32_t n_threads; /* threads that have counters, at most STINGY_LIVE_THREADS */
	uint32_t n_regions; /* of each arena */
	uint32_t n_arenas;
	uint32_t n_owned;     /* arenas that a thread owns now */
	uint64_t regions_at;  /* bytes from the start of this structure to the first region of the first arena */
	uint64_t region_size; /* bytes from one struct stingy_live_region to the next; arenas follow each other */
	uint64_t slab;        /* bytes of the cache slab */
	uint64_t arena;       /* address of the first arena's cache slab; 0: there is none */
	uint64_t stride;      /* bytes from one arena's cache slab to the next */
	uint64_t sites;       /* in the manifest */
	uint64_t sites_here;  /* whose modules are loaded */
	char manifest[256];   /* path, terminated, cut to fit */
	char note[256];       /* what a reader should know (why off, why small pages); may be empty */
	struct stingy_live_stages stages;
	struct stingy_live_counters thread[STINGY_LIVE_THREADS] __attribute__((aligned(64)));
	struct stingy_live_order order[STINGY_LIVE_ORDERS];
};

#endif
