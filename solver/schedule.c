#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERCENT   100u
#define KEPT_PART 4u  /* of the slab, for what connections keep */
#define SEVERAL   2u  /* requests of a connection, in the mean */
#define TYPICAL   50u /* percent: of the tasks, for what one takes; of the allocations, for a size that is no slot's */

/* Percent of the tasks that had an object of the unit. */
static uint32_t share(const struct stingy_census *census, const struct stingy_unit *unit)
{
	uint64_t tasks = 0;

	for (uint32_t i = 1; unit->served && i < STINGY_CENSUS_PER_TASK; i++)
		tasks += unit->served->per_task[i];
	tasks = census->tasks ? tasks * PERCENT / census->tasks : 0;
	return tasks < PERCENT ? (uint32_t)tasks : PERCENT;
}

/* Whether tasks have objects of the kind while they wait: what lives within a stage is one task's at a time. */
static bool is_kept(const struct stingy_problem *problem, uint32_t kind)
{
	for (uint32_t i = 0; i < problem->n_stages; i++)
		for (uint32_t j = 0; j < problem->stage[i].n_live; j++)
			if (problem->stage[i].live[j] == kind)
				return true;
	return false;
}

/* What the tasks have at once in the region of a colour. */
struct part {
	uint64_t bytes;    /* of a task that has any, at most */
	uint32_t share;    /* percent of the tasks */
	uint32_t kind;     /* that takes the most slots of it, and none beyond its task; STINGY_NO_UNIT: none */
	uint32_t per_task; /* slots, of that */
};

static void add_to_part(struct part *part, const struct stingy_model_source *source, const struct stingy_model *model,
			uint32_t number)
{
	const struct stingy_problem_kind *kind = &model->problem.kind[number];
	uint32_t of = model->kind[number], share_of_kind = share(source->census, &source->census->unit[of]);
	uint64_t bytes = model->problem.slot[kind->colour] * kind->per_task;

	if (bytes > part->bytes)
		part->bytes = bytes;
	part->share += share_of_kind < PERCENT - part->share ? share_of_kind : PERCENT - part->share;
	if (source->kinds->kind[of].class != STINGY_CLASS_PER_TASK || share_of_kind < TYPICAL ||
	    !is_kept(&model->problem, number))
		return;
	if (part->kind == STINGY_NO_UNIT || kind->per_task > part->per_task) {
		part->kind = number;
		part->per_task = kind->per_task;
	}
}

/*
 * Kinds of one colour are never in one task at once: the largest counts. What a connection keeps is not among what a
 * task takes: it is there before, and idle connections may have filled its region for good. (Where there are more
 * regions than the record holds, the last of them set no bound.)
 */
static uint64_t managed_bytes(struct stingy_manifest_schedule *record, const struct stingy_model_source *source,
			      const struct stingy_model *model)
{
	const struct stingy_problem *problem = &model->problem;
	uint64_t bytes = 0;

	for (uint32_t colour = 0; colour < problem->n_colours; colour++) {
		struct part part = {.kind = STINGY_NO_UNIT};

		for (uint32_t i = 0; i < problem->n_kinds; i++)
			if (problem->kind[i].colour == colour)
				add_to_part(&part, source, model, i);
		bytes += part.bytes * part.share / PERCENT;
		if (part.kind != STINGY_NO_UNIT && record->n_takes < STINGY_ALLOCATES_MAX)
			record->takes[record->n_takes++] = (struct stingy_allocates){part.kind, part.per_task};
	}
	return bytes;
}

/* Whether the objects of a chain are in the regions of the tasks. */
static bool is_managed(const struct stingy_model_source *source, const struct stingy_model *model, uint32_t chain)
{
	uint32_t kind = source->kinds->kind_of[chain];

	return kind != STINGY_NO_UNIT && model->left_out[kind] == STINGY_KEPT;
}

/*
 * What the average task has, be it only lent, of all that no region of the tasks is for: what is too large or cannot be
 * managed, and what the program keeps in pools of its own for the next task.
 */
static uint64_t unmanaged_bytes(const struct stingy_model_source *source, const struct stingy_model *model,
				const struct stingy_census *atoms)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < atoms->n_units; i++) {
		const struct stingy_unit *unit = &atoms->unit[i];

		if (unit->served && !is_managed(source, model, i))
			bytes += stingy_sizes_cover(&unit->served->sizes, TYPICAL) *
				 stingy_unit_per_task(unit, TYPICAL) * share(atoms, unit) / PERCENT;
	}
	return bytes;
}

bool stingy_schedule_is_for_tasks(const struct stingy_model_source *source)
{
	const struct stingy_census *census = source->census;
	uint64_t kept = 0;

	if (census->requests < census->connections * SEVERAL)
		return false;
	for (uint32_t i = 0; i < source->kinds->n_kinds; i++)
		if (source->kinds->kind[i].class == STINGY_CLASS_PER_CONNECTION)
			kept += stingy_model_size(&census->unit[i], source->choices->cover) *
				census->unit[i].max_live_in_thread;
	return kept > source->slab / KEPT_PART;
}

static const char *why_not(const struct stingy_schedule *schedule, bool is_loop)
{
	if (!is_loop)
		return "no loop that waits for events and accepts connections was seen";
	if (!schedule->bytes)
		return "tasks were not seen to keep anything";
	return schedule->crowd <= schedule->fit ? "all of them fit" : NULL;
}

void stingy_schedule_init(struct stingy_schedule *schedule, const struct stingy_schedule_options *options,
			  const struct stingy_model_source *source, const struct stingy_model *model,
			  const struct stingy_census *atoms, bool is_loop)
{
	uint64_t fit;

	memset(schedule, 0, sizeof(*schedule));
	schedule->bytes = managed_bytes(&schedule->record, source, model) + unmanaged_bytes(source, model, atoms);
	if (schedule->bytes) {
		fit = source->tau / schedule->bytes;
		schedule->fit = !fit ? 1 : fit < STINGY_TASKS_MAX ? (uint32_t)fit : STINGY_TASKS_MAX;
	}
	schedule->crowd = source->census->max_tasks_in_thread;
	if (schedule->crowd < STINGY_SCHEDULE_CROWD)
		schedule->crowd = STINGY_SCHEDULE_CROWD;
	schedule->why_not = why_not(schedule, is_loop);
	schedule->record.tasks = schedule->fit;
	schedule->is_wanted =
		options->wish == STINGY_SCHEDULE_IF_GOOD ? !schedule->why_not : options->wish != STINGY_SCHEDULE_OFF;
	if (options->wish == STINGY_SCHEDULE_FIXED) {
		schedule->record.is_fixed = true;
		schedule->record.tasks = options->tasks;
	}
}

const char *stingy_schedule_print(const struct stingy_schedule *schedule, char *text)
{
	char tasks[96] = "";

	if (schedule->bytes)
		snprintf(tasks, sizeof(tasks),
			 ": a task keeps %" PRIu64 " bytes in all, %" PRIu32 " fit, and there may be %" PRIu32
			 " at once",
			 schedule->bytes, schedule->fit, schedule->crowd);
	snprintf(text, STINGY_SCHEDULE_TEXT, "events: %s%s%s%s", schedule->is_wanted ? "ordered" : "not ordered", tasks,
		 schedule->why_not ? "; " : "", schedule->why_not ? schedule->why_not : "");
	return text;
}
