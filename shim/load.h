/*
 * From the manifest's text to what the shim serves by: regions, sites, stages, the live statistics, the arena's
 * addresses. In the constructor, once. Whatever is wrong with the manifest is said in one line, and then nothing is
 * served.
 */
#ifndef STINGY_LOAD_H
#define STINGY_LOAD_H

#include "serve.h"

/*
 * Loads the manifest at path into serve, which is zeroed but for what the environment says. Returns 0, or -1 after
 * saying why; serve->live, if it could be made, then has a note that says so too, and the rest of serve must not be
 * used.
 */
int stingy_load(struct stingy_serve *serve, const char *path);

/* Without a manifest: the live statistics alone. Returns 0, or -1 if there is no memory. */
int stingy_load_live(struct stingy_serve *serve);

#endif
