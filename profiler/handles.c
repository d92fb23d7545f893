#include "handles.h"

#include "../shim/map.h"

#include <pthread.h>

#define PLACES_SHIFT (64 - 20)
#define PLACES       (2 * STINGY_HANDLES_MAX)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stingy_handle *table; /* by a hash of the address; address 0: empty */
static uint32_t n_handles;

_Static_assert((UINT64_C(1) << (64 - PLACES_SHIFT)) == PLACES, "the shift makes an index");

int stingy_handles_init(void)
{
	table = stingy_map(PLACES * sizeof(*table));
	return table ? 0 : -1;
}

static struct stingy_handle *find(uintptr_t address)
{
	uint32_t i = (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> PLACES_SHIFT);
	while (table[i].address != 0 && table[i].address != address)
		i = (i + 1) % PLACES;
	return &table[i];
}

bool stingy_handles_put(const struct stingy_handle *handle)
{
	pthread_mutex_lock(&lock);
	struct stingy_handle *place = find(handle->address);
	bool has_room = place->address != 0 || n_handles < STINGY_HANDLES_MAX;
	if (has_room) {
		n_handles += place->address == 0;
		*place = *handle;
	}
	pthread_mutex_unlock(&lock);
	return has_room;
}

bool stingy_handles_get(struct stingy_handle *handle)
{
	pthread_mutex_lock(&lock);
	const struct stingy_handle *place = find(handle->address);
	bool is_known = place->address != 0;
	if (is_known)
		*handle = *place;
	pthread_mutex_unlock(&lock);
	return is_known;
}

void stingy_handles_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
}
