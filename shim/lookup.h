/*
 * A function that may not be there, may come with a module that the program loads later, and may go with it: an
 * operator of C++ in a program of C, another allocator's own interface. What is looked up is the definition that a call
 * would have met without us: the next one in the loader's global scope or, where that has none, the first that a loaded
 * module has or needs (a plug-in sees what nobody else does).
 *
 * It is looked up when it is asked for, and again after a dlclose, which may have taken it away. Any thread; keeps
 * errno. The first time takes the loader's lock.
 */
#ifndef STINGY_LOOKUP_H
#define STINGY_LOOKUP_H

#include <stddef.h>

/* A name, and what is known of it; begins as {.name = ...}. */
struct stingy_lookup {
	const char *name;
	void *found;              /* NULL: none, or not looked up yet */
	unsigned long closed;     /* how many calls of dlclose there had been; 0: not looked up yet */
	unsigned long long added; /* how many modules had been loaded, ever */
};

/*
 * The function's address; NULL if there is no definition but ours. The caller is to call it at once: then it stays
 * loaded meanwhile, and what several threads note at the same time is good whichever comes last.
 */
void *stingy_lookup_get(struct stingy_lookup *lookup);

/* To be called when dlclose has been. */
void stingy_lookup_closed(void);

#endif
