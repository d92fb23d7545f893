/*
 * A region: an array of equal slots in the cache slab, and which of them are free.
 *
 * What is known of a slot is kept out of line, so that freeing touches none of the object's lines and an overrun cannot
 * corrupt it: a stack of free slots (the last freed, still cached one is the next given) and a state a slot. The
 * arena's owner thread takes and gives back slots without lock or atomic operation; other threads push theirs
 * on a list that the owner collects when it has run out. A slot is taken off the stack before it is marked, and marked
 * free before it is put back: what fork copies at any moment is consistent or has lost a slot, which
 * stingy_region_rebuild finds.
 *
 * Memory: the caller's, stingy_region_memory() bytes a slot. Double frees and frees inside a slot end the program.
 */
#ifndef STINGY_REGION_H
#define STINGY_REGION_H

#include "../manifests/live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stingy_slot_state {
	STINGY_SLOT_FREE = 0,
	STINGY_SLOT_LIVE = 1,
	STINGY_SLOT_REMOTE = 2, /* freed by another thread, not yet collected */
};

struct stingy_region {
	struct stingy_live_region live; /* n_free is the height of the stack below */
	char *base;                     /* address of slot 0 */
	uint64_t inverse;               /* 2^64 / slot, rounded up: divides by a multiplication */
	uint32_t *stack;                /* numbers of the free slots: [0, n_free) */
	uint8_t *state;                 /* enum stingy_slot_state of each slot */
	uint32_t *remote_next;          /* links of the remote list: slot number + 1, 0 ends it */
	uint32_t remote;                /* head of the remote list, likewise; atomic */
	uint32_t number;
};

/* Bytes of memory that a region of count slots needs besides the slots. */
size_t stingy_region_memory(uint32_t count);

/* Makes a region of count free slots at base. memory: zeroed, 16-aligned, stingy_region_memory(count) bytes. */
void stingy_region_init(struct stingy_region *region, uint32_t number, char *base, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory);

/* Takes in what other threads have freed. Owner thread only. Returns whether there was anything. */
bool stingy_region_collect(struct stingy_region *region);

/* Makes the stack and the remote list anew from the states: after fork, in the child. */
void stingy_region_rebuild(struct stingy_region *region);

/* Gives back the slot that holds object, from any thread that is not the owner. */
void stingy_region_push_remote(struct stingy_region *region, void *object);

/* Whether the parts agree (expensive; for tests, and with no other thread about). */
bool stingy_region_is_valid(const struct stingy_region *region);

/* Ends the program: object is not what free may be given. */
_Noreturn void stingy_region_bad_free(const struct stingy_region *region, const void *object);

/* Slots that are free or that other threads have given back. */
uint32_t stingy_region_n_free(const struct stingy_region *region);

/* A free slot; NULL if the stack is empty. Owner thread only. */
static inline void *stingy_region_pop(struct stingy_region *region)
{
	uint32_t n_free = region->live.n_free;
	if (__builtin_expect(n_free == 0, 0))
		return NULL;
	n_free--;
	uint32_t slot = region->stack[n_free];
	region->live.n_free = n_free;
	if (n_free < region->live.low)
		region->live.low = n_free;
	region->live.served++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* off the stack before live: see above */
	region->state[slot] = STINGY_SLOT_LIVE;
	return region->base + (size_t)slot * region->live.slot;
}

/* The number of the slot that begins at object; ends the program if none does, or if it is not live. */
static inline uint32_t stingy_region_slot(const struct stingy_region *region, const void *object)
{
	uint64_t offset = (uint64_t)((const char *)object - region->base);
	uint64_t slot = (uint64_t)(((unsigned __int128)offset * region->inverse) >> 64);
	if (__builtin_expect(slot >= region->live.count || slot * region->live.slot != offset ||
				     region->state[slot] != STINGY_SLOT_LIVE,
			     0))
		stingy_region_bad_free(region, object);
	return (uint32_t)slot;
}

/* Gives back the slot that holds object. Owner thread only. */
static inline void stingy_region_push(struct stingy_region *region, void *object)
{
	uint32_t slot = stingy_region_slot(region, object);
	region->state[slot] = STINGY_SLOT_FREE;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	uint32_t n_free = region->live.n_free;
	region->stack[n_free] = slot;
	region->live.n_free = n_free + 1;
}

#endif
