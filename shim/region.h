/*
 * A region: an array of equal slots in the cache slab, and which of them are free.
 *
 * What is known of a slot is kept out of line, so that freeing touches none of the object's lines and an overrun cannot
 * corrupt it: a stack of free slots (the last freed, still cached one is the next given), and for each slot whether it
 * is given. Slots are known by their offsets in the arena, so that neither giving nor freeing takes a multiplication or
 * a division. A slot gets onto the stack when it is first freed. Of those never given yet only the number is kept, so
 * that they take no memory, and the most slots ever in use follow from it.
 *
 * The region's owner thread takes and gives back slots without lock or atomic operation; other threads push theirs on a
 * list that the owner collects when it has run out. A slot is taken off the stack before it is marked as given, and
 * marked as free before it is put back: what fork copies at any moment is consistent or has lost a slot, which
 * stingy_region_rebuild finds.
 *
 * Memory: the caller's, zeroed, stingy_region_memory() bytes. Double frees and frees inside a slot end the program.
 */
#ifndef STINGY_REGION_H
#define STINGY_REGION_H

#include "../manifests/live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What given[] holds of a slot that is not: no offset of one, as those are multiples of STINGY_SLOT_ALIGN, and not 0.
 */
#define STINGY_SLOT_FRESH  0u               /* never given */
#define STINGY_SLOT_FREE   (UINT32_MAX - 1) /* on the stack */
#define STINGY_SLOT_REMOTE 1u /* this bit: freed by another thread and not yet collected; above it, the list's next */

/* A slot: its offset in the arena, and its place in given[]. */
struct stingy_slot {
	uint32_t offset, place;
};

/* The first line is all that a malloc and a free by the owner take. */
struct stingy_region {
	struct stingy_live_region live; /* first: it is read from outside */
	struct stingy_slot *stack;      /* the free slots, as many as live.state says */
	uint32_t *given;   /* [place]: the offset of the slot given there, or as above; begins at first_place */
	const void *owner; /* stingy_thread() of the thread; NULL: none; written by one store */
	uint32_t shift;    /* a place is an offset by 2^shift bytes, which is at most a slot */
	uint32_t first_place;
	/* what is not for the hot path */
	char *origin;      /* the address that offsets count from */
	const char *label; /* what lives here, for messages */
	uint32_t offset;   /* of the first slot */
	uint32_t number;   /* in the manifest, for messages */
	uint32_t n_places;
	bool has_high;   /* a kind that lives here has a region in the high slab too */
	uint32_t remote; /* place + 1 of the first on the list of what other threads freed, 0: none; atomic */
} __attribute__((aligned(64)));

/* Bytes of memory that a region needs besides the slots, wherever it lies: a multiple of STINGY_LINES. */
size_t stingy_region_memory(uint32_t slot, uint32_t count);

/*
 * Makes a region of count slots, none ever given, at origin + offset > origin. memory: zeroed, aligned to STINGY_LINES,
 * as above.
 */
void stingy_region_init(struct stingy_region *region, uint32_t number, char *origin, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory);

/* Makes one of no slots, for all offsets that belong to no other. */
void stingy_region_init_none(struct stingy_region *region, char *origin);

/*
 * What stingy_region_pop gives when it has nothing: what other threads have freed, else a slot never given; NULL if
 * all are in use. Owner thread only.
 */
void *stingy_region_refill(struct stingy_region *region);

/* Makes the stack and the remote list anew from what is given: after fork, in the child. */
void stingy_region_rebuild(struct stingy_region *region);

/* Forgets all that was ever given: after fork, in the child, where nothing lives in the region. */
void stingy_region_reset(struct stingy_region *region);

/* Gives back a slot, from any thread that is not the owner. Ends the program if it is not given. */
void stingy_region_push_remote(struct stingy_region *region, struct stingy_slot slot);

/* Whether the parts agree (expensive; for tests, and with no other thread about). */
bool stingy_region_is_valid(const struct stingy_region *region);

/* Ends the program: at the offset there is no slot that is given. */
_Noreturn void stingy_region_bad_free(const struct stingy_region *region, uint32_t offset);

/* Ends the program: something was written behind the object at the offset, which is given. */
_Noreturn void stingy_region_overrun(const struct stingy_region *region, uint32_t offset);

/* Takes in what other threads have freed; whether there was any. Owner thread only. */
bool stingy_region_collect(struct stingy_region *region);

/* Slots that are free, never given, or given back by other threads. Any thread. */
uint32_t stingy_region_n_free(const struct stingy_region *region);

/* The same, but for what other threads have given back. Any thread. */
static inline uint32_t stingy_region_n_ready(const struct stingy_region *region)
{
	return stingy_live_region_free(&region->live) + __atomic_load_n(&region->live.n_fresh, __ATOMIC_RELAXED);
}

/* Whether other threads have given back something that the owner has not taken in. Any thread. */
static inline bool stingy_region_has_remote(const struct stingy_region *region)
{
	return __atomic_load_n(&region->remote, __ATOMIC_RELAXED) != 0;
}

/* An offset in the arena with its place, which is one of given[] for every address up to the region's last KiB. */
static inline struct stingy_slot stingy_region_slot(const struct stingy_region *region, uint32_t offset)
{
	return (struct stingy_slot){offset, offset >> region->shift};
}

/* Marks a slot, off the stack by now, as given, and returns its address. origin: region->origin. */
static inline void *stingy_region_give(struct stingy_region *region, struct stingy_slot slot, char *origin)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* off the stack before given: see above */
	__atomic_store_n(&region->given[slot.place], slot.offset, __ATOMIC_RELAXED);
	return origin + slot.offset;
}

/* Takes the last slot off the stack and gives it; false if the stack is empty. Owner thread only. */
static inline bool stingy_region_pop(struct stingy_region *region, char *origin, void **object)
{
	uint64_t state = region->live.state;
	uint32_t n_free = (uint32_t)(state & (STINGY_LIVE_ONE_SERVED - 1));
	if (__builtin_expect(n_free == 0, 0))
		return false;
	struct stingy_slot slot = region->stack[n_free - 1];
	__atomic_store_n(&region->live.state, state + (STINGY_LIVE_ONE_SERVED - 1), __ATOMIC_RELAXED);
	*object = stingy_region_give(region, slot, origin);
	return true;
}

/* Whether a region whose stack is empty has nothing else to give. Owner thread only. */
static inline bool stingy_region_is_full(const struct stingy_region *region)
{
	return region->live.n_fresh == 0 && !stingy_region_has_remote(region);
}

/* Whether a slot that is given begins at the offset, whose place is given with it. */
static inline bool stingy_region_is_given(const struct stingy_region *region, struct stingy_slot slot)
{
	return __atomic_load_n(&region->given[slot.place], __ATOMIC_RELAXED) == slot.offset;
}

/* Gives back a slot that is given. Owner thread only. */
static inline void stingy_region_push(struct stingy_region *region, struct stingy_slot slot)
{
	__atomic_store_n(&region->given[slot.place], STINGY_SLOT_FREE, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	uint64_t state = region->live.state;
	region->stack[state & (STINGY_LIVE_ONE_SERVED - 1)] = slot;
	__atomic_store_n(&region->live.state, state + 1, __ATOMIC_RELAXED);
}

#endif
