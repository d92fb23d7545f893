/*
 * What somebody wants to know first of a process under Stingy: is it on, does it help, what limits it. One line each.
 *
 * Only what the statistics show is said: that allocations came from the arena, not that they were faster for it; the
 * time that ordering saved has been measured, and is given. Memory is the caller's; any thread.
 */
#ifndef STINGY_VERDICT_H
#define STINGY_VERDICT_H

#include "live-reader.h"

enum stingy_verdict_mood {
	STINGY_VERDICT_GOOD = 0,
	STINGY_VERDICT_FAIR, /* worth a look */
	STINGY_VERDICT_BAD,
	STINGY_VERDICT_MOODS,
};

struct stingy_verdict_line {
	enum stingy_verdict_mood mood;
	char text[384]; /* as the process's names are: not clean */
};

struct stingy_verdict {
	struct stingy_verdict_line on, helps, limit;
};

/*
 * now: how the process is; counted: the same with the counters of the time that is to be judged, which may be now
 * itself: all of its life. fullest: for people, what lives in the region of that name below; "": it is not known.
 */
void stingy_verdict_init(struct stingy_verdict *verdict, const struct stingy_live_reader *now,
			 const struct stingy_live_reader *counted, const char *fullest);

/* The region at which most allocations found no slot; 0, if there is none. */
uint32_t stingy_verdict_fullest(const struct stingy_live_reader *counted);

#endif
