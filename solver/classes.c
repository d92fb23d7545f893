#include "classes.h"

#include "../manifests/manifest.h"

#define MOST        95u   /* percent of the objects whose end was seen */
#define FINAL_BYTES 1024u /* larger objects that outlive their task are left outside */

/*
 * Objects that end late, or by another task, come back all the same as long as there are no more of them than tasks
 * could hold: those of a proxy's two sides, or what a program keeps in pools of its own and trims. A table of shared
 * objects grows beyond that.
 */
static bool is_bounded_by_tasks(const struct stingy_census *census, const struct stingy_unit *unit)
{
	return unit->max_live <= 2 * census->max_tasks;
}

/*
 * What is still there when the trace ends, though its task is long over, is the paper's global state, such as what a
 * program keeps in pools of its own for the next task: final if it is small, else temporary.
 */
static bool is_small(const struct stingy_unit *unit)
{
	return unit->served && stingy_sizes_cover(&unit->served->sizes, 100) <= FINAL_BYTES;
}

/* Garbage in a damaged trace may be no power of two. */
static bool is_aligned_beyond_regions(const struct stingy_unit *unit)
{
	return unit->max_align > STINGY_REGION_ALIGN || (unit->max_align & (unit->max_align - 1));
}

enum stingy_class stingy_class_of(const struct stingy_census *census, const struct stingy_unit *unit)
{
	uint64_t of_connection = unit->fate[STINGY_FATE_TASK_END] + unit->fate[STINGY_FATE_CONNECTION];
	uint64_t good = unit->fate[STINGY_FATE_TASK] + of_connection;
	uint64_t late =
		unit->fate[STINGY_FATE_PASSED_ON] + unit->fate[STINGY_FATE_OUTLIVED] + unit->fate[STINGY_FATE_NEXT];
	uint64_t bad = unit->setup_left, final = 0;

	if (unit->serving + unit->setup == 0)
		return STINGY_CLASS_UNSEEN;
	if (unit->is_pool)
		return STINGY_CLASS_POOL;
	if (unit->is_left_out)
		return STINGY_CLASS_LEFT_OUT;
	if (unit->unseen_ends)
		return STINGY_CLASS_LOST;
	if (unit->setup > unit->serving)
		return STINGY_CLASS_SETUP;
	if (is_aligned_beyond_regions(unit))
		return STINGY_CLASS_ALIGNED;
	*(is_bounded_by_tasks(census, unit) ? &good : &bad) += late;
	*(is_bounded_by_tasks(census, unit) && is_small(unit) ? &final : &bad) += unit->fate[STINGY_FATE_LEFT];
	if (good + final + bad == 0)
		return STINGY_CLASS_NO_EVIDENCE;
	if ((good + final) * 100 < (good + final + bad) * MOST)
		return good + final > bad ? STINGY_CLASS_MIXED : STINGY_CLASS_GLOBAL;
	if (final > good)
		return STINGY_CLASS_FINAL;
	if ((of_connection + unit->fate[STINGY_FATE_NEXT]) * 2 > good)
		return STINGY_CLASS_PER_CONNECTION;
	return STINGY_CLASS_PER_TASK;
}

bool stingy_class_is_managed(enum stingy_class class)
{
	return class == STINGY_CLASS_PER_TASK || class == STINGY_CLASS_PER_CONNECTION || class == STINGY_CLASS_FINAL;
}

const char *stingy_class_name(enum stingy_class class)
{
	static const char *const names[STINGY_CLASSES] = {
		[STINGY_CLASS_UNSEEN] = "unseen",
		[STINGY_CLASS_PER_TASK] = "per task",
		[STINGY_CLASS_PER_CONNECTION] = "per connection",
		[STINGY_CLASS_FINAL] = "global, final",
		[STINGY_CLASS_SETUP] = "set-up",
		[STINGY_CLASS_GLOBAL] = "global",
		[STINGY_CLASS_MIXED] = "mixed",
		[STINGY_CLASS_NO_EVIDENCE] = "no evidence",
		[STINGY_CLASS_LOST] = "ends unseen",
		[STINGY_CLASS_ALIGNED] = "aligned",
		[STINGY_CLASS_POOL] = "of a pool",
		[STINGY_CLASS_LEFT_OUT] = "left out",
	};

	return names[class];
}

const char *stingy_class_reason(enum stingy_class class)
{
	static const char *const reasons[STINGY_CLASSES] = {
		[STINGY_CLASS_UNSEEN] = "never allocated while the program served",
		[STINGY_CLASS_PER_TASK] = "ends within its task",
		[STINGY_CLASS_PER_CONNECTION] = "ends when its connection does",
		[STINGY_CLASS_FINAL] = "small, stays when its task is over, and no more of them than tasks",
		[STINGY_CLASS_SETUP] = "made before the program serves, or mostly so",
		[STINGY_CLASS_GLOBAL] = "outlives its task, and is large, or more than tasks could hold",
		[STINGY_CLASS_MIXED] = "some end with their task, too many others do not",
		[STINGY_CLASS_NO_EVIDENCE] = "no task that has one was seen to end",
		[STINGY_CLASS_LOST] = "some end unseen, by a way that would not know ours",
		[STINGY_CLASS_ALIGNED] = "aligned beyond what regions are",
		[STINGY_CLASS_POOL] = "what a pool of the program's own takes its memory from",
		[STINGY_CLASS_LEFT_OUT] = "declared to be left alone",
	};

	return reasons[class];
}
