/*
 * How objects are given back to a region, for tests of it: as the production backend does, which looks first whether
 * there is one.
 */
#ifndef REGION_FREE_H
#define REGION_FREE_H

#include "../shim/region.h"

static struct stingy_region region; /* under test */

static struct stingy_slot slot_of(const void *object)
{
	return stingy_region_slot(&region, (uint32_t)((const char *)object - region.origin));
}

/* As the owner thread frees. */
static void push(void *object)
{
	struct stingy_slot slot = slot_of(object);

	if (!stingy_region_is_given(&region, slot))
		stingy_region_bad_free(&region, slot.offset);
	stingy_region_push(&region, slot);
}

static void push_remote(void *object)
{
	stingy_region_push_remote(&region, slot_of(object));
}

#endif
