/*
 * Two builds of one program or library: which function of the new one is which of the old one.
 *
 * Functions of one name are a pair, and so are those whose code is the same (code.h); where several have the same code,
 * as wrappers of one line do, they are taken in their order, if there are as many of them in both builds. What has
 * changed and has no name is found by its neighbours: in a pair of the same code, what one refers to is a pair with
 * what the other refers to in the same place. In a pair that has changed, what is between the same two others is.
 *
 * In a pair of the same code every return address keeps its place. In one that has changed, a call is known by whom it
 * calls, and by being the first, second and so on of those, if both have as many. All that is guessing: whoever goes by
 * it must be able to live with a wrong answer, as a manifest's key can, which then matches nothing or what it should
 * not. No two functions, nor two return addresses, are ever carried to one. Heap memory, from init to fini.
 */
#ifndef STINGY_MATCH_H
#define STINGY_MATCH_H

#include "code.h"

struct stingy_match {
	const struct stingy_binary *old, *new;
	struct stingy_code *old_code, *new_code; /* by function */
	uint32_t *to;                            /* by the old function: the new one; STINGY_NO_FUNCTION: none */
	uint32_t *from;                          /* and the other way */
};

/* The binaries must stay as they are meanwhile. */
void stingy_match_init(struct stingy_match *match, const struct stingy_binary *old, const struct stingy_binary *new);
void stingy_match_fini(struct stingy_match *match);

/* Whether the function of the old build has a counterpart of the same code. */
bool stingy_match_is_same(const struct stingy_match *match, uint32_t old);

/* Carries a return address, and a function's first byte, to the new build. Returns NULL, or why it cannot. */
const char *stingy_match_return(const struct stingy_match *match, uint64_t old, uint64_t *new);
const char *stingy_match_function(const struct stingy_match *match, uint64_t old, uint64_t *new);

#endif
