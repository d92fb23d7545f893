/*
 * uthash for the solver: its tables take their memory where everything else here does, which never fails (memory.h).
 *
 * Include this, and never uthash.h itself: its macros take whatever is defined where they stand.
 */
#ifndef STINGY_HASH_H
#define STINGY_HASH_H

#include "memory.h"

#include <stdlib.h>

#define uthash_malloc(size)       stingy_memory_new(1, size)
#define uthash_free(memory, size) free(memory)

#include <uthash.h>

#endif
