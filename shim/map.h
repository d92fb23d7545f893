/*
 * Memory of the preloaded libraries' own: anonymous mappings, as malloc is what they stand in for. Never given back.
 */
#ifndef STINGY_MAP_H
#define STINGY_MAP_H

#include <stddef.h>
#include <sys/mman.h>

/* Bytes that different threads may write to without being in each other's way: x86-64's lines are fetched in pairs. */
#define STINGY_LINES 128u

/* Zeroed, page-aligned memory, of which pages are taken as they are used; NULL if there are no addresses left. */
static inline void *stingy_map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

/* Rounded up to whole pairs of cache lines. */
static inline size_t stingy_lines(size_t size)
{
	return (size + STINGY_LINES - 1) & ~(size_t)(STINGY_LINES - 1);
}

/* Cuts size bytes, rounded up likewise, off the beginning of what *memory points to. */
static inline void *stingy_carve(char **memory, size_t size)
{
	char *at = *memory;
	*memory += stingy_lines(size);
	return at;
}

#endif
