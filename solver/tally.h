/*
 * How many objects of each unit there are, and how many there ever were at once: one tally for each task (what it
 * holds), one for each run of a stage (what the run has added to what it found; below zero when it freed more).
 *
 * Units are whatever the caller counts by: chains at first, object kinds later. A tally holds the few units that its
 * owner has met, in an array. Each is looked for where one of the same low bits was found last, and then in all of it:
tasks hold tens of kinds, not thousands. Heap memory; one thread.
 */
#ifndef STINGY_TALLY_H
#define STINGY_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct stingy_tally_entry {
	uint32_t unit;
	int32_t now;
	int32_t peak; /* the most there ever were; at least 0 */
};

#define STINGY_TALLY_HINTS 64u /* a power of two */

struct stingy_tally {
	struct stingy_tally_entry *entry;
	size_t n_entries;
	/* the rest is the module's own */
	size_t room;
	uint8_t hint[STINGY_TALLY_HINTS]; /* by a unit's low bits: the entry to look at first, if there are as many */
};

/* A tally of zeros is an empty one. */
void stingy_tally_fini(struct stingy_tally *tally);

/* Forgets everything, and keeps the memory. */
void stingy_tally_clear(struct stingy_tally *tally);

/* Adds change, 1 or -1, to the unit's count. */
void stingy_tally_add(struct stingy_tally *tally, uint32_t unit, int change);

/* The unit's count, now. */
int32_t stingy_tally_now(const struct stingy_tally *tally, uint32_t unit);

#endif
