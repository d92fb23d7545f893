/*
 * Handles: what a program queues by a pointer to something that was told its stage and its task before (libevent's
 * struct event). Remembers what each was given last.
 *
 * A mapping of a fixed size, filled as needed; once it is full, no more handles are remembered. Nothing is ever taken
 * out: a heap gives the same addresses out again. Any thread: a lock of its own, in which nothing else is called.
 */
#ifndef STINGY_HANDLES_H
#define STINGY_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#define STINGY_HANDLES_MAX (1u << 19)

struct stingy_handle {
	uintptr_t address;
	uintptr_t stage;
	uint64_t task;
};

/* Makes the table. Returns 0, or -1 with errno. */
int stingy_handles_init(void);

/* Remembers the handle; false if there is no room. */
bool stingy_handles_put(const struct stingy_handle *handle);

/* Fills in stage and task of the handle at its address; false if it is not known. */
bool stingy_handles_get(struct stingy_handle *handle);

/* After fork, in the child. */
void stingy_handles_after_fork(void);

#endif
