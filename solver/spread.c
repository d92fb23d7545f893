#include "spread.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* Where the value is, or would go. */
static size_t find(const struct stingy_spread *spread, uint64_t value)
{
	size_t low = 0, high = spread->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spread->at[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void stingy_spread_add(struct stingy_spread *spread, uint64_t value)
{
	size_t at = find(spread, value);

	if (at == spread->n || spread->at[at].value != value) {
		STINGY_GROW(spread->at, &spread->room, spread->n + 1);
		memmove(&spread->at[at + 1], &spread->at[at], (spread->n - at) * sizeof(*spread->at));
		spread->at[at] = (struct stingy_spread_value){.value = value};
		spread->n++;
	}
	spread->at[at].count++;
	spread->count++;
}

void stingy_spread_fini(struct stingy_spread *spread)
{
	free(spread->at);
	memset(spread, 0, sizeof(*spread));
}

uint64_t stingy_spread_most(const struct stingy_spread *spread)
{
	return spread->n ? spread->at[spread->n - 1].value : 0;
}

uint64_t stingy_spread_cover(const struct stingy_spread *spread, unsigned percent)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < spread->n; i++) {
		covered += spread->at[i].count;
		if (covered * 100 >= spread->count * percent)
			return spread->at[i].value;
	}
	return 0;
}

/* Whether a value and the next larger one are too far apart for one cluster. */
static int is_gap(uint64_t value, uint64_t next)
{
	uint64_t allowed = next / 8 > STINGY_SPREAD_GAP ? next / 8 : STINGY_SPREAD_GAP;

	return next - value > allowed;
}

/* The cluster that begins at the value with this index; *index becomes that of the next one. */
static struct stingy_spread_cluster take_cluster(const struct stingy_spread *spread, size_t *index)
{
	struct stingy_spread_cluster cluster = {.least = spread->at[*index].value};
	double sum = 0;

	do {
		const struct stingy_spread_value *value = &spread->at[*index];

		cluster.most = value->value;
		cluster.count += value->count;
		sum += (double)value->value * (double)value->count;
		++*index;
	} while (*index < spread->n && !is_gap(spread->at[*index - 1].value, spread->at[*index].value));
	cluster.mean = (uint64_t)(sum / (double)cluster.count + 0.5);
	return cluster;
}

/* The index of the smallest of n clusters; of several, of the last. */
static size_t find_smallest(const struct stingy_spread_cluster *cluster, size_t n)
{
	size_t smallest = 0;

	for (size_t i = 1; i < n; i++)
		if (cluster[i].count <= cluster[smallest].count)
			smallest = i;
	return smallest;
}

size_t stingy_spread_clusters(const struct stingy_spread *spread, struct stingy_spread_cluster *cluster, size_t room)
{
	size_t n = 0, all = 0, index = 0;

	while (index < spread->n) {
		struct stingy_spread_cluster next = take_cluster(spread, &index);

		all++;
		if (n == room) {
			size_t smallest = find_smallest(cluster, n);

			if (!room || cluster[smallest].count >= next.count)
				continue;
			memmove(&cluster[smallest], &cluster[smallest + 1], (n - smallest - 1) * sizeof(*cluster));
			n--;
		}
		cluster[n++] = next;
	}
	return all;
}
