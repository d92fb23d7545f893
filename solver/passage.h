/*
 * One way through a mapped trace, from its beginning to its end: what lies behind need not stay in memory.
 *
 * A trace may be larger than the memory that is to spare. Its pages are the file's: given back, they are read again
 * when they are wanted again; but for the last ones, where a reader has put what it found in the file's buffer. Every
 * few mebibytes the passage gives back those behind it, and tells the progress. No memory of its own.
 */
#ifndef STINGY_PASSAGE_H
#define STINGY_PASSAGE_H

#include "mapped-file.h"

#define STINGY_PASSAGE_STEP ((size_t)8 << 20) /* bytes: a multiple of a page */

struct stingy_passage {
	const struct stingy_mapped_file *file;
	size_t behind; /* bytes: what is before that was given back */
	size_t most;   /* from there on nothing is given back, as it is not the file's; 0: all is */
};

/* Gives back what lies before a place that the passage has come to. */
void stingy_passage_release(struct stingy_passage *passage, size_t at);

/* The passage has come to a place; to be called for every record. */
static inline void stingy_passage_at(struct stingy_passage *passage, size_t at)
{
	if (at - passage->behind >= STINGY_PASSAGE_STEP)
		stingy_passage_release(passage, at);
}

/* It ends there. */
void stingy_passage_end(struct stingy_passage *passage, size_t at);

#endif
