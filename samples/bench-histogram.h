/*
 * A histogram of times, exact to one part in 32, in a fixed place: for percentiles of any number of values.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   64                     /* buckets up to the first doubling; then half as many for each */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 20) /* up to some 2^43 ns */

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t n, longest;
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that the part (0 to 1) of all values do not exceed; 0 if there are none. */
uint64_t histogram_percentile(const struct histogram *histogram, double part);

#endif
