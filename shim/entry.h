/*
 * What the entry points share: entry.c (libc's own), entry-cxx.c (the operators of C++) and entry-foreign.c (the
 * interfaces that other allocators have besides). All of it is inlined into them, the backend with it, as the walk to
 * the allocation site begins in the frame of the function that the program called.
 *
 * Nothing here may change what a program observes: results, errno, alignment, contents.
 */
#ifndef STINGY_ENTRY_H
#define STINGY_ENTRY_H

#include "backend.h"
#include "next.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define STINGY_ENTRY __attribute__((visibility("default")))

/*
 * For the slower ways of an entry point: functions that it calls last, and that may call the next slower way last. The
 * compiler makes jumps of such calls, so that the slower way runs in the entry point's own frame, whose return address
 * is still the program's call. So the fast way need not save anything that only the slower ones want. Without
 * optimisation calls stay calls, so these functions are inlined into the entry point instead.
 */
#ifdef __OPTIMIZE__
#define STINGY_LAST static __attribute__((noinline))
#else
#define STINGY_LAST static inline __attribute__((always_inline))
#endif

static inline bool stingy_entry_is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static inline void stingy_entry_free(void *object)
{
	if (__builtin_expect(stingy_owns(object), 1)) {
		stingy_release(object);
		return;
	}
	if (stingy_next_is_boot(object))
		return;
	stingy_leaving(object);
	stingy_next.free(object);
}

static inline size_t stingy_entry_usable_size(void *object)
{
	if (!object)
		return 0;
	if (stingy_owns(object))
		return stingy_usable(object);
	if (stingy_next_is_boot(object))
		return 0;
	return stingy_next.malloc_usable_size(object);
}

/*
 * realloc of an object of our own, or of the static area (next.h), that has to move; old_size bytes of it may be read.
 * Returns the new object, or NULL if there is no memory, and then the old one stays.
 */
static inline void *stingy_entry_move(void *object, size_t old_size, size_t size, const struct stingy_frame *at)
{
	void *moved = stingy_take(size, 1, at);
	if (!moved)
		moved = stingy_took(stingy_next.malloc(size), size, 1, at);
	if (!moved)
		return NULL;
	memcpy(moved, object, old_size < size ? old_size : size);
	stingy_entry_free(object);
	return moved;
}

static inline void *stingy_entry_realloc(void *object, size_t size, const struct stingy_frame *at)
{
	if (!object) {
		void *fresh = stingy_take(size, 1, at);
		return fresh ? fresh : stingy_took(stingy_next.realloc(NULL, size), size, 1, at);
	}
	if (stingy_owns(object)) {
		size_t usable = stingy_usable(object);
		if (size == 0) { /* as glibc does */
			stingy_release(object);
			return NULL;
		}
		return size <= usable ? object : stingy_entry_move(object, usable, size, at);
	}
	if (stingy_next_is_boot(object))
		return stingy_entry_move(object, stingy_next_boot_room(object), size, at);
	stingy_leaving(object);
	void *moved = stingy_next.realloc(object, size);
	if (moved)
		return stingy_took(moved, size, 1, at);
	if (size != 0) /* it failed, and the old object is still there */
		stingy_took(object, stingy_next.malloc_usable_size(object), 1, at);
	return NULL;
}

/* For memalign and its like: alignments that are no power of two are the next allocator's business. */
static inline void *stingy_entry_take_aligned(size_t align, size_t size, const struct stingy_frame *at)
{
	return stingy_entry_is_power_of_two(align) ? stingy_take(size, align, at) : NULL;
}

#endif
