/*
 * The live statistics of another process (manifests/live.h), read from outside without its help.
 *
 * It is found by the name of its mapping in /proc/PID/maps and copied out through /proc/PID/mem, so the reader needs
 * the rights of a debugger over it. The process runs on meanwhile: figures may be a few events apart. Nothing it says
 * is trusted: what does not add up is refused, strings are terminated. Memory is the caller's, about 50 KiB, but for
 * the stages, which are on the heap. Any thread.
 */
#ifndef STINGY_LIVE_READER_H
#define STINGY_LIVE_READER_H

#include "../manifests/live.h"
#include "../manifests/manifest.h"

#include <limits.h>
#include <sys/types.h>

enum stingy_live_found {
	STINGY_LIVE_FOUND = 0,
	STINGY_LIVE_NO_PROCESS,
	STINGY_LIVE_NOT_ALLOWED, /* no right to look into it */
	STINGY_LIVE_ABSENT,      /* it does not run under Stingy */
	STINGY_LIVE_UNKNOWN,     /* its statistics are another version's, or damaged */
	STINGY_LIVE_RESULTS,
};

/* A region: of one arena, and in all arenas together. */
struct stingy_live_reader_region {
	uint32_t offset; /* bytes from the start of the cache slab */
	uint32_t slot;   /* bytes */
	uint32_t count;  /* slots in one arena */
	uint32_t in_use; /* slots of all arenas: now, */
	uint32_t peak;   /* and at most, each arena at its worst moment */
	uint64_t served; /* allocations */
	uint64_t full;   /* allocations refused as there was no free slot */
};

struct stingy_live_reader {
	pid_t pid;
	char program[PATH_MAX]; /* path of the executable, or at least its name */
	struct stingy_live live;
	struct stingy_live_reader_region region[STINGY_REGIONS_MAX]; /* live.n_regions of them */
	struct stingy_live_stage
		*stage;          /* of all threads together, live.stages.count and one more; NULL: there are none */
	uint64_t resident, huge; /* KiB of the arenas in memory, and on huge pages; 0, 0: not known */
};

/* Reads the statistics of a process. The reader holds them, until fini, only if it returns STINGY_LIVE_FOUND. */
enum stingy_live_found stingy_live_reader_read(struct stingy_live_reader *reader, pid_t pid);
void stingy_live_reader_fini(struct stingy_live_reader *reader);

/* Why nothing was found, to be put after "process 123: ". */
const char *stingy_live_reader_why(enum stingy_live_found found);

/* Adds up the counters of the threads and what the regions served. */
struct stingy_live_counters stingy_live_reader_sum(const struct stingy_live_reader *reader);

#endif
