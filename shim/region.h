/*
 * A region: an array of equal slots in the cache slab, and which of them are free.
 *
 * What is known of a slot is kept out of line, so that freeing touches none of the object's lines and an overrun cannot
 * corrupt it: a stack of free slots (the last freed, still cached one is the next given), and for each slot whether it
 * is given. Slots go by their offset in the arena, so that neither way needs a multiplication or a division. The
 * arena's owner thread takes and gives back slots without lock or atomic operation; other threads push theirs on a list
 * that the owner collects when it has run out. A slot is taken off the stack before it is marked as given, and marked
 * as free before it is put back: what fork copies at any moment is consistent or has lost a slot, which
 * stingy_region_rebuild finds.
 *
 * Memory: the caller's, stingy_region_memory() bytes. Double frees and frees inside a slot end the program.
 */
#ifndef STINGY_REGION_H
#define STINGY_REGION_H

#include "../manifests/live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What given[] holds of a slot that is not: no offset of a slot, as those are multiples of STINGY_SLOT_ALIGN. */
#define STINGY_SLOT_FREE (UINT32_MAX - 1)
#define STINGY_SLOT_REMOTE                                                                                             \
	1u /* this bit: freed by another thread, and not yet collected; above it, the list's next                      \
	    */

/* A slot: its offset in the arena, and its place in given[]. */
struct stingy_slot {
	uint32_t offset, place;
};

struct stingy_region {
	struct stingy_live_region live; /* n_free is the height of the stack below */
	char *arena;                    /* the address that offsets count from */
	struct stingy_slot *stack;      /* the free slots: [0, n_free) */
	uint32_t *given; /* [place]: the offset of the slot given there, or as above; begins at first_place */
	uint32_t shift;  /* a place is an offset by 2^shift bytes, which is at most a slot */
	uint32_t first_place;
	uint32_t n_places;
	uint32_t remote; /* place + 1 of the first on the list of what other threads freed, 0: none; atomic */
	uint32_t number;
};

/* Bytes of memory that a region needs besides the slots. */
size_t stingy_region_memory(uint32_t offset, uint32_t slot, uint32_t count);

/* Makes a region of count free slots at arena + offset. memory: 16-aligned, stingy_region_memory() bytes. */
void stingy_region_init(struct stingy_region *region, uint32_t number, char *arena, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory);

/* Takes in what other threads have freed. Owner thread only. Returns whether there was anything. */
bool stingy_region_collect(struct stingy_region *region);

/* Makes the stack and the remote list anew from what is given: after fork, in the child. */
void stingy_region_rebuild(struct stingy_region *region);

/* Gives back a slot, from any thread that is not the owner. Ends the program if it is not given. */
void stingy_region_push_remote(struct stingy_region *region, struct stingy_slot slot);

/* Whether the parts agree (expensive; for tests, and with no other thread about). */
bool stingy_region_is_valid(const struct stingy_region *region);

/* Ends the program: at the offset there is no slot that is given. */
_Noreturn void stingy_region_bad_free(const struct stingy_region *region, uint32_t offset);

/* Slots that are free or that other threads have given back. */
uint32_t stingy_region_n_free(const struct stingy_region *region);

/* An offset in the arena with its place, which is one of given[] for every address up to the region's last KiB. */
static inline struct stingy_slot stingy_region_slot(const struct stingy_region *region, uint32_t offset)
{
	return (struct stingy_slot){offset, offset >> region->shift};
}

/* A free slot; NULL if the stack is empty. Owner thread only. */
static inline void *stingy_region_pop(struct stingy_region *region)
{
	uint32_t n_free = region->live.n_free;
	if (__builtin_expect(n_free == 0, 0))
		return NULL;
	n_free--;
	struct stingy_slot slot = region->stack[n_free];
	region->live.n_free = n_free;
	if (n_free < region->live.low)
		region->live.low = n_free;
	region->live.served++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* off the stack before given: see above */
	__atomic_store_n(&region->given[slot.place], slot.offset, __ATOMIC_RELAXED);
	void *object = region->arena + slot.offset;
	if ((uintptr_t)object <= UINT16_MAX)
		__builtin_unreachable(); /* callers need not compare it with NULL and its like */
	return object;
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
	uint32_t n_free = region->live.n_free;
	region->stack[n_free] = slot;
	region->live.n_free = n_free + 1;
}

#endif
