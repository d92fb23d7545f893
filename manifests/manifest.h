/*
 * The manifest: the configuration of the allocator, as text. FORMAT.md describes it for people.
 *
 * Reading is a pull parser over the caller's bytes: one record a call, nothing allocated, nothing copied;
 * strings in a record point into the caller's bytes. It checks everything that can be checked without the
 * program at hand (numbering, references, ranges, that regions do not overlap and fit their slab), so that a
 * manifest that reads to its end is safe to act on. Writing goes to a stdio stream, solver side only
 * (manifest-write.c); the production library links the reader alone.
 *
 * No state outside the structures given; any thread; the reader may run in a constructor.
 */
#ifndef STINGY_MANIFEST_H
#define STINGY_MANIFEST_H

#include "rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STINGY_MANIFEST_VERSION 1

/* Bounds of the format. A manifest beyond them is refused by the reader. */
#define STINGY_DEPTH_MAX     16 /* return addresses in a key */
#define STINGY_ID_MAX        32 /* bytes of a build-id */
#define STINGY_MODULES_MAX   1024
#define STINGY_REGIONS_MAX   1024
#define STINGY_KINDS_MAX     65535
#define STINGY_SITES_MAX     1000000
#define STINGY_ADDRESSES_MAX 131071 /* return addresses of all sites together */
#define STINGY_STAGES_MAX    4096
#define STINGY_ALLOCATES_MAX 256          /* kinds that one stage allocates, or that a task takes */
#define STINGY_TASKS_MAX     1048575      /* tasks of a schedule */
#define STINGY_TASKS_FIRST   16           /* tasks with which the search for a schedule's number begins, at most */
#define STINGY_SLOTS_MAX     1048575      /* slots of a region */
#define STINGY_SLAB_MAX      (256u << 20) /* bytes of a cache slab */
#define STINGY_ARENAS_MAX    64
#define STINGY_MEMORY_MAX    (2u << 30) /* bytes of the cache and high slabs of all arenas: offsets have 32 bits */
#define STINGY_REGION_ALIGN  1024u      /* bytes: regions' offsets, the stack's part, a high slab: multiples of it */
#define STINGY_SLOT_ALIGN    16u        /* bytes: slot sizes are multiples of it */

enum stingy_manifest_type {
	STINGY_MANIFEST_CACHE = 1,
	STINGY_MANIFEST_SLAB,
	STINGY_MANIFEST_MODULE,
	STINGY_MANIFEST_REGION,
	STINGY_MANIFEST_KIND,
	STINGY_MANIFEST_SITE,
	STINGY_MANIFEST_STAGE,
	STINGY_MANIFEST_SCHEDULE,
};

/* A string in the caller's bytes; not terminated. */
struct stingy_text {
	const char *at;
	size_t len;
};

struct stingy_cache {
	uint32_t size; /* bytes */
	uint32_t ways;
	uint32_t line; /* bytes, a power of two */
};

/* How the arenas are laid out; all are alike. Each is one thread's: that of an event loop. */
struct stingy_manifest_slab {
	uint32_t size;   /* bytes of the cache slab that the manifest uses */
	uint32_t stack;  /* bytes at its bottom for the main thread's stack; 0: the stack stays where it is */
	uint32_t arenas; /* at most so many threads get one */
	uint32_t high;   /* bytes of the high slab; 0: there is none */
};

/* Module 0 is the program itself; the manifest serves no other program. Named by build-id, else by path and size. */
struct stingy_manifest_module {
	uint8_t id[STINGY_ID_MAX];
	uint32_t id_len;         /* bytes; 0: none, then size counts */
	uint64_t size;           /* bytes of the file; 0 where there is a build-id */
	struct stingy_text path; /* percent-encoded, as it stands in the manifest */
};

/* Wholly in the cache slab above the stack's part, or wholly in the high slab. */
struct stingy_manifest_region {
	uint32_t offset; /* bytes from the start of the cache slab, a multiple of STINGY_REGION_ALIGN */
	uint32_t slot;   /* bytes, a multiple of STINGY_SLOT_ALIGN */
	uint32_t count;  /* slots, from 1 to STINGY_SLOTS_MAX */
};

struct stingy_manifest_kind {
	uint32_t region;
	uint32_t size; /* bytes: the largest allocation that the region serves; at most its slot */
	uint32_t high; /* the region of the high slab, of such slots at least, for what is larger, or finds the
			  region full; UINT32_MAX: none */
	struct stingy_text name; /* for people; percent-encoded; may be empty */
};

/* One return address of a key: the file offset in its module, and the rule that leads to the next. */
struct stingy_address {
	uint32_t module;
	uint64_t offset;
	struct stingy_rule rule; /* STINGY_RULE_NONE at the last address of a key */
};

/* A site is the chain of return addresses from the malloc call outwards. */
struct stingy_manifest_site {
	uint32_t kind;
	uint32_t depth;
	struct stingy_address chain[STINGY_DEPTH_MAX];
};

/* How many objects of a kind one run of a stage allocates. */
struct stingy_allocates {
	uint32_t kind;
	uint32_t count;
};

struct stingy_manifest_stage {
	uint32_t module;         /* of the function; UINT32_MAX: the stage has no known function */
	uint64_t offset;         /* file offset of the function's first byte */
	struct stingy_text name; /* for people, and by which programs find it; percent-encoded; may be empty */
	uint32_t n_allocates;
	struct stingy_allocates allocates[STINGY_ALLOCATES_MAX];
};

/* How the events of the server are to be ordered; without the record, they are not. */
struct stingy_manifest_schedule {
	bool is_fixed;  /* so many tasks at a time, for good; else that is where the search for a number begins */
	uint32_t tasks; /* that fit the cache slab; 0: not told */
	uint32_t n_takes;
	struct stingy_allocates takes[STINGY_ALLOCATES_MAX]; /* what a task has at once, at most; empty: not told */
};

struct stingy_manifest_record {
	enum stingy_manifest_type type;
	uint32_t number; /* of a module, region, kind, site or stage: from 0, in the order of the file */
	union {
		struct stingy_cache cache;
		struct stingy_manifest_slab slab;
		struct stingy_manifest_module module;
		struct stingy_manifest_region region;
		struct stingy_manifest_kind kind;
		struct stingy_manifest_site site;
		struct stingy_manifest_stage stage;
		struct stingy_manifest_schedule schedule;
	};
};

struct stingy_manifest_counts {
	uint32_t modules, regions, kinds, sites, stages;
};

struct stingy_manifest_reader {
	const char *next;
	const char *end;
	unsigned line;                        /* of the last record or error, from 1 */
	const char *error;                    /* why the reader stopped, a static string; NULL while all is well */
	struct stingy_manifest_counts counts; /* of the records read so far */
	/* the rest is the reader's own */
	int phase; /* what was read last: the first line, a type of record, the last line */
	bool has_cache;
	bool has_slab;
	struct stingy_manifest_slab slab;
	uint32_t used;                     /* bytes from the start of the cache slab to the end of the last region */
	uint32_t n_cache_regions;          /* regions in the cache slab; those of the high slab come behind */
	uint32_t slot[STINGY_REGIONS_MAX]; /* bytes, of the regions read so far */
};

/* Where the high slab begins: bytes from the start of the cache slab, right above which it lies. */
static inline uint32_t stingy_manifest_high(const struct stingy_manifest_slab *slab)
{
	return (slab->size + STINGY_REGION_ALIGN - 1) & ~(STINGY_REGION_ALIGN - 1);
}

/* With how many tasks at a time ordering begins; 0: not told. Where many fit, few do as well or better. */
static inline uint32_t stingy_manifest_first_tasks(const struct stingy_manifest_schedule *schedule)
{
	return schedule->is_fixed || schedule->tasks < STINGY_TASKS_FIRST ? schedule->tasks : STINGY_TASKS_FIRST;
}

/* Begins to read the len bytes at text, which must stay in place while records are used. */
void stingy_manifest_reader_init(struct stingy_manifest_reader *reader, const char *text, size_t len);

/*
 * Reads the next record. Returns 1, or 0 after the last one (the 'end' line was seen), or -1 at the first
 * error, with reader->error and reader->line set; every further call then returns -1 too.
 */
int stingy_manifest_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record);

/* Writes the decoded form of a percent-encoded text into buf (always terminated, cut to fit). Returns buf. */
char *stingy_text_decode(struct stingy_text text, char *buf, size_t size);

/*
 * The writer: the first line, then records in the order of enum stingy_manifest_type, then the last line.
 * Strings in records given to it are plain text (not yet encoded). Comments are cut at line ends.
 * Errors are the stream's: check ferror() at the end.
 */
void stingy_manifest_write_begin(FILE *out);
void stingy_manifest_write_comment(FILE *out, const char *text);
void stingy_manifest_write(FILE *out, const struct stingy_manifest_record *record);
void stingy_manifest_write_end(FILE *out);

#endif
