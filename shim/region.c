#include "region.h"

#include "../manifests/manifest.h"
#include "say.h"

/* The shift, and the places up to the end of the last KiB, which is the region's alone: any address there has one. */
static void set_places(struct stingy_region *region, uint32_t offset, uint32_t slot, uint32_t count)
{
	uint32_t end = (offset + slot * count + STINGY_REGION_ALIGN - 1) & ~(STINGY_REGION_ALIGN - 1);
	region->shift = 31 - (uint32_t)__builtin_clz(slot);
	region->first_place = offset >> region->shift;
	region->n_places = ((end - 1) >> region->shift) - region->first_place + 1;
}

size_t stingy_region_memory(uint32_t offset, uint32_t slot, uint32_t count)
{
	struct stingy_region region;
	set_places(&region, offset, slot, count);
	size_t bytes = count * sizeof(struct stingy_slot) + region.n_places * sizeof(uint32_t);
	return (bytes + 15) & ~(size_t)15;
}

void stingy_region_init(struct stingy_region *region, uint32_t number, char *arena, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory)
{
	*region = (struct stingy_region){
		.live = {.offset = offset, .slot = slot, .count = count, .low = count},
		.arena = arena,
		.stack = memory,
		.number = number,
	};
	set_places(region, offset, slot, count);
	uint32_t *given = (uint32_t *)((struct stingy_slot *)memory + count);
	for (uint32_t i = 0; i < region->n_places; i++)
		given[i] = STINGY_SLOT_FREE;
	region->given = given - region->first_place;
	stingy_region_rebuild(region);
}

static struct stingy_slot slot_at(const struct stingy_region *region, uint32_t number)
{
	return stingy_region_slot(region, region->live.offset + number * region->live.slot);
}

void stingy_region_rebuild(struct stingy_region *region)
{
	uint32_t n_free = 0;
	region->remote = 0;
	for (uint32_t number = region->live.count; number-- > 0;) { /* the lowest addresses end on top */
		struct stingy_slot slot = slot_at(region, number);
		if (stingy_region_is_given(region, slot))
			continue;
		region->given[slot.place] = STINGY_SLOT_FREE;
		region->stack[n_free++] = slot;
	}
	region->live.n_free = n_free;
}

/* The slot whose place that is: the first that does not begin before it. */
static struct stingy_slot slot_in(const struct stingy_region *region, uint32_t place)
{
	uint32_t begin = place << region->shift;
	uint32_t in = begin > region->live.offset ? begin - region->live.offset : 0;
	return slot_at(region, (in + region->live.slot - 1) / region->live.slot);
}

bool stingy_region_collect(struct stingy_region *region)
{
	uint32_t link = __atomic_exchange_n(&region->remote, 0, __ATOMIC_ACQUIRE);
	if (link == 0)
		return false;
	while (link != 0) {
		uint32_t place = link - 1;
		link = region->given[place] >> 1;
		stingy_region_push(region, slot_in(region, place));
	}
	return true;
}

void stingy_region_push_remote(struct stingy_region *region, struct stingy_slot slot)
{
	uint32_t *given = &region->given[slot.place], expected = slot.offset;
	if (!__atomic_compare_exchange_n(given, &expected, STINGY_SLOT_REMOTE, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		stingy_region_bad_free(region, slot.offset);
	uint32_t head = __atomic_load_n(&region->remote, __ATOMIC_RELAXED);
	do
		__atomic_store_n(given, head << 1 | STINGY_SLOT_REMOTE, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&region->remote, &head, slot.place + 1, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

uint32_t stingy_region_n_free(const struct stingy_region *region)
{
	uint32_t n_free = region->live.n_free;
	if (__atomic_load_n(&region->remote, __ATOMIC_RELAXED) == 0)
		return n_free;
	for (uint32_t i = 0; i < region->n_places; i++)
		n_free +=
			__atomic_load_n(&region->given[region->first_place + i], __ATOMIC_RELAXED) & STINGY_SLOT_REMOTE;
	return n_free;
}

bool stingy_region_is_valid(const struct stingy_region *region)
{
	uint32_t n_given = 0, n_remote = 0;
	for (uint32_t number = 0; number < region->live.count; number++) {
		struct stingy_slot slot = slot_at(region, number);
		uint32_t given = region->given[slot.place];
		if (given != slot.offset && given != STINGY_SLOT_FREE && !(given & STINGY_SLOT_REMOTE))
			return false;
		n_given += given == slot.offset;
		n_remote += given & STINGY_SLOT_REMOTE;
	}
	if (n_given + n_remote + region->live.n_free != region->live.count || region->live.low > region->live.count)
		return false;
	for (uint32_t i = 0; i < region->live.n_free; i++) {
		struct stingy_slot slot = region->stack[i];
		uint32_t in = slot.offset - region->live.offset;
		if (in % region->live.slot != 0 || in / region->live.slot >= region->live.count ||
		    stingy_region_slot(region, slot.offset).place != slot.place ||
		    region->given[slot.place] != STINGY_SLOT_FREE)
			return false;
	}
	return true;
}

void stingy_region_bad_free(const struct stingy_region *region, uint32_t offset)
{
	const void *object = region->arena + offset;
	uint32_t in = offset - region->live.offset, number = in / region->live.slot;
	if (number >= region->live.count)
		stingy_die("free(): %p is in no slot (behind region %u)", object, region->number);
	if (number * region->live.slot != in)
		stingy_die("free(): %p is inside slot %u of region %u, not its start", object, number, region->number);
	stingy_die("free(): double free of %p (slot %u of region %u)", object, number, region->number);
}
