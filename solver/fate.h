/*
 * What became of an object that a server allocated while serving, against its task: that tells the class of its kind.
 *
 * A function of the object, its task and the turn; no state.
 */
#ifndef STINGY_FATE_H
#define STINGY_FATE_H

#include "objects.h"
#include "task.h"

#define STINGY_FATE_FEW_TURNS 16u /* turns that count as soon: a close is often followed by deferred work */

enum stingy_fate {
	STINGY_FATE_UNKNOWN = 0, /* no evidence: its task was still open when the trace ended */
	STINGY_FATE_TASK,        /* it ended within its task, or soon after */
	STINGY_FATE_TASK_END,    /* it ended when its task did */
	STINGY_FATE_PASSED_ON,   /* another task ended it, much later, while its own was open */
	STINGY_FATE_OUTLIVED,    /* it ended long after its task had */
	STINGY_FATE_CONNECTION,  /* it outlived its request, and ended when the connection did */
	STINGY_FATE_NEXT,        /* a later request of its connection ended it */
	STINGY_FATE_LEFT,        /* its task was long over when the trace ended, and it was still there */
	STINGY_FATES,
};

/* Of an object that ends in the run (NULL: none), or is left when the trace ends, at the given turn. */
enum stingy_fate stingy_fate_of_ended(const struct stingy_object *object, const struct stingy_run *run, uint32_t turn);
enum stingy_fate stingy_fate_of_left(const struct stingy_object *object, uint32_t turn);

#endif
