#include "fate.h"

/* What the turn does before the read that shows the request is for it too, such as making room to read into. */
static bool is_of_earlier_request(const struct stingy_object *object)
{
	return object->turn < object->task->request_turn;
}

enum stingy_fate stingy_fate_of_ended(const struct stingy_object *object, const struct stingy_run *run, uint32_t turn)
{
	const struct stingy_task *task = object->task;
	bool soon = turn - object->turn <= STINGY_FATE_FEW_TURNS;

	if (!task)
		return soon ? STINGY_FATE_TASK : STINGY_FATE_OUTLIVED;
	if (task->ended && turn - task->end_turn > STINGY_FATE_FEW_TURNS)
		return STINGY_FATE_OUTLIVED;
	if (task->ended)
		return is_of_earlier_request(object) ? STINGY_FATE_CONNECTION : STINGY_FATE_TASK_END;
	if (!soon && !(run && run->task == task))
		return STINGY_FATE_PASSED_ON;
	return is_of_earlier_request(object) ? STINGY_FATE_NEXT : STINGY_FATE_TASK;
}

/* It is evidence only if its task is long over, or if it never had one and is old. */
enum stingy_fate stingy_fate_of_left(const struct stingy_object *object, uint32_t turn)
{
	const struct stingy_task *task = object->task;
	uint32_t since = task && task->ended ? task->end_turn : object->turn;

	if ((task && !task->ended) || turn - since <= STINGY_FATE_FEW_TURNS)
		return STINGY_FATE_UNKNOWN;
	return STINGY_FATE_LEFT;
}
