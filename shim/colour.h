/*
 * Small pages chosen by colour, where no huge one can be had. Pages whose frames map to the same sets of the cache have
 * the same colour; where more pages have one colour than the cache has ways, their lines evict each other.
 *
 * The kernel shows frame numbers to the privileged only (/proc/self/pagemap, CAP_SYS_ADMIN), and lets nobody choose a
 * frame. So spare pages are allocated, at most STINGY_COLOUR_SPARE times as many as are to be chosen, until some can
 * replace those that are too many of their colour; the others are given back. Where the kernel's choice is good
 * already, this costs one look at it. The choice is made once, and need not last: a kernel that compacts its memory
 * moves pages, and a child that writes to one gets a copy of any colour.
 *
 * In the constructor only. Memory of its own is mapped, and unmapped before it returns.
 */
#ifndef STINGY_COLOUR_H
#define STINGY_COLOUR_H

#include "../manifests/manifest.h"

#include <stdbool.h>
#include <stddef.h>

#define STINGY_COLOUR_SPARE 4u    /* times as many pages are looked at, at most */
#define STINGY_COLOUR_PAGES 4096u /* of more pages (16 MiB) none are chosen */

/*
 * Exchanges pages of [at, at + size) until no colour has more of them than the cache has ways; if the range is larger
 * than the cache, until they are spread evenly over the colours. The range is private small pages, all of them touched.
 * Contents are lost, and if memory runs out a page may be missing afterwards. Returns whether that was achieved.
 */
bool stingy_colour_choose(char *at, size_t size, const struct stingy_cache *cache);

#endif
