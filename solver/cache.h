/*
 * The geometry of a cache: what the machine says (sysfs), or what the user says (--cache).
 *
 * The manifest is made for one geometry; `stingy check` compares it with the machine's. Nothing is allocated and
 * nothing is printed here.
 */
#ifndef STINGY_CACHE_H
#define STINGY_CACHE_H

#include "../manifests/manifest.h"

#include <stdbool.h>

/* Reads the data or unified cache of a level (1, 2, 3) of the first processor. Returns 0, or -1 if the machine does not
 * say. */
int stingy_cache_detect(unsigned level, struct stingy_cache *cache);

/* How many processors share the cache of that level with the first one, itself included; 1 if the machine does not say.
 */
unsigned stingy_cache_sharers(unsigned level);

/* Whether there can be such a cache: the line is a power of two, and lines times ways divide the size. */
bool stingy_cache_is_valid(const struct stingy_cache *cache);

/* Bytes of the slab that may have so many millionths of the cache: no more than a manifest can have, and aligned. */
uint64_t stingy_cache_slab(const struct stingy_cache *cache, uint32_t share);

/*
 * Reads "SIZE,WAYS,LINE", for instance "1M,8,64": SIZE in bytes, or with K or M. "SIZE" alone has the ways and the line
 * of this machine's L2, or 8 and 64. Returns 0, or -1 if it is no such text or no such cache.
 */
int stingy_cache_parse(const char *text, struct stingy_cache *cache);

/* Reads "L1", "L2" or "L3" into the level, and this machine's cache of that level. Returns 1, 0 if the text is none of
 * these, or -1 if the machine does not say. */
int stingy_cache_named(const char *text, unsigned *level, struct stingy_cache *cache);

#endif
