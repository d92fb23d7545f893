#include "memory.h"

#include "commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must_have(void *memory, size_t count, size_t size)
{
	if (memory || count == 0 || size == 0)
		return memory;
	fprintf(stderr, "stingy: out of memory (%zu times %zu bytes)\n", count, size);
	exit(STINGY_EXIT_BAD_INPUT);
}

void *stingy_memory_new(size_t count, size_t size)
{
	return must_have(calloc(count ? count : 1, size), count, size);
}

void *stingy_memory_resize(void *memory, size_t count, size_t size)
{
	return must_have(reallocarray(memory, count ? count : 1, size), count, size);
}

void *stingy_memory_copy(const void *from, size_t size)
{
	void *copy = stingy_memory_new(size, 1);

	if (size)
		memcpy(copy, from, size);
	return copy;
}

char *stingy_memory_text(const char *text, size_t len)
{
	char *copy = stingy_memory_new(len + 1, 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

void *stingy_memory_grow(void *array, size_t *capacity, size_t need, size_t size)
{
	if (need <= *capacity)
		return array;
	*capacity = need + need / 2 + 16;
	return stingy_memory_resize(array, *capacity, size);
}
