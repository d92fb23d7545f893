/*
 * Whether the events of the server should be ordered (shim/order.h), and with how many tasks at a time to begin.
 *
 * A task keeps so many bytes: of each region what it has there at once, and of all other memory that was allocated for
 * it what the average task has. So many tasks fit what the slab leaves for them. Ordering is expected to gain if
 *   - the traces show a loop that waits (epoll, poll, select), and accepts connections: else there is nothing to order;
 *   - there may be more tasks at once than fit: fewer find the cache as they left it. There may be as many as one
 * thread of the traces had, but STINGY_SCHEDULE_CROWD at least: a program is profiled under less load than it will
 * bear. Else the manifest has no schedule, unless the user wants one. Even where a gain is expected, the library looks
 * whether it comes, and with which number: so nothing here has to be exact.
 *
 * Order brings down how many tasks are under way, but not how many connections there are. What these keep from request
 * to request fills its regions once, for the first connections that come, which hardly ever touch it, and those of the
 * tasks are the smaller for it: where it takes more than a part of the slab for all connections that were seen, an
 * ordered server does without its regions. (Not where connections have hardly more than one request each: then there
 * are as many as tasks.)
 *
 * No memory of its own.
 */
#ifndef STINGY_SCHEDULE_H
#define STINGY_SCHEDULE_H

#include "model.h"

#define STINGY_SCHEDULE_CROWD 1000u /* tasks at once that any server may have to bear */

enum stingy_schedule_wish {
	STINGY_SCHEDULE_IF_GOOD = 0, /* if a gain is expected */
	STINGY_SCHEDULE_AUTO,
	STINGY_SCHEDULE_OFF,
	STINGY_SCHEDULE_FIXED,
};

struct stingy_schedule_options {
	enum stingy_schedule_wish wish;
	uint32_t tasks; /* of STINGY_SCHEDULE_FIXED */
};

struct stingy_schedule {
	struct stingy_manifest_schedule record; /* what a task takes: by the problem's kinds */
	bool is_wanted;                         /* the record goes into the manifest */
	uint64_t bytes;                         /* that a task keeps; 0: not known */
	uint32_t fit;                           /* tasks; 0: not known */
	uint32_t crowd;                         /* tasks that there may be at once */
	const char *why_not;                    /* why no gain is expected; NULL: one is */
};

/*
 * atoms: the census by whole chains. is_loop: some trace has a loop that waits, and accepts connections. model: solved,
 * or of no kinds.
 */
void stingy_schedule_init(struct stingy_schedule *schedule, const struct stingy_schedule_options *options,
			  const struct stingy_model_source *source, const struct stingy_model *model,
			  const struct stingy_census *atoms, bool is_loop);

/* Whether there are too many connections for what they keep. The events are to be ordered. */
bool stingy_schedule_is_for_tasks(const struct stingy_model_source *source);

/* In a line, for people: text of STINGY_SCHEDULE_TEXT bytes. Returns text. */
#define STINGY_SCHEDULE_TEXT 256u
const char *stingy_schedule_print(const struct stingy_schedule *schedule, char *text);

#endif
