/*
 * How far a long command has come, in a line on the terminal that is written over: "stingy: reading 43%".
 *
 * There is one terminal, so there is one progress, and it is nobody's in particular. Nothing is shown before begin, nor
 * if stderr is no terminal, nor of what takes less than a second; and the line is gone at the end, before anything else
 * is printed. One thread.
 */
#ifndef STINGY_PROGRESS_H
#define STINGY_PROGRESS_H

#include <stdint.h>

/* From now on there is something to show. */
void stingy_progress_begin(void);

/* A part begins, of so many bytes, and is called by that word. */
void stingy_progress_part(const char *word, uint64_t bytes);

/* So many bytes more of it are done. */
void stingy_progress_advance(uint64_t bytes);

/* Nothing is to be shown any more. */
void stingy_progress_end(void);

#endif
