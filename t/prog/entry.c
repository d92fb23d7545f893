/*
 * Calls every allocation entry point with every sort of argument and prints what a program can observe: whether there
 * was an object, errno, alignment, contents; never an address: the output must be the same whatever serves.
 * What becomes of objects then is for moves.c.
 *
 *	entry [portable]
 *
 * portable: only what every allocator agrees on: no sizes or alignments that cannot be, none of zero, no pvalloc.
 */
#define _GNU_SOURCE
#include "entries.h"

#include <stdio.h>

static bool is_portable;

static bool is_zero(const void *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)object)[i] != 0)
			return false;
	return true;
}

static const size_t sizes[] = {
	0, 1, 15, 16, 24, 100, 512, 1000, 4096, 5000, 8192, 20000, 70000, PTRDIFF_MAX, SIZE_MAX - 4096, SIZE_MAX};

static const size_t aligns[] = {0, 1, 3, 8, 16, 24, 32, 64, 256, 1000, 4096, 16384, (size_t)1 << 63, SIZE_MAX};

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
	return !is_portable || (size <= 70000 && is_portable_call(entry, align, size));
}

static void try_all(void)
{
	for (size_t e = 0; e < COUNT(entries); e++)
		for (size_t a = 0; a < (entries[e].has_align ? COUNT(aligns) : 1); a++)
			for (size_t s = 0; s < COUNT(sizes); s++)
				if (is_tried(&entries[e], aligns[a], sizes[s]))
					try_one(&entries[e], aligns[a], sizes[s]);
}

/* Products that do not fit a size. */
static void overflow(size_t count, size_t size)
{
	errno = ERRNO_BEFORE;
	void *object = hide(calloc(count, size));
	printf("calloc(%zu, %zu): %s errno=%s\n", count, size, object ? "object" : "NULL", errno_name(errno));
	free(object);
	errno = ERRNO_BEFORE;
	object = hide(reallocarray(NULL, count, size));
	printf("reallocarray(NULL, %zu, %zu): %s errno=%s\n", count, size, object ? "object" : "NULL",
	       errno_name(errno));
	free(object);
}

static void try_overflow(void)
{
	overflow(SIZE_MAX / 2, 4);
	overflow(SIZE_MAX, SIZE_MAX);
	overflow((size_t)1 << 32, (size_t)1 << 32);
	overflow(PTRDIFF_MAX / 8, 9);
	overflow(SIZE_MAX, 2);
	overflow(SIZE_MAX, 0);
	overflow(0, SIZE_MAX);
	errno = ERRNO_BEFORE;
	printf("malloc_usable_size(NULL): %zu errno=%s\n", malloc_usable_size(NULL), errno_name(errno));
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
	if (!is_portable)
		try_overflow();
	try_library();
	return 0;
}
