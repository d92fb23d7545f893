/*
 * The next allocator: the one that the program would have without us (glibc's, or another preloaded or linked one),
 * found by RTLD_NEXT. Its functions are called through the table below.
 *
 * Until they are found the table has functions that find them first; what dlsym itself allocates meanwhile comes from a
 * small static area that is never freed (dlsym calls calloc, which is us). So no entry point has to ask whether we are
 * ready. Any thread; after fork the table is as it was.
 */
#ifndef STINGY_NEXT_H
#define STINGY_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stingy_next {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *object, size_t size);
	void (*free)(void *object);
	int (*posix_memalign)(void **out, size_t align, size_t size);
	void *(*aligned_alloc)(size_t align, size_t size);
	void *(*memalign)(size_t align, size_t size);
	void *(*valloc)(size_t size);
	void *(*pvalloc)(size_t size);
	size_t (*malloc_usable_size)(void *object);
};

extern struct stingy_next stingy_next __attribute__((visibility("hidden")));

#define STINGY_BOOT_SIZE 8192u /* bytes */

extern char stingy_boot[STINGY_BOOT_SIZE] __attribute__((visibility("hidden")));

/* Stores the address of the next definition of a libc function at slot. Returns 0, or -1 if there is none. */
int stingy_next_find(void *slot, const char *name);

/* Fills the table, if that has not been done. */
void stingy_next_init(void);

/* Where this library begins and ends; the linker makes these. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/*
 * Whether the function is one of this library. The address of malloc or realloc is not, where the program itself has
 * such a function, or a library before this one: then libc's other functions, and libstdc++'s, would go there.
 */
static inline bool stingy_next_is_here(uintptr_t function)
{
	return function - (uintptr_t)__ehdr_start < (uintptr_t)_end - (uintptr_t)__ehdr_start;
}

/* Whether the object came from the static area: it must go to none of the table's functions. */
static inline bool stingy_next_is_boot(const void *object)
{
	return (uintptr_t)object - (uintptr_t)stingy_boot < STINGY_BOOT_SIZE;
}

/* Bytes from the object to the end of the static area: what may be copied when a boot object is reallocated. */
static inline size_t stingy_next_boot_room(const void *object)
{
	return (size_t)((uintptr_t)stingy_boot + STINGY_BOOT_SIZE - (uintptr_t)object);
}

#endif
