/*
 * libc's allocation interface, for both preloaded libraries: one function an entry point, which asks the backend first
 * and the next allocator then. And dlclose: addresses that a module leaves behind must not be taken for its sites. What
 * a program may observe (results, errno, alignment, overflow checks) is what glibc's own functions give; where a call
 * is in error, it is the next allocator that answers.
 *
 * Each entry point takes STINGY_HERE() itself: the record it points to is its own frame's.
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
ENTRY int dlclose(void *handle);

#define PAGE 4096u /* bytes; x86-64 has no other base page */

static inline bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/*
 * malloc and calloc end in these, one behind the other, where the answer is not found before. As the call is the last
 * of its function it is a jump, and the frame is the one that was malloc's: so nobody looks for the caller's frame, or
 * makes room to note it, before it is wanted. Without optimisation there are no such jumps, and these are made part of
 * malloc.
 */
#ifdef __OPTIMIZE__
#define LAST static __attribute__((noinline))
#else
#define LAST static inline __attribute__((always_inline))
#endif

LAST void *malloc_slowly(size_t size, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(size, 1, &at);
	return object ? object : stingy_took(stingy_next.malloc(size), size, 1, &at);
}

LAST void *calloc_slowly(size_t count, size_t size, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(count * size, 1, &at);
	return object ? memset(object, 0, count * size)
		      : stingy_took(stingy_next.calloc(count, size), count * size, 1, &at);
}

LAST void *malloc_deep(size_t size, uintptr_t ra, uintptr_t sp, const void *hint)
{
	void *object;
	enum stingy_taken taken = stingy_take_deep(size, sp, hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return object;
	return taken == STINGY_LEFT ? stingy_next.malloc(size) : malloc_slowly(size, ra);
}

LAST void *calloc_deep(size_t count, size_t size, uintptr_t ra, uintptr_t sp, const void *hint)
{
	void *object;
	enum stingy_taken taken = stingy_take_deep(count * size, sp, hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return memset(object, 0, count * size);
	return taken == STINGY_LEFT ? stingy_next.calloc(count, size) : calloc_slowly(count, size, ra);
}

void *malloc(size_t size)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	if (__builtin_expect(stingy_take_fast(size, ra, &hint, &object), 1))
		return object;
	return malloc_deep(size, ra, STINGY_SP(), hint);
}

void *calloc(size_t count, size_t size)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return stingy_next.calloc(count, size);
	if (__builtin_expect(stingy_take_fast(bytes, ra, &hint, &object), 1))
		return memset(object, 0, bytes);
	return calloc_deep(count, size, ra, STINGY_SP(), hint);
}

static inline void free_any(void *object)
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
static void *move(void *object, size_t old_size, size_t size, const struct stingy_frame *at)
{
	void *moved = stingy_take(size, 1, at);
	if (!moved)
		moved = stingy_took(stingy_next.malloc(size), size, 1, at);
	if (!moved)
		return NULL;
	memcpy(moved, object, old_size < size ? old_size : size);
	free_any(object);
	return moved;
}

static inline void *realloc_any(void *object, size_t size, const struct stingy_frame *at)
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
		return size <= usable ? object : move(object, usable, size, at);
	}
	if (stingy_next_is_boot(object))
		return move(object, stingy_next_boot_room(object), size, at);
	stingy_leaving(object);
	void *moved = stingy_next.realloc(object, size);
	if (moved)
		return stingy_took(moved, size, 1, at);
	if (size != 0) /* it failed, and the old object is still there */
		stingy_took(object, stingy_next.malloc_usable_size(object), 1, at);
	return NULL;
}

void *realloc(void *object, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	return realloc_any(object, size, &at);
}

void *reallocarray(void *object, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	const struct stingy_frame at = STINGY_HERE();
	return realloc_any(object, bytes, &at);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	if (!is_power_of_two(align) || align % sizeof(void *) != 0)
		return stingy_next.posix_memalign(out, align, size);
	void *object = stingy_take(size, align, &at);
	if (!object) {
		int error = stingy_next.posix_memalign(&object, align, size);
		if (error)
			return error;
		stingy_took(object, size, align, &at);
	}
	*out = object;
	return 0;
}

/* What memalign and aligned_alloc share: alignments that are no power of two are the next allocator's business. */
static inline void *take_aligned(size_t align, size_t size, const struct stingy_frame *at)
{
	return is_power_of_two(align) ? stingy_take(size, align, at) : NULL;
}

void *aligned_alloc(size_t align, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	void *object = take_aligned(align, size, &at);
	return object ? object : stingy_took(stingy_next.aligned_alloc(align, size), size, align, &at);
}

void *memalign(size_t align, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	void *object = take_aligned(align, size, &at);
	return object ? object : stingy_took(stingy_next.memalign(align, size), size, align, &at);
}

void *valloc(size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	void *object = stingy_take(size, PAGE, &at);
	return object ? object : stingy_took(stingy_next.valloc(size), size, PAGE, &at);
}

void *pvalloc(size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	size_t rounded;
	if (__builtin_add_overflow(size, PAGE - 1, &rounded))
		return stingy_next.pvalloc(size);
	rounded &= ~(size_t)(PAGE - 1);
	void *object = stingy_take(rounded, PAGE, &at);
	return object ? object : stingy_took(stingy_next.pvalloc(size), rounded, PAGE, &at);
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

int dlclose(void *handle)
{
	static int (*next)(void *handle);
	if (!__atomic_load_n(&next, __ATOMIC_RELAXED)) {
		int (*found)(void *) = NULL;
		if (stingy_next_find(&found, "dlclose") < 0)
			return -1;
		__atomic_store_n(&next, found, __ATOMIC_RELAXED);
	}
	int result = next(handle);
	stingy_unloaded();
	return result;
}
