#define _GNU_SOURCE /* qsort_r */
#include "writer.h"

#include "classes.h"
#include "clean.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITTEN  UINT32_MAX
#define COMMENT_SIZE 256u
#define THREAD_SIZE  32u
#define ORIGIN_SIZE  (STINGY_TRACE_STRING_MAX + sizeof("For "))

/* The numbers that things have in the manifest. */
struct writing {
	const struct stingy_writer_source *source;
	FILE *out;
	uint32_t *module; /* by our module; NOT_WRITTEN: not needed */
};

static struct stingy_text text_of(const char *string)
{
	return (struct stingy_text){.at = string ? string : "", .len = string ? strlen(string) : 0};
}

/* Whether a stage has a function to be found by, and tells anything about the kinds. */
static bool is_written(const struct stingy_writer_source *source, uint32_t stage)
{
	const struct stingy_problem_stage *of = &source->model->problem.stage[stage];

	return source->model->stage[stage] != STINGY_STAGE_OTHER && of->n_live + of->n_allocates > 0;
}

static const struct stingy_stage *stage_of(const struct stingy_writer_source *source, uint32_t stage)
{
	return &source->from->stages->stage[source->model->stage[stage]];
}

/* The number in the manifest of a kind of the source; NOT_WRITTEN: it has none. */
static uint32_t number_of(const struct writing *writing, uint32_t kind)
{
	return writing->source->plan->number ? writing->source->plan->number[kind] : NOT_WRITTEN;
}

static void need_modules(struct writing *writing)
{
	const struct stingy_writer_source *source = writing->source;
	const struct stingy_kinds *kinds = source->from->kinds;

	for (uint32_t i = 0; i < kinds->n_sites; i++) {
		const struct stingy_chain *chain = &source->from->chains->chain[kinds->site[i].chain];

		if (number_of(writing, kinds->site[i].kind) == NOT_WRITTEN)
			continue;
		for (uint32_t j = 0; j < kinds->site[i].depth; j++)
			writing->module[source->from->places->place[chain->place[j]].module] = 0;
	}
	for (uint32_t i = 0; i < source->model->problem.n_stages; i++)
		if (is_written(source, i))
			writing->module[stage_of(source, i)->module] = 0;
}

static int compare_modules(const void *a, const void *b, void *data)
{
	const struct stingy_writer_source *source = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (x == source->program || y == source->program)
		return (x != source->program) - (y != source->program);
	return stingy_places_compare_modules(source->from->places, x, y);
}

static void write_module(struct writing *writing, uint32_t number, const struct stingy_module *module)
{
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_MODULE, .number = number};

	memcpy(record.module.id, module->id, module->id_len);
	record.module.id_len = module->id_len;
	record.module.size = module->size;
	record.module.path = text_of(module->path);
	stingy_manifest_write(writing->out, &record);
}

/* For whoever finds the file: what it was made from. Nothing of the machine or the day, which would make it another. */
static void write_origin(struct writing *writing)
{
	const struct stingy_writer_source *source = writing->source;
	const struct stingy_census *census = source->from->census;
	char text[ORIGIN_SIZE];

	snprintf(text, sizeof(text), "For %s", source->from->places->module[source->program].path);
	stingy_manifest_write_comment(writing->out, stingy_clean(text));
	snprintf(text, sizeof(text),
		 "from %" PRIu32 " trace%s: %" PRIu64 " tasks, %" PRIu64 " allocations while serving, %.1f%% of them "
		 "expected from the arena",
		 source->n_traces, source->n_traces == 1 ? "" : "s", census->tasks, census->serving,
		 100.0 * (double)source->served / (double)census->serving);
	stingy_manifest_write_comment(writing->out, text);
	if (!source->nothing)
		return;
	snprintf(text, sizeof(text), "nothing to manage: %s", source->nothing);
	stingy_manifest_write_comment(writing->out, text);
}

/* The program first, then the others in an order of their own. */
static void write_modules(struct writing *writing)
{
	const struct stingy_places *places = writing->source->from->places;
	uint32_t *sorted = stingy_memory_new(places->n_modules, sizeof(*sorted)), number = 0;

	for (uint32_t i = 0; i < places->n_modules; i++)
		sorted[i] = i;
	qsort_r(sorted, places->n_modules, sizeof(*sorted), compare_modules, (void *)writing->source);
	for (uint32_t i = 0; i < places->n_modules; i++) {
		if (writing->module[sorted[i]] == NOT_WRITTEN && sorted[i] != writing->source->program)
			continue;
		writing->module[sorted[i]] = number;
		write_module(writing, number++, &places->module[sorted[i]]);
	}
	free(sorted);
}

static void write_regions(struct writing *writing)
{
	const struct stingy_plan *plan = writing->source->plan;

	for (uint32_t i = 0; i < plan->n_regions; i++) {
		struct stingy_manifest_record record = {.type = STINGY_MANIFEST_REGION, .number = i};

		record.region = plan->region[i];
		stingy_manifest_write(writing->out, &record);
	}
}

static void describe(struct writing *writing, const struct stingy_plan_kind *planned)
{
	const struct stingy_writer_source *source = writing->source;
	const struct stingy_kind *kind = &source->from->kinds->kind[planned->kind];
	const struct stingy_unit *unit = &source->from->census->unit[planned->kind];
	char text[COMMENT_SIZE], thread[THREAD_SIZE] = "";

	if (source->plan->slab.arenas > 1)
		snprintf(thread, sizeof(thread), "%" PRIu32 " in one thread, ", unit->max_live_in_thread);
	snprintf(text, sizeof(text),
		 "%s; %" PRIu64 " allocations at %" PRIu32 " site%s; at most %" PRIu32 " live, %s%" PRIu32
		 " in one task; n = %" PRIu32,
		 stingy_class_name(kind->class), unit->serving, kind->n_sites, kind->n_sites == 1 ? "" : "s",
		 unit->max_live, thread, stingy_unit_per_task(unit, STINGY_COVER_TASKS), planned->n);
	stingy_manifest_write_comment(writing->out, text);
}

static void write_kinds(struct writing *writing)
{
	const struct stingy_plan *plan = writing->source->plan;

	for (uint32_t i = 0; i < plan->n_kinds; i++) {
		const struct stingy_plan_kind *kind = &plan->kind[i];
		struct stingy_manifest_record record = {.type = STINGY_MANIFEST_KIND, .number = i};

		record.kind.region = kind->region;
		record.kind.size = kind->size;
		record.kind.high = kind->high;
		record.kind.name = text_of(writing->source->from->kinds->kind[kind->kind].name);
		describe(writing, kind);
		stingy_manifest_write(writing->out, &record);
	}
}

static void write_site(struct writing *writing, uint32_t number, const struct stingy_site *site)
{
	const struct stingy_model_source *from = writing->source->from;
	const struct stingy_chain *chain = &from->chains->chain[site->chain];
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_SITE, .number = number};

	record.site.kind = number_of(writing, site->kind);
	record.site.depth = site->depth;
	for (uint32_t i = 0; i < site->depth; i++) {
		const struct stingy_place *place = &from->places->place[chain->place[i]];
		struct stingy_address *address = &record.site.chain[i];

		address->module = writing->module[place->module];
		address->offset = place->offset;
		if (i + 1 < site->depth)
			address->rule = place->rule;
	}
	stingy_manifest_write(writing->out, &record);
}

static void write_sites(struct writing *writing)
{
	const struct stingy_kinds *kinds = writing->source->from->kinds;
	uint32_t number = 0;

	for (uint32_t i = 0; i < kinds->n_sites; i++)
		if (number_of(writing, kinds->site[i].kind) != NOT_WRITTEN)
			write_site(writing, number++, &kinds->site[i]);
}

static void write_stage(struct writing *writing, uint32_t number, uint32_t stage)
{
	const struct stingy_problem_stage *from = &writing->source->model->problem.stage[stage];
	const struct stingy_stage *of = stage_of(writing->source, stage);
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_STAGE, .number = number};

	record.stage.module = writing->module[of->module];
	record.stage.offset = of->function;
	record.stage.name = text_of(of->name);
	for (uint32_t i = 0; i < from->n_allocates; i++) {
		struct stingy_allocates *allocates = &record.stage.allocates[record.stage.n_allocates++];

		allocates->kind = number_of(writing, writing->source->model->kind[from->allocates[i]]);
		allocates->count = from->count[i];
	}
	stingy_manifest_write(writing->out, &record);
}

static void write_stages(struct writing *writing)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < writing->source->model->problem.n_stages; i++)
		if (is_written(writing->source, i))
			write_stage(writing, number++, i);
}

/* Why, whether there is one or not; what a task takes goes by the numbers of the manifest. */
static void write_schedule(struct writing *writing)
{
	const struct stingy_schedule *schedule = writing->source->schedule;
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_SCHEDULE, .schedule = schedule->record};
	char text[STINGY_SCHEDULE_TEXT];

	stingy_manifest_write_comment(writing->out, stingy_schedule_print(schedule, text));
	if (!schedule->is_wanted)
		return;
	for (uint32_t i = 0; i < record.schedule.n_takes; i++) {
		struct stingy_allocates *takes = &record.schedule.takes[i];

		takes->kind = number_of(writing, writing->source->model->kind[takes->kind]);
	}
	stingy_manifest_write(writing->out, &record);
}

static void init(struct writing *writing)
{
	const struct stingy_model_source *from = writing->source->from;

	writing->module = stingy_memory_new(from->places->n_modules, sizeof(*writing->module));
	memset(writing->module, 0xff, from->places->n_modules * sizeof(*writing->module)); /* NOT_WRITTEN */
	need_modules(writing);
}

void stingy_writer_write(const struct stingy_writer_source *source, FILE *out)
{
	struct writing writing = {.source = source, .out = out};
	struct stingy_manifest_record cache = {.type = STINGY_MANIFEST_CACHE, .cache = *source->cache};
	struct stingy_manifest_record slab = {.type = STINGY_MANIFEST_SLAB, .slab = source->plan->slab};

	init(&writing);
	stingy_manifest_write_begin(out);
	write_origin(&writing);
	stingy_manifest_write(out, &cache);
	stingy_manifest_write(out, &slab);
	write_modules(&writing);
	write_regions(&writing);
	write_kinds(&writing);
	write_sites(&writing);
	write_stages(&writing);
	write_schedule(&writing);
	stingy_manifest_write_end(out);
	free(writing.module);
}
