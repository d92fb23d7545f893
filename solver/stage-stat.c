#include "stage-stat.h"

#include "clean.h"
#include "demangle.h"
#include "json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

uint64_t stingy_stage_stat_batches(const struct stingy_live_stage *stage)
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
	uint64_t n_batches = stingy_stage_stat_batches(stage);

	printf(" %14" PRIu64 " %10" PRIu64 " %8.1f", stage->runs, n_batches,
	       (double)stage->runs / (double)(n_batches ? n_batches : 1));
	for (uint32_t place = 0; place < n_places; place++)
		printf(" %8" PRIu64, stage->batches[place]);
}

void stingy_stage_stat_print(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	char name[STINGY_LABELS_NAME];
	bool is_titled = false;

	if (!reader->stage)
		return;
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
		fputs(stingy_labels_stage(labels, i, name)[0] ? "  " : "", stdout);
		stingy_clean_print(stdout, stingy_demangle(name, sizeof(name)));
		putchar('\n');
	}
}

static void json_stage(const struct stingy_live_stage *stage)
{
	printf("\"runs\": %" PRIu64 ", \"batches\": [", stage->runs);
	for (uint32_t place = 0; place < STINGY_LIVE_BATCHES; place++)
		printf("%s%" PRIu64, place ? ", " : "", stage->batches[place]);
	fputs("]}", stdout);
}

void stingy_stage_stat_json(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	uint32_t n = reader->stage ? reader->live.stages.count : 0;
	char name[STINGY_LABELS_NAME];

	fputs(", \"stages\": [", stdout);
	for (uint32_t i = 0; i < n; i++) {
		fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
		stingy_json_string(stdout, stingy_labels_stage(labels, i, name));
		fputs(", ", stdout);
		json_stage(&reader->stage[i]);
	}
	fputs("], \"other_stages\": {", stdout);
	json_stage(reader->stage ? &reader->stage[n] : &(struct stingy_live_stage){0});
}
