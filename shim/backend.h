/*
 * The contract between the libc entry points (entry.c) and what stands behind them: the production shim (serve.h) or
 * the profiling shim (../profiler/record.h). A library picks its backend at compile time: its Makefile rule defines
 * STINGY_BACKEND as the header to include, which defines these as inline functions; so the entry points are one file,
 * and the fast path of the production shim is inlined into them.
 *
 *   enum stingy_taken stingy_take_fast(size_t size, uintptr_t ra, const void **hint, void **object)
 *       What stingy_take gives for a malloc of size bytes called from ra, where it can be said at once. STINGY_TAKEN:
 *       *object is it; STINGY_LEFT: it is for the next allocator, and stingy_took need not know; STINGY_UNSURE:
 *       stingy_take_deep must be asked.
 *   enum stingy_taken stingy_take_deep(size_t size, uintptr_t sp, const void *hint, void **object)
 *       The same, where a quick walk is enough to say it. sp: the stack pointer just after that call; hint: what
 *       stingy_take_fast gave. STINGY_UNSURE: stingy_take must be asked.
 *   void *stingy_take(size_t size, size_t align, const struct stingy_frame *at)
 *       An object of the backend's own for this allocation, at least 16-aligned and with the alignment asked for (a
 *       power of two; 1: malloc's), or NULL: the next allocator is to serve it. Contents are undefined. Keeps errno.
 *   void *stingy_took(void *object, size_t size, size_t align, const struct stingy_frame *at)
 *       The next allocator served this one (object may be NULL: it failed). Returns object. Keeps errno.
 *   bool stingy_owns(const void *object)
 *       Whether the address lies in the backend's own memory. False for NULL.
 *   void stingy_release(void *object)           own objects: free. Keeps errno.
 *   size_t stingy_usable(const void *object)    own objects: the bytes that may be used.
 *   void stingy_leaving(const void *object)     the next allocator is about to free (or move) this one. Keeps errno.
 *   void stingy_unloaded(void)                  dlclose was called: modules may have gone. Keeps errno.
 *
 * All may be called from any thread, before the library's constructor and after its destructor, and after fork.
 */
#ifndef STINGY_BACKEND_H
#define STINGY_BACKEND_H

#include "taken.h"
#include "walk.h"

#include <stdbool.h>
#include <stddef.h>

#ifndef STINGY_BACKEND
#error "define STINGY_BACKEND as the header of the backend"
#endif
#include STINGY_BACKEND

#endif
