#include "tally.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

void stingy_tally_fini(struct stingy_tally *tally)
{
	free(tally->entry);
	memset(tally, 0, sizeof(*tally));
}

void stingy_tally_clear(struct stingy_tally *tally)
{
	tally->n_entries = 0;
	tally->last = 0;
}

static struct stingy_tally_entry *find(struct stingy_tally *tally, uint32_t unit)
{
	if (tally->last < tally->n_entries && tally->entry[tally->last].unit == unit)
		return &tally->entry[tally->last];
	for (size_t i = 0; i < tally->n_entries; i++) {
		if (tally->entry[i].unit == unit) {
			tally->last = i;
			return &tally->entry[i];
		}
	}
	STINGY_GROW(tally->entry, &tally->room, tally->n_entries + 1);
	tally->last = tally->n_entries++;
	tally->entry[tally->last] = (struct stingy_tally_entry){.unit = unit};
	return &tally->entry[tally->last];
}

void stingy_tally_add(struct stingy_tally *tally, uint32_t unit, int change)
{
	struct stingy_tally_entry *entry = find(tally, unit);

	entry->now += change;
	if (entry->now > entry->peak)
		entry->peak = entry->now;
}
