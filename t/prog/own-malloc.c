/*
 * A program with an allocator of its own, which has what most of them have and no more: what the C library's other
 * functions allocate comes from there too, as long as nobody stands between. With -DCXX (and -lstdc++) so does what C++
 * operators make. Flags: -fno-builtin.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (4u << 20) /* bytes in all; never given twice */
#define UNIT 16u

#ifdef CXX
void *_Znwm(size_t size);
void _ZdlPv(void *object);
#endif

static _Alignas(UNIT) char room[ROOM];
static size_t used;

static void check_own(const void *object)
{
	if ((uintptr_t)object - (uintptr_t)room < ROOM)
		return;
	fputs("own-malloc: this object is somebody else's\n", stderr);
	abort();
}

/* The unit before an object holds its size. */
void *malloc(size_t size)
{
	size_t whole = (size + 2 * UNIT - 1) / UNIT * UNIT;
	if (whole > ROOM - used)
		return NULL;
	char *object = room + used + UNIT;
	used += whole;
	memcpy(object - UNIT, &size, sizeof(size));
	return object;
}

void free(void *object)
{
	if (object)
		check_own(object);
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size); /* fresh room is zero */
}

void *realloc(void *object, size_t size)
{
	size_t old = 0;
	void *moved = malloc(size);
	if (!object || !moved)
		return moved;
	check_own(object);
	memcpy(&old, (char *)object - UNIT, sizeof(old));
	return memcpy(moved, object, old < size ? old : size);
}

int main(void)
{
	char *text = malloc(10), *line = NULL;
	size_t size = 0;
	snprintf(text, 10, "some text");
	text = reallocarray(text, 100, 10);
	line = reallocarray(line, 2, 10);
	printf("%s %d %d\n", text, text >= room && text < room + ROOM, line >= room && line < room + ROOM);
	free(line);
	line = NULL;
	FILE *file = fopen("/proc/self/stat", "r");
	if (!file || getline(&line, &size, file) < 0)
		return 1;
	line = realloc(line, 2 * size);
	free(line);
	fclose(file);
	free(strdup(text));
#ifdef CXX
	void *object = _Znwm(100);
	check_own(object);
	_ZdlPv(object);
#endif
	free(text);
	return 0;
}
