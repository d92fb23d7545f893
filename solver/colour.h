/*
 * Colouring a conflict graph: vertices that conflict get different colours; the fewest colours, then the fewest
 * bytes, where a colour costs the largest size of its vertices.
 *
 * Exact by branch and bound for graphs of at most STINGY_COLOUR_EXACT vertices, unless that takes too many steps; else
 * by DSATUR (the vertex with the most colours around it goes next), or the best that was found until then.
 * Deterministic: the bound counts steps. Heap memory, freed on return.
 */
#ifndef STINGY_COLOUR_H
#define STINGY_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

#define STINGY_COLOUR_EXACT 20u

/* conflict: n times n, symmetric. Fills colour[n] with numbers from 0 up. Returns how many; *exact: none are better. */
uint32_t stingy_colour(uint32_t n, const bool *conflict, const uint64_t *size, uint32_t *colour, bool *exact);

#endif
