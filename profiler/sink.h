/*
 * The sink of a trace: a file whose header and a buffer behind it are a shared mapping, so that what has been committed
 * survives the process, SIGKILL included. A full buffer is written to its place behind all others: to map
 * that place instead would cost a page fault for each page, many times what writing it takes.
 *
 * The file grows in steps, blocks allocated before they are written: a full disk is noticed while there still is room.
 * The descriptor is checked to be ours before each use, as a server may close all descriptors it does not know; if
 * another thread does so, and opens a file, between the check and the use, that file is written to. At the bound, or
 * when the file cannot grow, writing stops, the header says so and counts what is dropped; the program goes on.
 *
 * Not thread-safe: the recorder's lock is around it.
 */
#ifndef STINGY_SINK_H
#define STINGY_SINK_H

#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stingy_sink {
	struct stingy_trace_header *header; /* start of the mapping; NULL: not open */
	uint8_t *at;         /* in the buffer, where the next record goes; not open: NULL, and the next, too */
	const uint8_t *last; /* while at is not beyond, there is room for any record */
	size_t committed;    /* bytes of whole records; the header's is for others, and could be spoilt */
	size_t allocated;    /* bytes of the file that have blocks; never fewer than committed */
	size_t bound;        /* bytes the file may have */
	int fd;              /* -1: closed */
	dev_t device;        /* of the file, to know it again */
	ino_t inode;
	char path[4096];
};

#define STINGY_SINK_PREFIX 4096 /* bytes that a prefix may have, its end included */

/*
 * Where traces go (NULL: files called stingy here), as a prefix that stays good when the program changes its directory.
 * Returns 0, or -1 with errno.
 */
int stingy_sink_settle(char prefix[STINGY_SINK_PREFIX], const char *given);

/*
 * Opens a new file PREFIX.PID.trace (PREFIX.PID.1.trace and so on where that exists) with room for at most bound bytes.
 * parent: pid of the traced process this one was forked from, or 0. Returns 0, or -1 with errno.
 */
int stingy_sink_open(struct stingy_sink *sink, const char *prefix, size_t bound, uint32_t parent);

/* The same as below, where the buffer has to be written or the file to grow first, or cannot. */
uint8_t *stingy_sink_make_room(struct stingy_sink *sink);

/* Room for one record of any kind, to be committed below; NULL: the sink is full or closed (the record is dropped). */
static inline uint8_t *stingy_sink_room(struct stingy_sink *sink)
{
	if (__builtin_expect(sink->at <= sink->last, 1))
		return sink->at;
	return stingy_sink_make_room(sink);
}

/* Makes size bytes, written where stingy_sink_room pointed to, part of the trace. */
static inline void stingy_sink_commit(struct stingy_sink *sink, size_t size)
{
	sink->at += size;
	sink->committed += size;
	/* A reader of the file must never see the length before the bytes. */
	__atomic_store_n(&sink->header->committed, sink->committed, __ATOMIC_RELEASE);
}

/* Writes the buffer, marks the trace as ended in the orderly way, and cuts the file to its length. It may still be
 * appended to. */
void stingy_sink_end(struct stingy_sink *sink);

/* Lets go of the file without a trace of it: after fork, in the child, it is the parent's. */
void stingy_sink_forget(struct stingy_sink *sink);

#endif
