#include "region.h"

#include "../manifests/manifest.h"
#include "map.h"
#include "say.h"

_Static_assert(STINGY_SLOTS_MAX < STINGY_LIVE_ONE_SERVED, "a state has room for the free slots");

/* The shift, and the places up to the end of the last KiB, which is the region's alone: any address there has one. */
static void set_places(struct stingy_region *region, uint32_t offset, uint32_t slot, uint32_t count)
{
	uint32_t end = (offset + slot * count + STINGY_REGION_ALIGN - 1) & ~(STINGY_REGION_ALIGN - 1);
	region->shift = 31 - (uint32_t)__builtin_clz(slot);
	region->first_place = offset >> region->shift;
	region->n_places = ((end - 1) >> region->shift) - region->first_place + 1;
}

size_t stingy_region_memory(uint32_t slot, uint32_t count)
{
	struct stingy_region region;
	set_places(&region, 0, slot, count);
	/* One place more, as the region may begin and end in the midst of one. */
	return stingy_lines(count * sizeof(struct stingy_slot) + (region.n_places + 1) * sizeof(uint32_t));
}

void stingy_region_init(struct stingy_region *region, uint32_t number, char *origin, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory)
{
	*region = (struct stingy_region){
		.live = {.slot = slot, .count = count, .n_fresh = count},
		.stack = memory,
		.origin = origin,
		.label = "",
		.offset = offset,
		.number = number,
	};
	set_places(region, offset, slot, count);
	region->given = (uint32_t *)((struct stingy_slot *)memory + count) - region->first_place;
}

void stingy_region_init_none(struct stingy_region *region, char *origin)
{
	static uint32_t nothing_given[2] = {STINGY_SLOT_FREE, STINGY_SLOT_FREE}; /* there are two places */
	*region = (struct stingy_region){.given = nothing_given, .shift = 31, .origin = origin};
}

static struct stingy_slot slot_at(const struct stingy_region *region, uint32_t number)
{
	return stingy_region_slot(region, region->offset + number * region->live.slot);
}

static uint32_t n_ever_given(const struct stingy_region *region)
{
	return region->live.count - __atomic_load_n(&region->live.n_fresh, __ATOMIC_RELAXED);
}

static void set_stack(struct stingy_region *region, uint32_t n_free)
{
	region->live.state = (region->live.state & ~(STINGY_LIVE_ONE_SERVED - 1)) | n_free;
}

void stingy_region_rebuild(struct stingy_region *region)
{
	uint32_t n_free = 0;
	region->remote = 0;
	for (uint32_t number = n_ever_given(region); number-- > 0;) { /* the lowest addresses end on top */
		struct stingy_slot slot = slot_at(region, number);
		if (stingy_region_is_given(region, slot))
			continue;
		region->given[slot.place] = STINGY_SLOT_FREE;
		region->stack[n_free++] = slot;
	}
	set_stack(region, n_free);
}

void stingy_region_reset(struct stingy_region *region)
{
	for (uint32_t number = 0; number < n_ever_given(region); number++)
		region->given[slot_at(region, number).place] = STINGY_SLOT_FRESH;
	region->live.n_fresh = region->live.count;
	region->live.state = 0;
	region->remote = 0;
}

/* The slot whose place that is: the first that does not begin before it. */
static struct stingy_slot slot_in(const struct stingy_region *region, uint32_t place)
{
	uint32_t begin = place << region->shift;
	uint32_t in = begin > region->offset ? begin - region->offset : 0;
	return slot_at(region, (in + region->live.slot - 1) / region->live.slot);
}

bool stingy_region_collect(struct stingy_region *region)
{
	if (!stingy_region_has_remote(region))
		return false;
	uint32_t link = __atomic_exchange_n(&region->remote, 0, __ATOMIC_ACQUIRE);
	while (link != 0) {
		uint32_t place = link - 1;
		link = region->given[place] >> 1;
		stingy_region_push(region, slot_in(region, place));
	}
	return true;
}

void *stingy_region_refill(struct stingy_region *region)
{
	void *object = NULL;
	if (stingy_region_collect(region) && stingy_region_pop(region, region->origin, &object))
		return object;
	if (region->live.n_fresh == 0)
		return NULL;
	struct stingy_slot slot = slot_at(region, n_ever_given(region));
	__atomic_store_n(&region->live.n_fresh, region->live.n_fresh - 1, __ATOMIC_RELAXED);
	__atomic_store_n(&region->live.state, region->live.state + STINGY_LIVE_ONE_SERVED, __ATOMIC_RELAXED);
	return stingy_region_give(region, slot, region->origin);
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
	uint32_t n_free = stingy_region_n_ready(region);
	if (!stingy_region_has_remote(region))
		return n_free;
	for (uint32_t number = 0; number < n_ever_given(region); number++) {
		uint32_t given = __atomic_load_n(&region->given[slot_at(region, number).place], __ATOMIC_RELAXED);
		n_free += given & STINGY_SLOT_REMOTE;
	}
	return n_free;
}

static bool is_stack_valid(const struct stingy_region *region)
{
	for (uint32_t i = 0; i < stingy_live_region_free(&region->live); i++) {
		struct stingy_slot slot = region->stack[i];
		uint32_t in = slot.offset - region->offset;
		if (in % region->live.slot != 0 || in / region->live.slot >= n_ever_given(region) ||
		    stingy_region_slot(region, slot.offset).place != slot.place ||
		    region->given[slot.place] != STINGY_SLOT_FREE)
			return false;
	}
	return true;
}

bool stingy_region_is_valid(const struct stingy_region *region)
{
	uint32_t n[4] = {0}; /* fresh, given, free, remote */
	if (region->live.n_fresh > region->live.count)
		return false;
	for (uint32_t number = 0; number < region->live.count; number++) {
		struct stingy_slot slot = slot_at(region, number);
		uint32_t given = region->given[slot.place];
		if ((number >= n_ever_given(region)) != (given == STINGY_SLOT_FRESH))
			return false;
		n[0] += given == STINGY_SLOT_FRESH;
		n[1] += given == slot.offset;
		n[2] += given == STINGY_SLOT_FREE;
		n[3] += given & STINGY_SLOT_REMOTE;
	}
	return n[0] + n[1] + n[2] + n[3] == region->live.count && n[2] == stingy_live_region_free(&region->live) &&
	       is_stack_valid(region);
}

void stingy_region_bad_free(const struct stingy_region *region, uint32_t offset)
{
	const void *object = region->origin + offset;
	if (region->live.count == 0)
		stingy_die("free(): %p is in the arena, but in no region", object);
	uint32_t in = offset - region->offset, number = in / region->live.slot;
	if (number >= region->live.count)
		stingy_die("free(): %p is in no slot (behind region %u%s)", object, region->number, region->label);
	if (number * region->live.slot != in)
		stingy_die("free(): %p is inside slot %u of region %u%s, not its start", object, number, region->number,
			   region->label);
	if (number >= n_ever_given(region))
		stingy_die("free(): %p was never allocated (slot %u of region %u%s)", object, number, region->number,
			   region->label);
	stingy_die("free(): double free of %p (slot %u of region %u%s)", object, number, region->number, region->label);
}

void stingy_region_overrun(const struct stingy_region *region, uint32_t offset)
{
	uint32_t number = (offset - region->offset) / region->live.slot;
	stingy_die("free(): written past the end of %p (slot %u of region %u%s)", (void *)(region->origin + offset),
		   number, region->number, region->label);
}
