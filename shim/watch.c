#include "watch.h"

#include "map.h"

struct stingy_watch *stingy_watches;
uint8_t *stingy_roles;

static uint32_t last; /* atomic */

int stingy_watch_init(void)
{
	stingy_watches = stingy_map(STINGY_WATCHES * sizeof(*stingy_watches));
	stingy_roles = stingy_map(STINGY_WATCHES);
	return stingy_watches && stingy_roles ? 0 : -1;
}

void stingy_watch_note(int fd)
{
	uint32_t old = __atomic_load_n(&last, __ATOMIC_RELAXED);
	while (old < (uint32_t)fd &&
	       !__atomic_compare_exchange_n(&last, &old, (uint32_t)fd, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

uint32_t stingy_watch_last(void)
{
	return __atomic_load_n(&last, __ATOMIC_RELAXED);
}
