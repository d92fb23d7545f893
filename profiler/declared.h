/*
 * The declared functions of a profiling run: reads the interface files, finds their functions, stands before them, and
 * records what their calls say (queued stages, objects of pools).
 *
 * A name is a function of the program, whose entry is patched (patch.h), or one that modules call by their slots
 * (slots.h), also those that are loaded later; a function of a named module, by name or offset, has its entry patched.
 * What cannot be found or must not be patched is told in one line each, and left alone.
 *
 * Everything is settled in the constructor but what dlopen brings. Any thread; nothing of it in signal handlers that
 * interrupt the recorder.
 */
#ifndef STINGY_DECLARED_H
#define STINGY_DECLARED_H

#include "writer.h"

/* Reads the files that STINGY_INTERFACE names. In the constructor; inside stingy_record_enter, as all but the last. */
void stingy_declared_init(void);

/* Stands before the declared functions. In the constructor, once the recorder can record. */
void stingy_declared_begin(void);

/* Looks for the declared functions in what has been loaded since. */
void stingy_declared_refresh(void);

/* Writes all declarations into a trace that begins. The recorder's lock is held. */
void stingy_declared_write(struct stingy_writer *writer);

/* After fork, in the child. */
void stingy_declared_after_fork(void);

#endif
