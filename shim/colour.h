/*
 * Small pages chosen by colour, where no huge one can be had: pages whose frames lie at the same place of a way of the
 * cache have one colour, and no colour may have more pages than the cache has ways, or lines compete.
 *
 * The kernel tells frames to the privileged only (/proc/self/pagemap, CAP_SYS_ADMIN), and takes no wishes: so pages are
 * asked for until they can replace those that are too many of their colour, at most STINGY_COLOUR_SPARE times as many
 * as there are, and the rest is given back. It costs nothing but a look where the kernel's choice is good. It is true
 * of the moment: a kernel that compacts its memory moves pages. A child that writes gets other pages, and nobody
 * chooses again.
 *
 * For the constructor. Its memory is mapped, and given back.
 */
#ifndef STINGY_COLOUR_H
#define STINGY_COLOUR_H

#include "../manifests/manifest.h"

#include <stdbool.h>
#include <stddef.h>

#define STINGY_COLOUR_SPARE 4u    /* times as many pages are looked at, at most */
#define STINGY_COLOUR_PAGES 4096u /* of more pages (16 MiB) none are chosen */

/*
 * Sees to it that no colour has more of the pages at [at, at + size) than the cache has ways, or than cannot be helped,
 * if they are larger than the cache. Private small pages, all of them touched; contents are lost, and if memory runs
 * out a page may be missing afterwards. Returns whether they are so.
 */
bool stingy_colour_choose(char *at, size_t size, const struct stingy_cache *cache);

#endif
