/*
 * Calls every allocation entry point with every sort of argument and prints what a program can observe: whether there
 * was an object, errno, alignment, contents. Never an address: the output must be the same whatever serves.
 *
 *	entry [portable]
 *
 * portable: only what every allocator agrees on: no sizes or alignments that cannot be, none of zero, no pvalloc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_BEFORE 77 /* a number that no function here sets */

static bool is_portable;

/* gcc must not know where a pointer comes from, or it leaves out calls and checks. */
static void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static const char *errno_name(int error)
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
static unsigned char pattern(size_t at, unsigned seed)
{
	return (unsigned char)(at * 7 + seed + at / 251);
}

static void fill(void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)object)[i] = pattern(i, seed);
}

static bool is_filled(const void *object, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)object)[i] != pattern(i, seed))
			return false;
	return true;
}

static bool is_zero(const void *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)object)[i] != 0)
			return false;
	return true;
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

static void *call_posix_memalign(size_t align, size_t size, int *result)
{
	void *object = NULL;
	*result = posix_memalign(&object, align, size);
	return hide(object);
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

static const size_t sizes[] = {
	0, 1, 15, 16, 24, 100, 512, 1000, 4096, 5000, 8192, 20000, 70000, PTRDIFF_MAX, SIZE_MAX - 4096, SIZE_MAX};

static const size_t aligns[] = {0, 1, 3, 8, 16, 24, 32, 64, 256, 1000, 4096, 16384, (size_t)1 << 63, SIZE_MAX};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* Two objects at once, so that an allocator cannot pass by giving the same one twice. */
static void use(const struct entry *entry, void *object, void *other, size_t align, size_t size)
{
	size_t least = entry->has_align && is_power_of_two(align) ? align : entry->least_align;
	size_t usable = malloc_usable_size(object);
	bool aligned = (uintptr_t)object % least == 0;
	bool zero = entry->is_zeroed && is_zero(object, size);
	fill(object, usable, 1);
	fill(other, malloc_usable_size(other), 2);
	printf(" aligned=%d room=%d distinct=%d whole=%d", aligned, usable >= size, object != other,
	       is_filled(object, usable, 1));
	if (entry->is_zeroed)
		printf(" zero=%d", zero);
}

static void try_one(const struct entry *entry, size_t align, size_t size)
{
	int result = 0, ignored = 0;
	/* A dirty object of that size, given back, so that zeroed memory is not zero by chance. */
	if (size <= 70000)
		free(memset(hide(malloc(size + 1)), 0xa5, size));
	errno = ERRNO_BEFORE;
	void *object = entry->call(align, size, &result);
	int error = errno;
	void *other = object ? entry->call(align, size, &ignored) : NULL;
	printf("%s(", entry->name);
	if (entry->has_align)
		printf("%zu, ", align);
	printf("%zu): %s errno=%s result=%s", size, object ? "object" : "NULL", errno_name(error),
	       result ? errno_name(result) : "0");
	if (object && other)
		use(entry, object, other, align, size);
	errno = ERRNO_BEFORE;
	free(other);
	free(object);
	printf(" free: errno=%s\n", errno_name(errno));
}

static bool is_tried(const struct entry *entry, size_t align, size_t size)
{
	if (!is_portable)
		return true;
	if (entry->call == call_pvalloc || size < 16 || size > 70000)
		return false;
	return !entry->has_align || (is_power_of_two(align) && align >= sizeof(void *) && align <= 64);
}

static void try_all(void)
{
	for (size_t e = 0; e < COUNT(entries); e++)
		for (size_t a = 0; a < (entries[e].has_align ? COUNT(aligns) : 1); a++)
			for (size_t s = 0; s < COUNT(sizes); s++)
				if (is_tried(&entries[e], aligns[a], sizes[s]))
					try_one(&entries[e], aligns[a], sizes[s]);
}

/* Sizes up and down, over the limits of small and large slots and of what glibc maps by itself. */
static const size_t walk[] = {1, 16, 17, 512, 513, 100, 5000, 4000, 70000, 300000, 5000, 24, 600, 24};

static void walk_one(const struct entry *entry, size_t from)
{
	int result = 0;
	unsigned seed = 3;
	size_t size = from;
	void *object = entry->call(64, from, &result);
	fill(object, size, seed);
	printf("%s(%zu), then realloc:", entry->name, from);
	for (size_t i = 0; i < COUNT(walk); i++) {
		errno = ERRNO_BEFORE;
		object = hide(realloc(object, walk[i]));
		size_t kept = size < walk[i] ? size : walk[i];
		printf(" %zu:%d%d%d", walk[i], is_filled(object, kept, seed), malloc_usable_size(object) >= walk[i],
		       errno == ERRNO_BEFORE);
		size = walk[i];
		fill(object, size, ++seed);
	}
	if (is_portable) {
		printf("\n");
		free(object);
		return;
	}
	errno = ERRNO_BEFORE;
	object = realloc(hide(object), 0);
	printf(" 0: %s errno=%s\n", object ? "object" : "NULL", errno_name(errno));
	free(object);
}

/* Reallocation to nothing of an object as it was first given: it is freed, and that is no error. */
static void reduce_one(const struct entry *entry, size_t from)
{
	int result = 0;
	void *object = entry->call(64, from, &result);
	errno = ERRNO_BEFORE;
	object = realloc(hide(object), 0);
	printf("%s(%zu), then realloc to 0: %s errno=%s\n", entry->name, from, object ? "object" : "NULL",
	       errno_name(errno));
	free(object);
}

static void walk_all(void)
{
	static const size_t from[] = {0, 24, 512, 5000, 200000};
	for (size_t e = 0; e < COUNT(entries); e++)
		for (size_t i = 0; i < COUNT(from); i++)
			if (is_tried(&entries[e], 64, from[i]))
				walk_one(&entries[e], from[i]);
	for (size_t e = 0; e < COUNT(entries) && !is_portable; e++)
		for (size_t i = 0; i < COUNT(from); i++)
			reduce_one(&entries[e], from[i]);
}

/* Reallocations that cannot be: the object must stay as it was. */
static void fail_one(size_t size, size_t count, size_t unit)
{
	void *object = hide(malloc(size));
	fill(object, size, 9);
	errno = ERRNO_BEFORE;
	void *moved = hide(reallocarray(hide(object), count, unit));
	printf("reallocarray(malloc(%zu), %zu, %zu): %s errno=%s whole=%d\n", size, count, unit,
	       moved ? "object" : "NULL", errno_name(errno), is_filled(object, size, 9));
	errno = ERRNO_BEFORE;
	moved = hide(realloc(hide(object), PTRDIFF_MAX));
	printf("realloc(malloc(%zu), PTRDIFF_MAX): %s errno=%s whole=%d\n", size, moved ? "object" : "NULL",
	       errno_name(errno), is_filled(object, size, 9));
	free(object);
	errno = ERRNO_BEFORE;
	object = hide(calloc(count, unit));
	printf("calloc(%zu, %zu): %s errno=%s\n", count, unit, object ? "object" : "NULL", errno_name(errno));
	free(object);
}

/* cfree is in no header any more, and in glibc for old binaries only. */
static void free_old(void *object)
{
	void (*cfree_)(void *) = free;
	void *found = dlsym(RTLD_DEFAULT, "cfree");
	if (found)
		memcpy(&cfree_, &found, sizeof(found));
	cfree_(object);
}

static void try_nothing(void)
{
	errno = ERRNO_BEFORE;
	free(NULL);
	free_old(NULL);
	free_old(hide(malloc(24)));
	printf("malloc_usable_size(NULL): %zu errno=%s\n", malloc_usable_size(NULL), errno_name(errno));
	fail_one(24, SIZE_MAX / 2, 4);
	fail_one(24, SIZE_MAX, SIZE_MAX);
	fail_one(600, (size_t)1 << 32, (size_t)1 << 32);
	fail_one(600, PTRDIFF_MAX / 8, 9);
	fail_one(5000, SIZE_MAX, 2);
}

/* What the C library allocates and the program frees, and the other way round. */
static void try_library(void)
{
	char *line = hide(malloc(2)), *text = NULL;
	size_t room = 2, len = 0;
	FILE *memory = open_memstream(&text, &len);
	for (int i = 0; i < 100; i++)
		fprintf(memory, "line %d of many that are longer than two bytes\n", i);
	fclose(memory);
	printf("open_memstream: %zu bytes\n", len);
	memory = fmemopen(text, len, "r");
	size_t lines = 0, bytes = 0;
	ssize_t got;
	while ((got = getline(&line, &room, memory)) > 0) {
		lines++;
		bytes += (size_t)got;
	}
	fclose(memory);
	free(line);
	printf("getline: %zu lines, %zu bytes\n", lines, bytes);
	line = strdup(text);
	printf("strdup: same=%d\n", strcmp(line, text) == 0);
	free(line);
	free(text);
	got = asprintf(&text, "%*d", 700, 1);
	printf("asprintf: %zd\n", got);
	free(text);
}

int main(int argc, char **argv)
{
	is_portable = argc > 1 && strcmp(argv[1], "portable") == 0;
	try_all();
	walk_all();
	if (!is_portable)
		try_nothing();
	try_library();
	return 0;
}
