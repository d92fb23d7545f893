/* Memory for a text whose reader must not read beside it: the pages before and behind it fault. */
#ifndef STINGY_TEST_GUARDED_ROOM_H
#define STINGY_TEST_GUARDED_ROOM_H

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* size: whole pages. Never given back; NULL if it cannot be had. */
static inline void *guarded_room(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, page + size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, size, PROT_READ | PROT_WRITE) != 0)
		return NULL;
	return pages + page;
}

#endif
