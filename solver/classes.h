/*
 * What becomes of the objects of a call chain, and whether the arena should hold them.
 *
 * Objects that end with their task, or before it, come back to the arena for the next task: those are managed. What is
 * made at set-up, or is large and outlives its task, would keep a slot for good. What gives no evidence is left
 * alone. Final global state (paper, section on globals) is managed too, but in regions of its own: globals.h.
 */
#ifndef STINGY_CLASSES_H
#define STINGY_CLASSES_H

#include "census.h"

enum stingy_class {
	STINGY_CLASS_UNSEEN = 0,     /* never allocated in the traces that count */
	STINGY_CLASS_PER_TASK,       /* managed: ends within its task, request by request */
	STINGY_CLASS_PER_CONNECTION, /* managed: outlives its request, ends when the connection does */
	STINGY_CLASS_FINAL,          /* managed: small, bounded in number, and there for good once made */
	STINGY_CLASS_SETUP,          /* not made while serving, or mostly not */
	STINGY_CLASS_GLOBAL,         /* made while serving, and outlives its task */
	STINGY_CLASS_MIXED,          /* some do, some do not */
	STINGY_CLASS_NO_EVIDENCE,    /* no task that has one was seen to end */
	STINGY_CLASS_LOST,           /* some end by a way that was not seen, and that would not know ours */
	STINGY_CLASS_ALIGNED,        /* aligned beyond what regions are */
	STINGY_CLASS_POOL,           /* of a pool of the program's own, which takes its memory from malloc */
	STINGY_CLASS_LEFT_OUT,       /* the user wants it to be left alone */
	STINGY_CLASSES,
};

/* The class of a unit of the census, all traces having gone into it. */
enum stingy_class stingy_class_of(const struct stingy_census *census, const struct stingy_unit *unit);

bool stingy_class_is_managed(enum stingy_class class);

/* For people: "per task", and so on; and what was seen of its objects that made it that. */
const char *stingy_class_name(enum stingy_class class);
const char *stingy_class_reason(enum stingy_class class);

#endif
