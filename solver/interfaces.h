/*
 * Interface files as they are named on a command line: a path, or the bare name of one that came with Stingy
 * ("libevent"). See manifests/FORMAT.md.
 */
#ifndef STINGY_INTERFACES_H
#define STINGY_INTERFACES_H

#include "declarations.h"

#define STINGY_INTERFACES_SIZE 16384u /* bytes of a list of paths */

/*
 * Finds the file, reads it to the end to see that it is good, and adds its absolute path to the list, which has colons
 * between paths and room for STINGY_INTERFACES_SIZE bytes. Returns 0, or -1 after saying why.
 */
int stingy_interfaces_add(char *list, const char *name);

/*
 * Finds the file, and adds what it declares to the declarations. Those of functions to watch are of no use without a
 * profile: a line on stderr tells how many. Returns 0, or -1 after saying why.
 */
int stingy_interfaces_read(struct stingy_declarations *declarations, const char *name);

#endif
