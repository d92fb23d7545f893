/*
 * Colouring a conflict graph: vertices that conflict get different colours; the fewest colours, then the fewest
 * bytes, where a colour costs the largest size of its vertices.
 *
 * Exact by branch and bound for graphs of at most STINGY_COLOUR_EXACT vertices, unless that takes too many steps; else
 * by DSATUR (the vertex with the most colours around it goes next), or the best that was found until then. The
 * result says which it was. Deterministic: the bound counts steps. Heap memory, freed on return.
 */
#ifndef STINGY_COLOUR_H
#define STINGY_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

#define STINGY_COLOUR_EXACT 60u

enum stingy_colour_proof {
	STINGY_COLOUR_DSATUR = 0, /* nothing is proven */
	STINGY_COLOUR_FEWEST,     /* no other has fewer colours; some may take fewer bytes */
	STINGY_COLOUR_BEST,       /* nor fewer bytes */
};

/* conflict: n times n, symmetric. Fills colour[n] with numbers from 0 up. Returns how many. */
uint32_t stingy_colour(uint32_t n, const bool *conflict, const uint64_t *size, uint32_t *colour,
		       enum stingy_colour_proof *proof);

#endif
