/*
 * The functions that other allocators have beside libc's, and to which a program may pass an object it got from malloc:
 * jemalloc's sallocx and its like, tcmalloc's tc_free, mimalloc's mi_free. With us loaded that object may be ours, of
 * which the other allocator knows nothing; all other objects are passed on to it. A program that looks these functions
 * up finds them here even where there is no such allocator: then they do what libc's functions do.
 *
 * Functions that make objects are left to that allocator (mallocx, tc_malloc, mi_malloc), and so are those that take
 * only objects made by them: mi_rezalloc and its like, which rely on memory that mimalloc has cleared, and mi_heap_*.
 */
#include "entry.h"
#include "lookup.h"

#include <stdint.h>

/* These differ in parameters that are only passed on: each is defined with all that its like may have. x86-64 has them
 * in registers, so that a callee may have fewer. */
#define FOR_EACH_FREE(DO)                                                                                              \
	DO(dallocx)                                                                                                    \
	DO(sdallocx)                                                                                                   \
	DO(tc_free)                                                                                                    \
	DO(tc_free_sized)                                                                                              \
	DO(tc_cfree)                                                                                                   \
	DO(tc_delete)                                                                                                  \
	DO(tc_delete_sized)                                                                                            \
	DO(tc_delete_nothrow)                                                                                          \
	DO(tc_delete_aligned)                                                                                          \
	DO(tc_delete_sized_aligned)                                                                                    \
	DO(tc_delete_aligned_nothrow)                                                                                  \
	DO(tc_deletearray)                                                                                             \
	DO(tc_deletearray_sized)                                                                                       \
	DO(tc_deletearray_nothrow)                                                                                     \
	DO(tc_deletearray_aligned)                                                                                     \
	DO(tc_deletearray_sized_aligned)                                                                               \
	DO(tc_deletearray_aligned_nothrow)                                                                             \
	DO(mi_free)                                                                                                    \
	DO(mi_free_size)                                                                                               \
	DO(mi_free_aligned)                                                                                            \
	DO(mi_free_size_aligned)                                                                                       \
	DO(mi_cfree)

/* Also xallocx, which grows an object in place if it can, and returns its size then: ours cannot grow. */
#define FOR_EACH_SIZE(DO)                                                                                              \
	DO(sallocx)                                                                                                    \
	DO(xallocx)                                                                                                    \
	DO(tc_malloc_size)                                                                                             \
	DO(mi_usable_size)                                                                                             \
	DO(mi_malloc_size)                                                                                             \
	DO(mi_malloc_usable_size)

typedef void free_call(void *object, uintptr_t second, uintptr_t third);
typedef size_t size_call(void *object, uintptr_t second, uintptr_t third, uintptr_t fourth);
typedef void *realloc_call(void *object, size_t size, int flags);
typedef void *make_call(size_t size, int flags);

/* The function of the other allocator; NULL: it is for us to do. */
static void *elsewhere(struct stingy_lookup *lookup, const void *object)
{
	return stingy_owns(object) ? NULL : stingy_lookup_get(lookup);
}

#define DEFINE_FREE(function)                                                                                          \
	STINGY_ENTRY free_call function;                                                                               \
	void function(void *object, uintptr_t second, uintptr_t third)                                                 \
	{                                                                                                              \
		static struct stingy_lookup lookup = {.name = #function};                                              \
		free_call *next = (free_call *)elsewhere(&lookup, object);                                             \
		if (!next) {                                                                                           \
			stingy_entry_free(object);                                                                     \
			return;                                                                                        \
		}                                                                                                      \
		stingy_leaving(object);                                                                                \
		next(object, second, third);                                                                           \
	}
FOR_EACH_FREE(DEFINE_FREE)

#define DEFINE_SIZE(function)                                                                                          \
	STINGY_ENTRY size_call function;                                                                               \
	size_t function(void *object, uintptr_t second, uintptr_t third, uintptr_t fourth)                             \
	{                                                                                                              \
		static struct stingy_lookup lookup = {.name = #function};                                              \
		size_call *next = (size_call *)elsewhere(&lookup, object);                                             \
		return next ? next(object, second, third, fourth) : stingy_entry_usable_size(object);                  \
	}
FOR_EACH_SIZE(DEFINE_SIZE)

STINGY_ENTRY realloc_call rallocx;
STINGY_ENTRY void *tc_realloc(void *object, size_t size);
STINGY_ENTRY void *mi_realloc(void *object, size_t size);

/* realloc of an object that is not ours. If there is no memory and it stays, the profile takes it for freed. */
static inline void *move_elsewhere(realloc_call *next, void *object, size_t size, int flags,
				   const struct stingy_frame *at)
{
	stingy_leaving(object);
	return stingy_took(next(object, size, flags), size, 1, at);
}

/* One of ours, or of libc's, for moved; NULL: there is no memory, and object stays. */
static void *replace(void *moved, void *object, size_t usable, size_t size)
{
	if (!moved)
		return NULL;
	memcpy(moved, object, usable < size ? usable : size);
	stingy_entry_free(object);
	return moved;
}

/* jemalloc's flags: the logarithm of the alignment; new bytes are to be zero. */
#define LG_ALIGN 0x3f
#define ZERO     0x40

/* As jemalloc's mallocx, which is not there. */
static void *make_aligned(size_t size, int flags)
{
	void *object = stingy_next.aligned_alloc((size_t)1 << (flags & LG_ALIGN), size);
	return object && (flags & ZERO) ? memset(object, 0, size) : object;
}

void *rallocx(void *object, size_t size, int flags)
{
	static struct stingy_lookup lookup = {.name = "rallocx"}, make_lookup = {.name = "mallocx"};
	const struct stingy_frame at = STINGY_HERE();
	realloc_call *next = (realloc_call *)elsewhere(&lookup, object);
	if (next)
		return move_elsewhere(next, object, size, flags, &at);
	size_t usable = stingy_entry_usable_size(object), align = (size_t)1 << (flags & LG_ALIGN);
	if (size <= usable && (uintptr_t)object % align == 0)
		return object;
	make_call *make = (make_call *)stingy_lookup_get(&make_lookup);
	void *moved = make ? make(size, flags) : make_aligned(size, flags);
	return replace(stingy_took(moved, size, align, &at), object, usable, size);
}

/* As realloc. They differ in what becomes of an object that is to have no bytes: tcmalloc frees it, mimalloc keeps it.
 */
static inline void *realloc_there(struct stingy_lookup *lookup, void *object, size_t size, bool is_kept,
				  const struct stingy_frame *at)
{
	realloc_call *next = (realloc_call *)stingy_lookup_get(lookup);
	if (!next || (size == 0 && !is_kept && stingy_owns(object)))
		return stingy_entry_realloc(object, size, at);
	if (!stingy_owns(object))
		return move_elsewhere(next, object, size, 0, at);
	size_t usable = stingy_usable(object);
	return size <= usable ? object : replace(next(NULL, size, 0), object, usable, size);
}

void *tc_realloc(void *object, size_t size)
{
	static struct stingy_lookup lookup = {.name = "tc_realloc"};
	const struct stingy_frame at = STINGY_HERE();
	return realloc_there(&lookup, object, size, false, &at);
}

void *mi_realloc(void *object, size_t size)
{
	static struct stingy_lookup lookup = {.name = "mi_realloc"};
	const struct stingy_frame at = STINGY_HERE();
	return realloc_there(&lookup, object, size, true, &at);
}
