/*
 * A sample of sizes, every value kept with how often it came, and the sizes around which they cluster.
 *
 * Made for what runs of a stage use of the stack: few different values, since each path through the code uses the same
 * every time. Values lie in one cluster if no gap between neighbours is wider than an eighth of the larger one, or than
 * STINGY_SPREAD_GAP. Heap memory, freed by fini; zeros are empty; one thread.
 */
#ifndef STINGY_SPREAD_H
#define STINGY_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#define STINGY_SPREAD_GAP 128u /* the unit of the values: bytes, for a stack */

struct stingy_spread_value {
	uint64_t value;
	uint64_t count;
};

struct stingy_spread {
	struct stingy_spread_value *at; /* ascending */
	size_t n;
	uint64_t count; /* of all values */
	/* the rest is the module's own */
	size_t room;
};

struct stingy_spread_cluster {
	uint64_t least, most;
	uint64_t mean; /* rounded to the nearest */
	uint64_t count;
};

void stingy_spread_add(struct stingy_spread *spread, uint64_t value);
void stingy_spread_fini(struct stingy_spread *spread);

/* The largest value; 0: there is none. */
uint64_t stingy_spread_most(const struct stingy_spread *spread);

/* The least value that the given percentage of all values does not exceed; 0: there is none. */
uint64_t stingy_spread_cover(const struct stingy_spread *spread, unsigned percent);

/*
 * Fills in the clusters that hold most of the values, room of them at most, in ascending order. Returns how many there
 * are in all.
 */
size_t stingy_spread_clusters(const struct stingy_spread *spread, struct stingy_spread_cluster *cluster, size_t room);

#endif
