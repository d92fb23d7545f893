/*
 * Canaries: bytes at the end of a slot that a program which stays in its objects never writes to. For finding an error
 * (STINGY_CANARIES), not for production: a slot's lines are touched by each malloc and free. They differ from slot to
 * slot, and are what no program is likely to write there by mistake.
 *
 * No state but the slots; whoever holds the object. For serve.c alone, which decides whether there are any.
 */
#ifndef STINGY_CANARY_H
#define STINGY_CANARY_H

#include "region.h"

#include <stdbool.h>
#include <stdint.h>

#define STINGY_CANARY_SIZE 16u /* bytes: what slots are longer by */

static inline uint64_t *stingy_canary_of(const struct stingy_region *region, uint32_t offset)
{
	return (uint64_t *)(void *)(region->origin + offset + region->live.slot - STINGY_CANARY_SIZE);
}

static inline uint64_t stingy_canary_word(const uint64_t *at)
{
	return (uintptr_t)at * 0x9e3779b97f4a7c15u;
}

/* Puts one behind the object, which has just been given. Returns the object. */
static inline void *stingy_canary_put(const struct stingy_region *region, void *object)
{
	uint64_t *at = stingy_canary_of(region, (uint32_t)((char *)object - region->origin));
	at[0] = stingy_canary_word(at);
	at[1] = stingy_canary_word(at + 1);
	return object;
}

/* Whether the one of the slot at the offset, which is given, is as it was. */
static inline bool stingy_canary_is_whole(const struct stingy_region *region, uint32_t offset)
{
	const uint64_t *at = stingy_canary_of(region, offset);
	return at[0] == stingy_canary_word(at) && at[1] == stingy_canary_word(at + 1);
}

#endif
