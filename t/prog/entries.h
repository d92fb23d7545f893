/* Every function of libc's that makes an object, behind one signature; and what the programs that call them share. */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_BEFORE 77 /* a number that no function here sets */
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* gcc must not know where a pointer comes from, or it leaves out calls and checks. */
static inline void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static inline const char *errno_name(int error)
{
	switch (error) {
	case ERRNO_BEFORE:
		return "kept";
	case ENOMEM:
		return "ENOMEM";
	case EINVAL:
		return "EINVAL";
	default:
		return strerror(error);
	}
}

/* The byte that belongs at a place of an object. */
static inline unsigned char pattern(size_t at, unsigned seed)
{
	return (unsigned char)(at * 7 + seed + at / 251);
}

static inline void fill(void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)object)[i] = pattern(i, seed);
}

static inline bool is_filled(const void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)object)[i] != pattern(i, seed))
			return false;
	return true;
}

static inline bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* How an entry point is called: size and align mean what they can for it. */
struct entry {
	const char *name;
	void *(*call)(size_t align, size_t size, int *result);
	size_t least_align; /* bytes that every object of it is aligned to */
	bool has_align;
	bool is_zeroed;
};

static void *call_malloc(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(malloc(size));
}

static void *call_calloc(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(calloc(1, size));
}

static void *call_calloc_many(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(calloc(size / 8 + (size % 8 != 0), 8));
}

static void *call_realloc(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(realloc(NULL, size));
}

static void *call_reallocarray(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(reallocarray(NULL, 1, size));
}

/* Where it fails, what it was given must stay. */
static void *call_posix_memalign(size_t align, size_t size, int *result)
{
	static char untouched;
	void *object = &untouched;
	*result = posix_memalign(&object, align, size);
	if (*result != 0 && object != &untouched)
		abort();
	return *result == 0 ? hide(object) : NULL;
}

static void *call_aligned_alloc(size_t align, size_t size, int *result)
{
	(void)result;
	return hide(aligned_alloc(align, size));
}

static void *call_memalign(size_t align, size_t size, int *result)
{
	(void)result;
	return hide(memalign(align, size));
}

static void *call_valloc(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(valloc(size));
}

static void *call_pvalloc(size_t align, size_t size, int *result)
{
	(void)align;
	(void)result;
	return hide(pvalloc(size));
}

static const struct entry entries[] = {
	{"malloc", call_malloc, 16, false, false},
	{"calloc", call_calloc, 16, false, true},
	{"calloc of eights", call_calloc_many, 16, false, true},
	{"realloc", call_realloc, 16, false, false},
	{"reallocarray", call_reallocarray, 16, false, false},
	{"posix_memalign", call_posix_memalign, 1, true, false},
	{"aligned_alloc", call_aligned_alloc, 1, true, false},
	{"memalign", call_memalign, 1, true, false},
	{"valloc", call_valloc, 4096, false, false},
	{"pvalloc", call_pvalloc, 4096, false, false},
};

/* What every allocator agrees on: nothing that fails, no size of zero, no alignment that it may not know. */
static inline bool is_portable_call(const struct entry *entry, size_t align, size_t size)
{
	if (entry->call == call_pvalloc || size < 16 || size > 200000)
		return false;
	return !entry->has_align || (is_power_of_two(align) && align >= sizeof(void *) && align <= 64);
}

#endif
