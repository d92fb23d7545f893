#include "region.h"

#include "say.h"

size_t stingy_region_memory(uint32_t count)
{
	size_t bytes = (size_t)count * (sizeof(uint32_t) + sizeof(uint32_t) + sizeof(uint8_t));
	return (bytes + 15) & ~(size_t)15;
}

void stingy_region_init(struct stingy_region *region, uint32_t number, char *base, uint32_t offset, uint32_t slot,
			uint32_t count, void *memory)
{
	*region = (struct stingy_region){
		.live = {.offset = offset, .slot = slot, .count = count, .low = count},
		.base = base,
		.inverse = UINT64_MAX / slot + 1,
		.stack = memory,
		.remote_next = (uint32_t *)memory + count,
		.number = number,
	};
	region->state = (uint8_t *)(region->remote_next + count);
	stingy_region_rebuild(region);
}

void stingy_region_rebuild(struct stingy_region *region)
{
	uint32_t n_free = 0;
	region->remote = 0;
	for (uint32_t slot = region->live.count; slot-- > 0;) { /* the lowest addresses end on top */
		if (region->state[slot] == STINGY_SLOT_LIVE)
			continue;
		region->state[slot] = STINGY_SLOT_FREE;
		region->stack[n_free++] = slot;
	}
	region->live.n_free = n_free;
}

bool stingy_region_collect(struct stingy_region *region)
{
	uint32_t link = __atomic_exchange_n(&region->remote, 0, __ATOMIC_ACQUIRE);
	if (link == 0)
		return false;
	uint32_t n_free = region->live.n_free;
	for (; link != 0; link = region->remote_next[link - 1]) {
		__atomic_store_n(&region->state[link - 1], STINGY_SLOT_FREE, __ATOMIC_RELAXED);
		region->stack[n_free++] = link - 1;
	}
	region->live.n_free = n_free;
	return true;
}

void stingy_region_push_remote(struct stingy_region *region, void *object)
{
	uint32_t slot = stingy_region_slot(region, object);
	uint8_t live = STINGY_SLOT_LIVE;
	if (!__atomic_compare_exchange_n(&region->state[slot], &live, STINGY_SLOT_REMOTE, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		stingy_region_bad_free(region, object); /* two threads freed it at once */
	uint32_t head = __atomic_load_n(&region->remote, __ATOMIC_RELAXED);
	do
		region->remote_next[slot] = head;
	while (!__atomic_compare_exchange_n(&region->remote, &head, slot + 1, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
}

uint32_t stingy_region_n_free(const struct stingy_region *region)
{
	uint32_t n_free = region->live.n_free;
	if (__atomic_load_n(&region->remote, __ATOMIC_RELAXED) == 0)
		return n_free;
	for (uint32_t slot = 0; slot < region->live.count; slot++)
		n_free += __atomic_load_n(&region->state[slot], __ATOMIC_RELAXED) == STINGY_SLOT_REMOTE;
	return n_free;
}

bool stingy_region_is_valid(const struct stingy_region *region)
{
	uint32_t n_free = 0;
	for (uint32_t slot = 0; slot < region->live.count; slot++) {
		if (region->state[slot] > STINGY_SLOT_REMOTE)
			return false;
		n_free += region->state[slot] == STINGY_SLOT_FREE;
	}
	if (n_free != region->live.n_free || region->live.low > region->live.count)
		return false;
	for (uint32_t i = 0; i < n_free; i++)
		if (region->stack[i] >= region->live.count || region->state[region->stack[i]] != STINGY_SLOT_FREE)
			return false;
	return true;
}

void stingy_region_bad_free(const struct stingy_region *region, const void *object)
{
	uint64_t offset = (uint64_t)((const char *)object - region->base);
	uint64_t slot = offset / region->live.slot;
	if (slot >= region->live.count)
		stingy_die("free(): %p is in no slot (behind region %u)", object, region->number);
	if (slot * region->live.slot != offset)
		stingy_die("free(): %p is inside slot %lu of region %u, not its start", object, (unsigned long)slot,
			   region->number);
	stingy_die("free(): double free of %p (slot %lu of region %u)", object, (unsigned long)slot, region->number);
}
