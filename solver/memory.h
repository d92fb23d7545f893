/*
 * Memory for the solver, which cannot go on without it: these never return NULL.
 *
 * Running out ends the process with one line and the status of bad input (an input too large for the machine);
 * threading such a failure through every table would cost more than it could save. Nothing is half written then:
 * a manifest appears under its name only when it is whole. For the solver only: never link this into a preloaded
 * library.
 */
#ifndef STINGY_MEMORY_H
#define STINGY_MEMORY_H

#include <stddef.h>

/* Room for count elements of size bytes, zeroed. */
void *stingy_memory_new(size_t count, size_t size);

/* The same room made larger or smaller; new bytes are not set. */
void *stingy_memory_resize(void *memory, size_t count, size_t size);

/* A copy of size bytes. */
void *stingy_memory_copy(const void *from, size_t size);

/* A terminated copy of the len bytes at text. */
char *stingy_memory_text(const char *text, size_t len);

/* Makes sure that array, of *capacity elements of size bytes, has room for need; grows by doubling. */
void *stingy_memory_grow(void *array, size_t *capacity, size_t need, size_t size);

#define STINGY_GROW(array, capacity, need) ((array) = stingy_memory_grow(array, capacity, need, sizeof(*(array))))

#endif
