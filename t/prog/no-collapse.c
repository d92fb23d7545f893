/*
 * A library to preload behind libstingy.so: as if the kernel had no transparent huge pages, so that the arena has to
 * try explicit ones. Flags: -shared -fPIC.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int madvise(void *address, size_t size, int advice)
{
	if (advice == MADV_HUGEPAGE || advice == MADV_COLLAPSE) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, size, advice);
}
