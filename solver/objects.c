#include "objects.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 4096u

void stingy_objects_fini(struct stingy_objects *objects)
{
	free(objects->slot);
	memset(objects, 0, sizeof(*objects));
}

/* Fibonacci hashing: addresses differ in their middle bits, the product's upper bits depend on all of them. */
static size_t home_of(const struct stingy_objects *objects, uint64_t address)
{
	return (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (objects->n_slots - 1);
}

/* The slot that holds the address, or the empty one where it would go. */
static size_t find(const struct stingy_objects *objects, uint64_t address)
{
	size_t at = home_of(objects, address);

	while (objects->slot[at].address && objects->slot[at].address != address)
		at = (at + 1) & (objects->n_slots - 1);
	return at;
}

static void enlarge(struct stingy_objects *objects)
{
	struct stingy_objects larger = {.n_slots = objects->n_slots ? objects->n_slots * 2 : FIRST_SLOTS,
					.n_objects = objects->n_objects};

	larger.slot = stingy_memory_new(larger.n_slots, sizeof(*larger.slot));
	for (size_t i = 0; i < objects->n_slots; i++)
		if (objects->slot[i].address)
			larger.slot[find(&larger, objects->slot[i].address)] = objects->slot[i];
	free(objects->slot);
	*objects = larger;
}

void stingy_objects_put(struct stingy_objects *objects, const struct stingy_object *object)
{
	if (objects->n_slots * 2 <= objects->n_objects * 3)
		enlarge(objects);
	objects->slot[find(objects, object->address)] = *object;
	objects->n_objects++;
}

/* Moves up those behind the hole that may not lie behind a hole: no marks of deleted entries ever pile up. */
static void close_hole(struct stingy_objects *objects, size_t hole)
{
	size_t mask = objects->n_slots - 1;

	for (size_t at = (hole + 1) & mask; objects->slot[at].address; at = (at + 1) & mask) {
		size_t home = home_of(objects, objects->slot[at].address);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		objects->slot[hole] = objects->slot[at];
		hole = at;
	}
	objects->slot[hole].address = 0;
}

bool stingy_objects_take(struct stingy_objects *objects, uint64_t address, struct stingy_object *object)
{
	size_t at;

	if (!objects->n_objects || !address)
		return false;
	at = find(objects, address);
	if (!objects->slot[at].address)
		return false;
	*object = objects->slot[at];
	close_hole(objects, at);
	objects->n_objects--;
	return true;
}
