/*
 * A manifest carried over to another build of its program, as far as code and names allow (match.h).
 *
 * Where a function is in the new build can only be found by its code in the old one, which a manifest does not have:
 * the old program must still be there, at the path that the manifest names or at another. So it is with a library that
 * is of another build than the manifest says; the new one is that at its path. What is of the same build stays as it
 * is.
 *
 * A site is carried if all of its addresses are. The frame rules of the new build come from its unwind tables, if those
 * of the old build tell what the manifest says. Sites that are not carried are left out; a stage whose function is not
 * keeps its name and its number. Everything else, comments included, is copied. Heap memory, freed on return.
 */
#ifndef STINGY_REBASE_H
#define STINGY_REBASE_H

#include <stddef.h>
#include <stdio.h>

struct stingy_rebase {
	const char *manifest; /* path */
	const char *program;  /* path: of the new build */
	const char *const *from;
	size_t n_from; /* paths: files of old builds, in any order */
};

/*
 * Makes the new manifest's text, to be freed, of *size bytes; tells in lines on report what could not be carried, and
 * how much was. Returns 0; -1 after a line that says why there is none; 1 if there were sites, but not one was carried.
 */
int stingy_rebase_run(const struct stingy_rebase *rebase, char **text, size_t *size, FILE *report);

#endif
