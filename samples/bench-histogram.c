#include "bench-histogram.h"

/* Below HISTOGRAM_STEPS each value has a bucket; above, half as many share what lies between two powers of two. */
static unsigned bucket_of(uint64_t value)
{
	unsigned doublings = value < HISTOGRAM_STEPS ? 0 : (unsigned)(63 - __builtin_clzll(value)) - 5;
	unsigned bucket = doublings * HISTOGRAM_STEPS / 2 + (unsigned)(value >> doublings);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The greatest value of a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
	unsigned doublings = bucket < HISTOGRAM_STEPS ? 0 : bucket / (HISTOGRAM_STEPS / 2) - 1;
	return ((uint64_t)(bucket - doublings * HISTOGRAM_STEPS / 2 + 1) << doublings) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->n++;
	histogram->count[bucket_of(value)]++;
	if (value > histogram->longest)
		histogram->longest = value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double part)
{
	uint64_t seen = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->count[i];
		if (seen > 0 && (double)seen >= part * (double)histogram->n)
			return bucket_end(i) < histogram->longest ? bucket_end(i) : histogram->longest;
	}
	return 0;
}
