/*
 * Hands objects of malloc's to other allocators' own functions, and prints what can be observed; never an address.
 *
 *	foreign FAMILY [own | libc]
 *
 * FAMILY: jemalloc, tcmalloc or mimalloc. own: only objects of jemalloc's mallocx, and they stay with jemalloc, which
 * need not be what malloc is; libc: only those of libc's functions. As a module (-DMODULE), the same is foreign_main.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WEAK         __attribute__((weak))

WEAK void *mallocx(size_t size, int flags);
WEAK void *rallocx(void *object, size_t size, int flags);
WEAK size_t xallocx(void *object, size_t size, size_t extra, int flags);
WEAK size_t sallocx(const void *object, int flags);
WEAK void dallocx(void *object, int flags);
WEAK void sdallocx(void *object, size_t size, int flags);

WEAK void tc_free(void *object);
WEAK void tc_free_sized(void *object, size_t size);
WEAK void tc_cfree(void *object);
WEAK void *tc_realloc(void *object, size_t size);
WEAK size_t tc_malloc_size(void *object);
WEAK void tc_delete(void *object);
WEAK void tc_delete_sized(void *object, size_t size);
WEAK void tc_delete_nothrow(void *object, const void *nothrow);
WEAK void tc_delete_aligned(void *object, size_t align);
WEAK void tc_delete_sized_aligned(void *object, size_t size, size_t align);
WEAK void tc_delete_aligned_nothrow(void *object, size_t align, const void *nothrow);
WEAK void tc_deletearray(void *object);
WEAK void tc_deletearray_sized(void *object, size_t size);
WEAK void tc_deletearray_nothrow(void *object, const void *nothrow);
WEAK void tc_deletearray_aligned(void *object, size_t align);
WEAK void tc_deletearray_sized_aligned(void *object, size_t size, size_t align);
WEAK void tc_deletearray_aligned_nothrow(void *object, size_t align, const void *nothrow);

WEAK void mi_free(void *object);
WEAK void mi_free_size(void *object, size_t size);
WEAK void mi_free_aligned(void *object, size_t align);
WEAK void mi_free_size_aligned(void *object, size_t size, size_t align);
WEAK void mi_cfree(void *object);
WEAK void *mi_realloc(void *object, size_t size);
WEAK size_t mi_usable_size(const void *object);
WEAK size_t mi_malloc_size(const void *object);
WEAK size_t mi_malloc_usable_size(const void *object);

#define ZERO 0x40 /* jemalloc's MALLOCX_ZERO; an alignment is its logarithm */

static bool is_local; /* what is called own above */

/* gcc must not know where a pointer comes from, or it leaves out calls and checks. */
static void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static void fill(void *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)object)[i] = (unsigned char)(i * 7 + i / 251 + 1);
}

static bool is_filled(const void *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)object)[i] != (unsigned char)(i * 7 + i / 251 + 1))
			return false;
	return true;
}

static bool is_zero(const unsigned char *object, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (object[i] != 0)
			return false;
	return true;
}

/* Where objects come from. */
static void *make_malloc(size_t size)
{
	return malloc(size);
}

static void *make_calloc(size_t size)
{
	return calloc(1, size);
}

static void *make_aligned(size_t size)
{
	return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void *make_mallocx(size_t size)
{
	return mallocx(size, 0);
}

static const struct maker {
	const char *name;
	void *(*make)(size_t size);
	bool is_own;
} makers[] = {
	{"malloc", make_malloc, false},
	{"calloc", make_calloc, false},
	{"aligned_alloc", make_aligned, false},
	{"mallocx", make_mallocx, true},
};

static const size_t sizes[] = {24, 512, 5000, 70000};

static void *make(const struct maker *maker, size_t size)
{
	void *object = hide(maker->make(size));
	if (!object)
		abort();
	fill(object, size);
	return object;
}

/* Frees an object by each function of a family in turn. */
#define END_ALL(...)                                                                                                   \
	do {                                                                                                           \
		void *object;                                                                                          \
		__VA_ARGS__                                                                                            \
	} while (0)
#define END(call)                                                                                                      \
	object = make(maker, size);                                                                                    \
	call;                                                                                                          \
	printf(" %s", #call);

static void try_rallocx(const struct maker *maker, size_t size, size_t to, int flags)
{
	unsigned char *object = make(maker, size);
	size_t room = sallocx(object, 0), kept = to < size ? to : size;
	memset(object + size, 0xa5, room - size);
	object = hide(rallocx(object, to, flags));
	size_t align = (size_t)1 << (flags & 63);
	printf(" %zu/%x:%d%d%d%d", to, flags, is_filled(object, kept), (uintptr_t)object % align == 0,
	       sallocx(object, 0) >= to, !(flags & ZERO) || to <= room || is_zero(object, room, to));
	dallocx(object, flags & 63);
}

static void try_jemalloc(const struct maker *maker, size_t size)
{
	static const int flags[] = {0, 6, 12, ZERO, ZERO | 12};
	void *kept = make(maker, size);
	printf(" room=%d stays=%d", sallocx(kept, 0) >= size, xallocx(kept, size, 0, 0) >= size);
	void *failed = hide(rallocx(kept, (size_t)1 << 62, 0));
	printf(" huge=%d whole=%d rallocx:", failed != NULL, is_filled(kept, size));
	for (size_t f = 0; f < COUNT(flags); f++)
		for (size_t i = 0; i < COUNT(sizes); i++)
			try_rallocx(maker, size, sizes[i] + 100, flags[f]);
	END_ALL(END(dallocx(object, 0)) END(sdallocx(object, size, 0)));
	if (!is_local)
		END_ALL(END(free(object)));
	dallocx(kept, 0);
}

static void try_realloc(const struct maker *maker, size_t size, void *(*call)(void *object, size_t size),
			void (*end)(void *object))
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		void *object = hide(call(make(maker, size), sizes[i] + 100));
		printf(" %d", is_filled(object, size < sizes[i] + 100 ? size : sizes[i] + 100));
		end(object);
	}
	void *object = make(maker, size);
	printf(" huge=%d", call(object, (size_t)1 << 62) != NULL);
	printf(" whole=%d", is_filled(object, size));
	object = hide(call(object, 0));
	printf(" nothing=%d", object != NULL);
	end(object);
	object = hide(call(NULL, size));
	printf(" fresh=%d", object != NULL);
	end(object);
}

static void try_tcmalloc(const struct maker *maker, size_t size)
{
	void *kept = make(maker, size);
	printf(" room=%d", tc_malloc_size(kept) >= size);
	free(kept);
	END_ALL(END(tc_free(object)) END(tc_free_sized(object, size)) END(tc_cfree(object)) END(tc_delete(object))
			END(tc_delete_sized(object, size)) END(tc_delete_nothrow(object, ""))
				END(tc_deletearray(object)) END(tc_deletearray_sized(object, size))
					END(tc_deletearray_nothrow(object, "")));
	if (maker->make == make_aligned)
		END_ALL(END(tc_delete_aligned(object, 64)) END(tc_delete_aligned_nothrow(object, 64, ""))
				END(tc_delete_sized_aligned(object, (size + 63) / 64 * 64, 64))
					END(tc_deletearray_aligned(object, 64)) END(
						tc_deletearray_aligned_nothrow(object, 64, ""))
						END(tc_deletearray_sized_aligned(object, (size + 63) / 64 * 64, 64)));
	try_realloc(maker, size, tc_realloc, tc_free);
}

static void try_mimalloc(const struct maker *maker, size_t size)
{
	void *kept = make(maker, size);
	printf(" room=%d%d%d", mi_usable_size(kept) >= size, mi_malloc_size(kept) >= size,
	       mi_malloc_usable_size(kept) >= size);
	free(kept);
	END_ALL(END(mi_free(object)) END(mi_free_size(object, size)) END(mi_cfree(object)));
	if (maker->make == make_aligned)
		END_ALL(END(mi_free_aligned(object, 64)) END(mi_free_size_aligned(object, size, 64)));
	try_realloc(maker, size, mi_realloc, mi_free);
}

static const struct family {
	const char *name;
	void (*try)(const struct maker *maker, size_t size);
} families[] = {
	{"jemalloc", try_jemalloc},
	{"tcmalloc", try_tcmalloc},
	{"mimalloc", try_mimalloc},
};

int foreign_main(int argc, char **argv);

int foreign_main(int argc, char **argv)
{
	const char *which = argc > 2 ? argv[2] : "";
	is_local = strcmp(which, "own") == 0;
	for (size_t f = 0; f < COUNT(families); f++)
		for (size_t m = 0; m < COUNT(makers); m++)
			for (size_t s = 0; s < COUNT(sizes); s++) {
				if (argc < 2 || strcmp(argv[1], families[f].name) != 0 ||
				    (makers[m].is_own ? strcmp(which, "libc") == 0 : is_local) ||
				    (makers[m].is_own && families[f].try != try_jemalloc))
					continue;
				printf("%s(%zu):", makers[m].name, sizes[s]);
				families[f].try(&makers[m], sizes[s]);
				printf("\n");
			}
	return 0;
}

#ifndef MODULE
int main(int argc, char **argv)
{
	return foreign_main(argc, argv);
}
#endif
