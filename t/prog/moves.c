/*
 * What becomes of objects: from every entry point, they grow and shrink, fail to grow, and are freed by every function
 * that frees. Prints what a program can observe; never an address: the output must be the same whatever serves.
 *
 *	moves [portable | frees]
 *
 * portable: only what every allocator agrees on. frees: only small objects that are freed at once, by every function.
 * At the end, stderr has how often an object stayed and how often it moved, as far as its addresses tell.
 */
#define _GNU_SOURCE
#include "entries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#define ALIGN 64u /* bytes, for the entry points that are told */

static bool is_portable;

/* Where objects go; libc's allocator is taken to have its own where the program's heap is, and the very large ones. */
static struct {
	unsigned within, to_other, leave, come, elsewhere;
} n_moves;

static bool is_libcs(const void *object)
{
	extern char end; /* of the program; the heap is above */
	return malloc_usable_size((void *)object) >= 128 * 1024 || (object > (void *)&end && object < sbrk(0));
}

/* Says that an object moved, or stayed. was_libcs: where it was before, at the address before. */
static void note(uintptr_t before, bool was_libcs, const void *after)
{
	if (!after)
		return;
	if (was_libcs)
		(*(is_libcs(after) ? &n_moves.elsewhere : &n_moves.come))++;
	else if (is_libcs(after))
		n_moves.leave++;
	else
		(*(before == (uintptr_t)after ? &n_moves.within : &n_moves.to_other))++;
}

/* The two functions that move, the second by units of one byte and of eight. */
static void *by_realloc(void *object, size_t size)
{
	return realloc(object, size);
}

static void *by_array_of_bytes(void *object, size_t size)
{
	return reallocarray(object, size, 1);
}

static void *by_array_of_eights(void *object, size_t size)
{
	return reallocarray(object, (size + 7) / 8, 8);
}

static const struct mover {
	const char *name;
	void *(*call)(void *object, size_t size);
} movers[] = {
	{"realloc", by_realloc},
	{"reallocarray", by_array_of_bytes},
	{"reallocarray of eights", by_array_of_eights},
};

static void *make(const struct entry *entry, size_t size, unsigned seed)
{
	int result = 0;
	void *object = entry->call(ALIGN, size, &result);
	if (!object)
		abort();
	fill(object, size, seed);
	return object;
}

static void *move(const struct mover *mover, void *object, size_t size)
{
	bool was_libcs = is_libcs(object);
	uintptr_t before = (uintptr_t)object;
	errno = ERRNO_BEFORE;
	object = hide(mover->call(hide(object), size));
	int error = errno;
	note(before, was_libcs, object);
	errno = error;
	return object;
}

/* Sizes up and down, within a slot and over the limits of small and large ones and of what glibc maps by itself. */
static const size_t walk[] = {1,    16,   17,    24,    20,     500,  512, 513, 100,
			      5000, 4000, 70000, 80000, 150000, 5000, 24,  600, 24};

/* All bytes that may be used are, also those that the program did not ask for. */
static void walk_one(const struct entry *entry, const struct mover *mover, size_t from)
{
	unsigned seed = 3;
	size_t size = from;
	void *object = make(entry, from, seed);
	printf("%s(%zu), then %s:", entry->name, from, mover->name);
	for (size_t i = 0; i < COUNT(walk); i++) {
		object = move(mover, object, walk[i]);
		size_t kept = size < walk[i] ? size : walk[i];
		size_t usable = malloc_usable_size(object);
		printf(" %zu:%d%d%d%d", walk[i], is_filled(object, kept, seed), usable >= walk[i],
		       errno == ERRNO_BEFORE, walk[i] < 16 || (uintptr_t)object % 16 == 0);
		size = walk[i];
		fill(object, usable, ++seed);
	}
	printf("\n");
	errno = ERRNO_BEFORE;
	free(object);
	printf("... and free: errno=%s\n", errno_name(errno));
}

/* Reallocation to nothing of an object as it was first given: it is freed, and that is no error. */
static void reduce_one(const struct entry *entry, const struct mover *mover, size_t from)
{
	void *object = move(mover, make(entry, from, 1), 0);
	printf("%s(%zu), then %s to 0: %s errno=%s\n", entry->name, from, mover->name, object ? "object" : "NULL",
	       errno_name(errno));
	free(object);
}

/* Reallocations that cannot be: the object must stay as it was. */
static void fail_one(const struct entry *entry, size_t from)
{
	static const struct {
		size_t count, unit;
	} too_many[] = {{SIZE_MAX / 2, 4}, {SIZE_MAX, SIZE_MAX}, {(size_t)1 << 32, (size_t)1 << 32}, {PTRDIFF_MAX, 1}};
	void *object = make(entry, from, 9);
	printf("%s(%zu), then too much:", entry->name, from);
	for (size_t i = 0; i < COUNT(too_many); i++) {
		errno = ERRNO_BEFORE;
		void *moved = hide(reallocarray(hide(object), too_many[i].count, too_many[i].unit));
		printf(" %s errno=%s", moved ? "object" : "NULL", errno_name(errno));
	}
	errno = ERRNO_BEFORE;
	void *moved = hide(realloc(hide(object), PTRDIFF_MAX));
	printf(" %s errno=%s whole=%d\n", moved ? "object" : "NULL", errno_name(errno), is_filled(object, from, 9));
	free(object);
}

/* What is in no header yet, or any more, and in some C libraries only; free does the same. */
static void *find(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);
	return found ? found : dlsym(RTLD_DEFAULT, "free");
}

static void by_free(void *object, size_t size)
{
	(void)size;
	free(object);
}

static void by_cfree(void *object, size_t size)
{
	(void)size;
	void (*call)(void *);
	void *found = find("cfree");
	memcpy(&call, &found, sizeof(found));
	call(object);
}

static void by_free_sized(void *object, size_t size)
{
	void (*call)(void *, size_t);
	void *found = find("free_sized");
	memcpy(&call, &found, sizeof(found));
	call(object, size);
}

static void by_free_aligned_sized(void *object, size_t size)
{
	void (*call)(void *, size_t, size_t);
	void *found = find("free_aligned_sized");
	memcpy(&call, &found, sizeof(found));
	call(object, ALIGN, size);
}

static void by_realloc_to_nothing(void *object, size_t size)
{
	(void)size;
	if (object)
		free(realloc(object, 0));
}

static const struct ender {
	const char *name;
	void (*call)(void *object, size_t size);
} enders[] = {
	{"free", by_free},
	{"cfree", by_cfree},
	{"free_sized", by_free_sized},
	{"free_aligned_sized", by_free_aligned_sized},
	{"realloc to nothing", by_realloc_to_nothing},
};

/* Often enough that an object that stays would be missed. */
static void end_one(const struct entry *entry, const struct ender *ender, size_t size)
{
	errno = ERRNO_BEFORE;
	for (unsigned i = 0; i < 100; i++)
		ender->call(hide(make(entry, size, i)), size);
	ender->call(hide(NULL), 0);
	printf("%s(%zu), then %s: errno=%s\n", entry->name, size, ender->name, errno_name(errno));
}

static const size_t from[] = {0, 24, 512, 5000, 160000};

static bool is_tried(const struct entry *entry, size_t size)
{
	return !is_portable || is_portable_call(entry, ALIGN, size);
}

static void try_entry(const struct entry *entry, size_t size)
{
	for (size_t m = 0; m < COUNT(movers); m++) {
		walk_one(entry, &movers[m], size);
		if (!is_portable)
			reduce_one(entry, &movers[m], size);
	}
	if (!is_portable)
		fail_one(entry, size);
}

int main(int argc, char **argv)
{
	bool is_frees = argc > 1 && strcmp(argv[1], "frees") == 0;
	is_portable = argc > 1 && strcmp(argv[1], "portable") == 0;
	for (size_t e = 0; e < COUNT(entries); e++)
		for (size_t i = 0; i < COUNT(from); i++) {
			if (!is_frees && is_tried(&entries[e], from[i]))
				try_entry(&entries[e], from[i]);
			for (size_t n = 0; is_frees && from[i] <= 5000 && n < COUNT(enders); n++)
				end_one(&entries[e], &enders[n], from[i]);
		}
	fprintf(stderr, "moves: %u within, %u to another slot, %u to libc, %u from libc, %u of libc's\n",
		n_moves.within, n_moves.to_other, n_moves.leave, n_moves.come, n_moves.elsewhere);
	return 0;
}
