/*
 * libc's allocation interface, for both preloaded libraries: each entry point asks the backend first, and then the next
 * allocator. And dlclose, because the addresses of a module that has gone must not be taken for its sites any more.
 * What a program may observe (results, errno, alignment, overflow checks) is what glibc's own functions give; calls
 * that are in error are passed to the next allocator, which answers them.
 *
 * Each entry point evaluates STINGY_HERE() itself, as it describes the frame of the function it stands in.
 *
 * __libc_malloc and its like are not interposed: their callers want glibc's allocator and no other. One such caller is
 * a library whose own malloc ends in __libc_malloc: each of its objects would be seen here twice.
 */
#include "entry.h"
#include "lookup.h"

#include <errno.h>
#include <stdint.h>

STINGY_ENTRY void *malloc(size_t size);
STINGY_ENTRY void *calloc(size_t count, size_t size);
STINGY_ENTRY void *realloc(void *object, size_t size);
STINGY_ENTRY void *reallocarray(void *object, size_t count, size_t size);
STINGY_ENTRY void free(void *object);
STINGY_ENTRY void cfree(void *object);
STINGY_ENTRY void free_sized(void *object, size_t size);
STINGY_ENTRY void free_aligned_sized(void *object, size_t align, size_t size);
STINGY_ENTRY int posix_memalign(void **out, size_t align, size_t size);
STINGY_ENTRY void *aligned_alloc(size_t align, size_t size);
STINGY_ENTRY void *memalign(size_t align, size_t size);
STINGY_ENTRY void *valloc(size_t size);
STINGY_ENTRY void *pvalloc(size_t size);
STINGY_ENTRY size_t malloc_usable_size(void *object);
STINGY_ENTRY int dlclose(void *handle);

#define PAGE 4096u /* bytes; x86-64 has no other base page */

STINGY_LAST void *malloc_slowly(size_t size, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(size, 1, &at);
	return object ? object : stingy_took(stingy_next.malloc(size), size, 1, &at);
}

STINGY_LAST void *calloc_slowly(size_t count, size_t size, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(count * size, 1, &at);
	return object ? memset(object, 0, count * size)
		      : stingy_took(stingy_next.calloc(count, size), count * size, 1, &at);
}

STINGY_LAST void *malloc_deep(size_t size, uintptr_t ra, uintptr_t sp, const void *hint)
{
	void *object = NULL;
	enum stingy_taken taken = stingy_take_deep(size, sp, hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return object;
	return taken == STINGY_LEFT ? stingy_next.malloc(size) : malloc_slowly(size, ra);
}

STINGY_LAST void *calloc_deep(size_t count, size_t size, uintptr_t ra, uintptr_t sp, const void *hint)
{
	void *object = NULL;
	enum stingy_taken taken = stingy_take_deep(count * size, sp, hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN && object, 1))
		return memset(object, 0, count * size);
	return taken == STINGY_LEFT ? stingy_next.calloc(count, size) : calloc_slowly(count, size, ra);
}

void *malloc(size_t size)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	enum stingy_taken taken = stingy_take_fast(size, ra, &hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return object;
	return taken == STINGY_LEFT ? stingy_next.malloc(size) : malloc_deep(size, ra, STINGY_SP(), hint);
}

void *calloc(size_t count, size_t size)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return stingy_next.calloc(count, size);
	enum stingy_taken taken = stingy_take_fast(bytes, ra, &hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return memset(object, 0, bytes);
	return taken == STINGY_LEFT ? stingy_next.calloc(count, size) : calloc_deep(count, size, ra, STINGY_SP(), hint);
}

void free(void *object)
{
	stingy_entry_free(object);
}

/* glibc before 2.26 had it; old binaries still call it. */
void cfree(void *object)
{
	stingy_entry_free(object);
}

/* C23's: a hint to the allocator, which may leave it unused. */
void free_sized(void *object, size_t size)
{
	(void)size;
	stingy_entry_free(object);
}

void free_aligned_sized(void *object, size_t align, size_t size)
{
	(void)align;
	(void)size;
	stingy_entry_free(object);
}

void *realloc(void *object, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	return stingy_entry_realloc(object, size, &at);
}

void *reallocarray(void *object, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (!stingy_next_is_here((uintptr_t)realloc)) /* the object may be of an allocator before us */
		return realloc(object, bytes);
	const struct stingy_frame at = STINGY_HERE();
	return stingy_entry_realloc(object, bytes, &at);
}

STINGY_LAST int posix_memalign_slowly(void **out, size_t align, size_t size, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	if (!stingy_entry_is_power_of_two(align) || align % sizeof(void *) != 0)
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

STINGY_LAST int posix_memalign_deep(void **out, size_t align, size_t size, uintptr_t ra, uintptr_t sp, const void *hint)
{
	void *object = NULL;
	enum stingy_taken taken = stingy_take_deep(size, sp, hint, &object);
	if (taken == STINGY_TAKEN) {
		*out = object;
		return 0;
	}
	return taken == STINGY_LEFT ? stingy_next.posix_memalign(out, align, size)
				    : posix_memalign_slowly(out, align, size, ra);
}

/* With the alignment that malloc gives anyway, as nginx asks for, it is as quick. */
int posix_memalign(void **out, size_t align, size_t size)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	if (align != 2 * sizeof(void *))
		return posix_memalign_slowly(out, align, size, ra);
	enum stingy_taken taken = stingy_take_fast(size, ra, &hint, &object);
	if (taken == STINGY_TAKEN) {
		*out = object;
		return 0;
	}
	return taken == STINGY_LEFT ? stingy_next.posix_memalign(out, align, size)
				    : posix_memalign_deep(out, align, size, ra, STINGY_SP(), hint);
}

void *aligned_alloc(size_t align, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	void *object = stingy_entry_take_aligned(align, size, &at);
	return object ? object : stingy_took(stingy_next.aligned_alloc(align, size), size, align, &at);
}

void *memalign(size_t align, size_t size)
{
	const struct stingy_frame at = STINGY_HERE();
	void *object = stingy_entry_take_aligned(align, size, &at);
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
	return stingy_entry_usable_size(object);
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
	stingy_lookup_closed();
	stingy_unloaded();
	return result;
}
