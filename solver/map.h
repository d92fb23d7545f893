/*
 * The picture of an arena as a manifest lays it out: stack, regions, free rest, high slab, over the ways of the cache.
 *
 * The drawing is a list of parts without gaps, from the start of the cache slab to the end of the cache or of the high
 * slab, whichever is later; and the lines into which it is broken, one to a way of the cache where there are not too
 * many or too few: what is one above the other then falls into the same sets. Two writers draw it, as text and as SVG.
 * SVG may be put into a page of HTML as it is: its rules are for the class "stingy-map" alone, and colours follow the
 * reader's preference for light or dark.
 *
 * Which regions hold global state, a manifest tells in its comments only; without them all are drawn as the tasks'.
 * Heap memory, from init to fini; errors of a stream are its owner's to find.
 */
#ifndef STINGY_MAP_H
#define STINGY_MAP_H

#include "../manifests/manifest.h"

enum stingy_map_what {
	STINGY_MAP_FREE = 0, /* of the slab, or of the cache: for code, data and the rest of the stack */
	STINGY_MAP_STACK,
	STINGY_MAP_GLOBAL, /* regions of what is kept for good */
	STINGY_MAP_TASKS,  /* regions of tasks and connections */
	STINGY_MAP_HIGH,   /* regions of the high slab */
};

struct stingy_map_part {
	enum stingy_map_what what;
	uint64_t offset; /* bytes from the start of the cache slab */
	uint64_t size;   /* bytes, up to the next part */
	uint32_t region; /* its number; this and the next three are of regions only */
	uint32_t slot;   /* bytes */
	uint32_t count;  /* slots */
	char *kinds;     /* names, clean, with commas between; never NULL */
};

/* A stretch that is drawn in lines of one length. */
struct stingy_map_block {
	uint64_t begin, end; /* bytes from the start of the cache slab */
	uint64_t line;       /* bytes */
};

struct stingy_map {
	char *program; /* path, clean */
	struct stingy_cache cache;
	struct stingy_manifest_slab slab;
	struct stingy_map_part *part; /* in the order of their offsets */
	uint32_t n_parts;
	uint32_t n_regions;
	struct stingy_map_block block[2]; /* the cache, and what lies beyond */
	uint32_t n_blocks;                /* 0: there is nothing to draw */
};

/* text: of a manifest that has been read to its end without an error. */
void stingy_map_init(struct stingy_map *map, const char *text, size_t size);
void stingy_map_fini(struct stingy_map *map);

/* Whether one line is one way of the cache. */
bool stingy_map_has_ways(const struct stingy_map *map);

/* For people: what a part is, in a word or two. */
const char *stingy_map_word(enum stingy_map_what what);

#define STINGY_MAP_SIZE 32u /* bytes of a size in words */

/* Writes bytes in the largest unit of which there is a whole number into text[STINGY_MAP_SIZE]. Returns text. */
const char *stingy_map_size(uint64_t bytes, char *text);

/* Draws in lines of at most so many columns, 76 at least. */
void stingy_map_text(const struct stingy_map *map, unsigned columns, FILE *out);

/* Writes an svg element. */
void stingy_map_svg(const struct stingy_map *map, FILE *out);

#endif
