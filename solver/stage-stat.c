#include "stage-stat.h"

#include "clean.h"
#include "json.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE 128 /* bytes of a stage's name; longer ones are cut */

/* Names of all stages, which point into the manifest; empty where there is none. Freed by the caller. */
static struct stingy_text *read_names(const struct stingy_live_reader *reader,
				      const struct stingy_mapped_file *manifest)
{
	struct stingy_text *name = stingy_memory_new(reader->live.stages.count + 1u, sizeof(*name));
	struct stingy_manifest_reader from;
	struct stingy_manifest_record record;

	if (!manifest->data)
		return name;
	stingy_manifest_reader_init(&from, manifest->data, manifest->size);
	while (stingy_manifest_next(&from, &record) > 0)
		if (record.type == STINGY_MANIFEST_STAGE && record.number < reader->live.stages.count)
			name[record.number] = record.stage.name;
	return name;
}

static uint64_t sum_batches(const struct stingy_live_stage *stage)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < STINGY_LIVE_BATCHES; i++)
		sum += stage->batches[i];
	return sum;
}

/* Lengths that occur are in so many of the places. */
static uint32_t places_used(const struct stingy_live_reader *reader)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= reader->live.stages.count; i++)
		for (uint32_t place = n; place < STINGY_LIVE_BATCHES; place++)
			if (reader->stage[i].batches[place])
				n = place + 1;
	return n;
}

static void print_title(uint32_t n_places)
{
	printf("  %6s %14s %10s %8s", "stage", "runs", "batches", "mean");
	for (uint32_t place = 0; place < n_places; place++)
		printf(" %8" PRIu32, UINT32_C(1) << place);
	putchar('\n');
}

/* The batch that goes on is among the runs, and not among the batches: that makes no difference for long. */
static void print_stage(const struct stingy_live_stage *stage, uint32_t n_places)
{
	uint64_t n_batches = sum_batches(stage);

	printf(" %14" PRIu64 " %10" PRIu64 " %8.1f", stage->runs, n_batches,
	       (double)stage->runs / (double)(n_batches ? n_batches : 1));
	for (uint32_t place = 0; place < n_places; place++)
		printf(" %8" PRIu64, stage->batches[place]);
}

void stingy_stage_stat_print(const struct stingy_live_reader *reader, const struct stingy_mapped_file *manifest)
{
	struct stingy_text *name;
	char decoded[NAME_SIZE];
	bool is_titled = false;

	if (!reader->stage)
		return;
	name = read_names(reader, manifest);
	for (uint32_t i = 0; i <= reader->live.stages.count; i++) {
		if (!reader->stage[i].runs)
			continue;
		if (!is_titled)
			print_title(places_used(reader));
		is_titled = true;
		if (i < reader->live.stages.count)
			printf("  %6" PRIu32, i);
		else
			printf("  %6s", "others");
		print_stage(&reader->stage[i], places_used(reader));
		fputs(name[i].len ? "  " : "", stdout);
		stingy_clean_print(stdout, stingy_text_decode(name[i], decoded, sizeof(decoded)));
		putchar('\n');
	}
	free(name);
}

static void json_stage(const struct stingy_live_stage *stage)
{
	printf("\"runs\": %" PRIu64 ", \"batches\": [", stage->runs);
	for (uint32_t place = 0; place < STINGY_LIVE_BATCHES; place++)
		printf("%s%" PRIu64, place ? ", " : "", stage->batches[place]);
	fputs("]}", stdout);
}

void stingy_stage_stat_json(const struct stingy_live_reader *reader, const struct stingy_mapped_file *manifest)
{
	uint32_t n = reader->stage ? reader->live.stages.count : 0;
	struct stingy_text *name = read_names(reader, manifest);
	char decoded[NAME_SIZE];

	fputs(", \"stages\": [", stdout);
	for (uint32_t i = 0; i < n; i++) {
		fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
		stingy_json_string(stdout, stingy_text_decode(name[i], decoded, sizeof(decoded)));
		fputs(", ", stdout);
		json_stage(&reader->stage[i]);
	}
	fputs("], \"other_stages\": {", stdout);
	json_stage(reader->stage ? &reader->stage[n] : &(struct stingy_live_stage){0});
	free(name);
}
