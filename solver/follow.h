/*
 * Running processes, looked at again and again: their figures, and by how much these have changed since the look
 * before.
 *
 * Followed are one process and what descends from it, or all that run under Stingy; those that end drop out, new ones
 * come in. Heap memory, about 100 KiB a process, from init to fini; one thread. Nothing is printed.
 */
#ifndef STINGY_FOLLOW_H
#define STINGY_FOLLOW_H

#include "labels.h"
#include "live-reader.h"

#include <stdbool.h>

struct stingy_follow_process {
	struct stingy_live_reader now;    /* without its stages */
	struct stingy_live_reader change; /* counters are those since the look before; all else is as it is now */
	double at, seconds;               /* of this look, by a clock; since the look before, 0: there was none */
	struct stingy_labels labels;
	bool is_there; /* in the look that is under way */
};

struct stingy_follow {
	pid_t pid;                              /* 0: all */
	struct stingy_follow_process **process; /* in the order of their numbers */
	size_t n, room;
	enum stingy_live_found found; /* of pid itself, in the last look; if pid is 0, FOUND or ABSENT */
};

void stingy_follow_init(struct stingy_follow *follow, pid_t pid);
void stingy_follow_fini(struct stingy_follow *follow);

/* Looks; at: seconds by a clock that never goes back. Returns how many processes there are. */
size_t stingy_follow_look(struct stingy_follow *follow, double at);

/* What a counter has grown by, for each second; 0 if that is not known. */
double stingy_follow_rate(const struct stingy_follow_process *process, uint64_t change);

/* Makes change what it is, from two looks at one process. */
void stingy_follow_subtract(struct stingy_live_reader *change, const struct stingy_live_reader *now,
			    const struct stingy_live_reader *before);

#endif
