/*
 * What `stingy top` shows: a screen of text, made from the processes that are followed.
 *
 * A screen is rows lines of at most columns characters with ECMA-48 sequences for colours, each line cleared to its
 * end; no line is longer than the screen, whatever names there are in it. From top to bottom: what somebody wants to
 * know first (verdict.h), the processes if there are several, and of the one selected its allocations, the order of its
 * events, and its regions, the busiest first. Where there is no room, the last ones are left out.
 */
#ifndef STINGY_TOP_VIEW_H
#define STINGY_TOP_VIEW_H

#include "follow.h"

#include <stdio.h>

struct stingy_top_view {
	int rows, columns;
	double interval; /* seconds from look to look */
	size_t selected; /* process; less than there are */
};

/* There is at least one process. Errors are the stream's. */
void stingy_top_view_print(const struct stingy_top_view *view, const struct stingy_follow *follow, FILE *out);

/* Which process to begin with: the one that allocated most since the look before, or in its life. */
size_t stingy_top_view_busiest(const struct stingy_follow *follow);

#endif
