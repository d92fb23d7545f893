/*
 * C++'s operators new and delete, by their mangled names, as entry points of their own: so that a site of a C++ program
 * begins at the caller of operator new, and not in libstdc++.
 *
 * Where they serve (see operators.h) they do what libstdc++ does: new is malloc, delete is free; when there is no
 * memory, or malloc(0) gives none, it is the next definition that calls the new-handler, and throws. This is C, but
 * exceptions pass through it: it must be compiled with -fexceptions.
 */
#include "entry.h"
#include "operators.h"
#include "say.h"

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

/* The definition that the program would have called without us. As it is jumped to, no frame of ours is in the chain of
 * what it allocates. */
static __attribute__((noinline)) void *pass(uintptr_t first, uintptr_t second, uintptr_t third,
					    enum stingy_operator which)
{
	stingy_operators_init(); /* another library's constructor may come before ours */
	stingy_operator_call *next = stingy_operators_next(which);
	if (next)
		return next(first, second, third);
	if (which < STINGY_DELETE)
		stingy_die("operator new: no memory, and no C++ library to throw an exception");
	stingy_entry_free((void *)first);
	return NULL;
}

/* An object that is not ours. Where the next definition has to be asked, what it allocates comes to malloc, and is
 * recorded there. */
INLINE void *new_elsewhere(size_t size, uintptr_t nothrow, enum stingy_operator which, const struct stingy_frame *at)
{
	stingy_operator_call *by = stingy_operators.by[which];
	void *object = by ? by(size, nothrow, 0) : stingy_next.malloc(size);
	if (at)
		stingy_took(object, size, 1, at);
	return object || by ? object : pass(size, nothrow, 0, which);
}

STINGY_LAST void *new_unmanaged(size_t size, uintptr_t nothrow, enum stingy_operator which)
{
	return new_elsewhere(size, nothrow, which, NULL);
}

STINGY_LAST void *new_slowly(size_t size, uintptr_t nothrow, enum stingy_operator which, uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(size, 1, &at);
	return object ? object : new_elsewhere(size, nothrow, which, &at);
}

STINGY_LAST void *new_deep(size_t size, uintptr_t nothrow, enum stingy_operator which, uintptr_t ra, uintptr_t sp,
			   const void *hint)
{
	void *object = NULL;
	enum stingy_taken taken = stingy_take_deep(size, sp, hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return object;
	return taken == STINGY_LEFT ? new_unmanaged(size, nothrow, which) : new_slowly(size, nothrow, which, ra);
}

INLINE void *new_plain(size_t size, uintptr_t nothrow, enum stingy_operator which)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	const void *hint;
	void *object;
	if (__builtin_expect(!stingy_operators.are_served, 0))
		return pass(size, nothrow, 0, which);
	enum stingy_taken taken = stingy_take_fast(size, ra, &hint, &object);
	if (__builtin_expect(taken == STINGY_TAKEN, 1))
		return object;
	return taken == STINGY_LEFT ? new_unmanaged(size, nothrow, which)
				    : new_deep(size, nothrow, which, ra, STINGY_SP(), hint);
}

/* libstdc++ rounds sizes up to the alignment. */
STINGY_LAST void *new_aligned_slowly(size_t size, size_t align, uintptr_t nothrow, enum stingy_operator which,
				     uintptr_t ra)
{
	const struct stingy_frame at = STINGY_HERE_AT(ra);
	void *object = stingy_take(size, align, &at);
	if (object)
		return object;
	stingy_operator_call *by = stingy_operators.by[which];
	size_t rounded = (size + align - 1) & ~(align - 1);
	object = by ? by(size, align, nothrow) : stingy_next.aligned_alloc(align, rounded);
	stingy_took(object, size, align, &at);
	return object || by ? object : pass(size, align, nothrow, which);
}

/* What cannot be rounded is libstdc++'s own business, as other errors are. */
INLINE void *new_aligned(size_t size, size_t align, uintptr_t nothrow, enum stingy_operator which)
{
	uintptr_t ra = (uintptr_t)__builtin_return_address(0);
	if (!stingy_operators.are_served || !stingy_entry_is_power_of_two(align) || size > SIZE_MAX - align)
		return pass(size, align, nothrow, which);
	return new_aligned_slowly(size, align, nothrow, which, ra);
}

STINGY_LAST void delete_elsewhere(void *object, uintptr_t second, uintptr_t third, enum stingy_operator which)
{
	stingy_operator_call *by = stingy_operators.by[which];
	if (!stingy_operators.are_served) {
		pass((uintptr_t)object, second, third, which);
	} else if (by) {
		stingy_leaving(object);
		by((uintptr_t)object, second, third);
	} else {
		stingy_entry_free(object);
	}
}

/* Where these do not serve, even an address in the arena may be inside of an object. */
INLINE void delete_any(void *object, uintptr_t second, uintptr_t third, enum stingy_operator which)
{
	if (__builtin_expect(stingy_operators.are_served && stingy_owns(object), 1))
		stingy_release(object);
	else
		delete_elsewhere(object, second, third, which);
}

/* The forms differ in parameters that are only passed on: each is defined with all that its like may have. */
#define DEFINE_NEW(number, symbol)                                                                                     \
	STINGY_ENTRY void *symbol(size_t size, uintptr_t nothrow);                                                     \
	void *symbol(size_t size, uintptr_t nothrow)                                                                   \
	{                                                                                                              \
		return new_plain(size, nothrow, STINGY_##number);                                                      \
	}
#define DEFINE_NEW_ALIGNED(number, symbol)                                                                             \
	STINGY_ENTRY void *symbol(size_t size, size_t align, uintptr_t nothrow);                                       \
	void *symbol(size_t size, size_t align, uintptr_t nothrow)                                                     \
	{                                                                                                              \
		return new_aligned(size, align, nothrow, STINGY_##number);                                             \
	}
#define DEFINE_DELETE(number, symbol)                                                                                  \
	STINGY_ENTRY void symbol(void *object, uintptr_t second, uintptr_t third);                                     \
	void symbol(void *object, uintptr_t second, uintptr_t third)                                                   \
	{                                                                                                              \
		delete_any(object, second, third, STINGY_##number);                                                    \
	}

STINGY_FOR_EACH_NEW(DEFINE_NEW)
STINGY_FOR_EACH_NEW_ALIGNED(DEFINE_NEW_ALIGNED)
STINGY_FOR_EACH_DELETE(DEFINE_DELETE)
