#define _GNU_SOURCE
#include "next.h"

#include "say.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define BOOT_ALIGN 16u

_Alignas(BOOT_ALIGN) char stingy_boot[STINGY_BOOT_SIZE];

static size_t boot_used;     /* bytes of stingy_boot; grows atomically: threads may start up together */
static __thread int finding; /* this thread is in find(): what it allocates is dlsym's */

static void *boot_alloc(size_t size)
{
	size_t old = __atomic_load_n(&boot_used, __ATOMIC_RELAXED);
	size_t rounded;
	do {
		if (size > STINGY_BOOT_SIZE - BOOT_ALIGN) {
			errno = ENOMEM;
			return NULL;
		}
		rounded = (size + BOOT_ALIGN - 1) & ~(size_t)(BOOT_ALIGN - 1);
		if (rounded > STINGY_BOOT_SIZE - old) {
			errno = ENOMEM;
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&boot_used, &old, old + rounded, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return stingy_boot + old;
}

/* A conversion between object and function pointers that ISO C lacks and POSIX gives. */
int stingy_next_find(void *slot, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (!found) {
		(void)!dlsym(RTLD_NEXT, "free"); /* a success: dlerror must not tell the program of our failure */
		return -1;
	}
	memcpy(slot, &found, sizeof(found));
	return 0;
}

static void find(void)
{
	struct stingy_next next = stingy_next;
	finding++;
	int missing = stingy_next_find(&next.malloc, "malloc") | stingy_next_find(&next.calloc, "calloc") |
		      stingy_next_find(&next.realloc, "realloc") | stingy_next_find(&next.free, "free");
	/* Old or small allocators may lack some of these; glibc behind them has them all. */
	missing |= stingy_next_find(&next.posix_memalign, "posix_memalign") |
		   stingy_next_find(&next.aligned_alloc, "aligned_alloc") |
		   stingy_next_find(&next.memalign, "memalign") | stingy_next_find(&next.valloc, "valloc") |
		   stingy_next_find(&next.pvalloc, "pvalloc") |
		   stingy_next_find(&next.malloc_usable_size, "malloc_usable_size");
	finding--;
	if (missing)
		stingy_die("no next allocator: this program's C library lacks malloc or a function of its family");
	stingy_next = next;
}

static void *boot_malloc(size_t size)
{
	if (finding)
		return boot_alloc(size);
	find();
	return stingy_next.malloc(size);
}

static void *boot_calloc(size_t count, size_t size)
{
	size_t bytes;
	if (finding) /* the area is zeroed, and no part of it is given twice */
		return __builtin_mul_overflow(count, size, &bytes) ? NULL : boot_alloc(bytes);
	find();
	return stingy_next.calloc(count, size);
}

static void *boot_realloc(void *object, size_t size)
{
	if (finding) /* the entry point has dealt with boot objects, and there are no others yet */
		return boot_alloc(size);
	find();
	return stingy_next.realloc(object, size);
}

static void boot_free(void *object)
{
	if (finding)
		return;
	find();
	stingy_next.free(object);
}

/* dlsym calls none of the rest. */
static int boot_posix_memalign(void **out, size_t align, size_t size)
{
	find();
	return stingy_next.posix_memalign(out, align, size);
}

static void *boot_aligned_alloc(size_t align, size_t size)
{
	find();
	return stingy_next.aligned_alloc(align, size);
}

static void *boot_memalign(size_t align, size_t size)
{
	find();
	return stingy_next.memalign(align, size);
}

static void *boot_valloc(size_t size)
{
	find();
	return stingy_next.valloc(size);
}

static void *boot_pvalloc(size_t size)
{
	find();
	return stingy_next.pvalloc(size);
}

static size_t boot_usable_size(void *object)
{
	find();
	return stingy_next.malloc_usable_size(object);
}

struct stingy_next stingy_next = {
	.malloc = boot_malloc,
	.calloc = boot_calloc,
	.realloc = boot_realloc,
	.free = boot_free,
	.posix_memalign = boot_posix_memalign,
	.aligned_alloc = boot_aligned_alloc,
	.memalign = boot_memalign,
	.valloc = boot_valloc,
	.pvalloc = boot_pvalloc,
	.malloc_usable_size = boot_usable_size,
};

void stingy_next_init(void)
{
	if (stingy_next.malloc == boot_malloc)
		find();
}
