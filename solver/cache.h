/*
 * The geometry of a cache: what the machine says (sysfs), or what the user says (--cache SIZE,WAYS,LINE).
 *
 * The manifest is made for one geometry; `stingy check` compares it with the machine's. Nothing is allocated and
 * nothing is printed here.
 */
#ifndef STINGY_CACHE_H
#define STINGY_CACHE_H

#include "../manifests/manifest.h"

/* Reads the data or unified cache of a level (1, 2, 3) of the first processor. Returns 0, or -1 if it is not told. */
int stingy_cache_detect(unsigned level, struct stingy_cache *cache);

/*
 * Reads "SIZE,WAYS,LINE", for instance "1M,8,64": SIZE in bytes, or with K or M. Returns 0, or -1 if it is no such
 * text or no such cache: the line is a power of two, and lines times ways divide the size.
 */
int stingy_cache_parse(const char *text, struct stingy_cache *cache);

#endif
