/*
 * Names of object kinds, for people: that of the function that allocates most of a kind. Where it allocates several
 * kinds, the second and later ones get a number behind it, in the order of the kinds. The names are the kinds' to free.
 */
#ifndef STINGY_NAMES_H
#define STINGY_NAMES_H

#include "kinds.h"

/* To be called once, when the kinds have no names yet. */
void stingy_names_give(struct stingy_kinds *kinds, const struct stingy_chains *chains,
		       const struct stingy_places *places);

#endif
