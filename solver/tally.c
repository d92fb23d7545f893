#include "tally.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

void stingy_tally_fini(struct stingy_tally *tally)
{
	free(tally->entry);
	memset(tally, 0, sizeof(*tally));
}

/* The hints stay: they are looked at, not trusted. */
void stingy_tally_clear(struct stingy_tally *tally)
{
	tally->n_entries = 0;
}

/* The unit's entry; n_entries: it has none. */
static size_t find(const struct stingy_tally *tally, uint32_t unit)
{
	size_t at = tally->hint[unit % STINGY_TALLY_HINTS];

	if (at < tally->n_entries && tally->entry[at].unit == unit)
		return at;
	for (at = 0; at < tally->n_entries; at++)
		if (tally->entry[at].unit == unit)
			break;
	return at;
}

void stingy_tally_add(struct stingy_tally *tally, uint32_t unit, int change)
{
	size_t at = find(tally, unit);
	struct stingy_tally_entry *entry;

	if (at == tally->n_entries) {
		STINGY_GROW(tally->entry, &tally->room, tally->n_entries + 1);
		tally->entry[tally->n_entries++] = (struct stingy_tally_entry){.unit = unit};
	}
	if (at <= UINT8_MAX)
		tally->hint[unit % STINGY_TALLY_HINTS] = (uint8_t)at;
	entry = &tally->entry[at];
	entry->now += change;
	if (entry->now > entry->peak)
		entry->peak = entry->now;
}

int32_t stingy_tally_now(const struct stingy_tally *tally, uint32_t unit)
{
	size_t at = find(tally, unit);

	return at < tally->n_entries ? tally->entry[at].now : 0;
}
