/*
 * libc's allocation interface, for both preloaded libraries: one function an entry point, which asks the backend first
 * and the next allocator then. What a program may observe (results, errno, alignment, overflow checks) is what glibc's
 * own functions give; where a call is in error, it is the next allocator that answers.
 *
 * Each entry point takes STINGY_CALL() itself: the record it points to is its own frame's.
 */
#include "backend.h"
#include "next.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define ENTRY __attribute__((visibility("default")))

ENTRY void *malloc(size_t size);
ENTRY void *calloc(size_t count, size_t size);
ENTRY void *realloc(void *object, size_t size);
ENTRY void *reallocarray(void *object, size_t count, size_t size);
ENTRY void free(void *object);
ENTRY void cfree(void *object);
ENTRY int posix_memalign(void **out, size_t align, size_t size);
ENTRY void *aligned_alloc(size_t align, size_t size);
ENTRY void *memalign(size_t align, size_t size);
ENTRY void *valloc(size_t size);
ENTRY void *pvalloc(size_t size);
ENTRY size_t malloc_usable_size(void *object);

#define PAGE 4096u /* bytes; x86-64 has no other base page */

static inline bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

void *malloc(size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	void *object = stingy_take(size, 1, call);
	if (object)
		return object;
	return stingy_took(stingy_next.malloc(size), size, 1, call);
}

void *calloc(size_t count, size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return stingy_next.calloc(count, size);
	void *object = stingy_take(bytes, 1, call);
	if (object)
		return memset(object, 0, bytes);
	return stingy_took(stingy_next.calloc(count, size), bytes, 1, call);
}

static inline void free_any(void *object)
{
	if (stingy_owns(object)) {
		stingy_release(object);
		return;
	}
	if (stingy_next_is_boot(object))
		return;
	stingy_leaving(object);
	stingy_next.free(object);
}

void free(void *object)
{
	free_any(object);
}

/* glibc before 2.26 had it; old binaries still call it. */
void cfree(void *object)
{
	free_any(object);
}

/* Moves an object of our own, or of the static area, of which old_size bytes may be copied. */
static void *move(void *object, size_t old_size, size_t size, const struct stingy_call *call)
{
	void *moved = stingy_take(size, 1, call);
	if (!moved)
		moved = stingy_took(stingy_next.malloc(size), size, 1, call);
	if (!moved)
		return NULL;
	memcpy(moved, object, old_size < size ? old_size : size);
	free_any(object);
	return moved;
}

static inline void *realloc_any(void *object, size_t size, const struct stingy_call *call)
{
	if (!object) {
		void *fresh = stingy_take(size, 1, call);
		return fresh ? fresh : stingy_took(stingy_next.realloc(NULL, size), size, 1, call);
	}
	if (stingy_owns(object)) {
		size_t usable = stingy_usable(object);
		if (size == 0) { /* as glibc does */
			stingy_release(object);
			return NULL;
		}
		return size <= usable ? object : move(object, usable, size, call);
	}
	if (stingy_next_is_boot(object))
		return move(object, stingy_next_boot_room(object), size, call);
	stingy_leaving(object);
	void *moved = stingy_next.realloc(object, size);
	if (moved)
		return stingy_took(moved, size, 1, call);
	if (size != 0) /* it failed, and the old object is still there */
		stingy_took(object, stingy_next.malloc_usable_size(object), 1, call);
	return NULL;
}

void *realloc(void *object, size_t size)
{
	return realloc_any(object, size, STINGY_CALL());
}

void *reallocarray(void *object, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc_any(object, bytes, STINGY_CALL());
}

int posix_memalign(void **out, size_t align, size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	if (!is_power_of_two(align) || align % sizeof(void *) != 0)
		return stingy_next.posix_memalign(out, align, size);
	void *object = stingy_take(size, align, call);
	if (!object) {
		int error = stingy_next.posix_memalign(&object, align, size);
		if (error)
			return error;
		stingy_took(object, size, align, call);
	}
	*out = object;
	return 0;
}

/* What memalign and aligned_alloc share: alignments that are no power of two are the next allocator's business. */
static inline void *take_aligned(size_t align, size_t size, const struct stingy_call *call)
{
	return is_power_of_two(align) ? stingy_take(size, align, call) : NULL;
}

void *aligned_alloc(size_t align, size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	void *object = take_aligned(align, size, call);
	return object ? object : stingy_took(stingy_next.aligned_alloc(align, size), size, align, call);
}

void *memalign(size_t align, size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	void *object = take_aligned(align, size, call);
	return object ? object : stingy_took(stingy_next.memalign(align, size), size, align, call);
}

void *valloc(size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	void *object = stingy_take(size, PAGE, call);
	return object ? object : stingy_took(stingy_next.valloc(size), size, PAGE, call);
}

void *pvalloc(size_t size)
{
	const struct stingy_call *call = STINGY_CALL();
	size_t rounded;
	if (__builtin_add_overflow(size, PAGE - 1, &rounded))
		return stingy_next.pvalloc(size);
	rounded &= ~(size_t)(PAGE - 1);
	void *object = stingy_take(rounded, PAGE, call);
	return object ? object : stingy_took(stingy_next.pvalloc(size), rounded, PAGE, call);
}

size_t malloc_usable_size(void *object)
{
	if (!object)
		return 0;
	if (stingy_owns(object))
		return stingy_usable(object);
	if (stingy_next_is_boot(object))
		return 0;
	return stingy_next.malloc_usable_size(object);
}
