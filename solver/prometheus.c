#include "prometheus.h"

#include "escape.h"
#include "live-words.h"
#include "memory.h"
#include "stage-stat.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define KIB 1024.0

typedef struct stingy_live_reader reader_t;

/* What a metric has samples of, each with its own labels. */
enum scope { PROCESS, REASON, REGION, ORDER, STAGE };

struct metric {
	const char *name;
	const char *help;
	enum scope scope;
	bool is_counter;
	double (*value)(const reader_t *reader, uint32_t i); /* of the scope's number i */
};

static double one(const reader_t *reader, uint32_t i)
{
	(void)reader, (void)i;
	return 1;
}

static double sites(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)reader->live.sites;
}

static double sites_here(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)reader->live.sites_here;
}

static double arenas(const reader_t *reader, uint32_t i)
{
	(void)i;
	return reader->live.n_arenas;
}

static double arenas_owned(const reader_t *reader, uint32_t i)
{
	(void)i;
	return reader->live.n_owned;
}

static double resident(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)reader->resident * KIB;
}

static double huge(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)reader->huge * KIB;
}

static double served(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)stingy_live_reader_sum(reader).served;
}

static double unmanaged(const reader_t *reader, uint32_t i)
{
	(void)i;
	return (double)stingy_live_reader_sum(reader).unmanaged;
}

static double fell_back(const reader_t *reader, uint32_t i)
{
	return (double)stingy_live_reader_sum(reader).fell_back[i];
}

static double region_slot(const reader_t *reader, uint32_t i)
{
	return reader->region[i].slot;
}

static double region_slots(const reader_t *reader, uint32_t i)
{
	return (double)reader->region[i].count * reader->live.n_arenas;
}

static double region_in_use(const reader_t *reader, uint32_t i)
{
	return reader->region[i].in_use;
}

static double region_peak(const reader_t *reader, uint32_t i)
{
	return reader->region[i].peak;
}

static double region_served(const reader_t *reader, uint32_t i)
{
	return (double)reader->region[i].served;
}

static double region_full(const reader_t *reader, uint32_t i)
{
	return (double)reader->region[i].full;
}

static double order_bound(const reader_t *reader, uint32_t i)
{
	return reader->live.order[i].bound;
}

static double known(int64_t n)
{
	return n >= 0 ? (double)n : NAN;
}

static double order_tasks(const reader_t *reader, uint32_t i)
{
	return known(stingy_live_words_tasks(&reader->live.order[i]));
}

static double order_connections(const reader_t *reader, uint32_t i)
{
	return known(stingy_live_words_connections(&reader->live.order[i]));
}

static double order_saved(const reader_t *reader, uint32_t i)
{
	return reader->live.order[i].saved / 100.0;
}

static double order_turns(const reader_t *reader, uint32_t i)
{
	return (double)reader->live.order[i].turns[0];
}

static double order_first_turns(const reader_t *reader, uint32_t i)
{
	return (double)reader->live.order[i].turns[1];
}

static double order_events(const reader_t *reader, uint32_t i)
{
	return (double)reader->live.order[i].events[0];
}

static double order_first_events(const reader_t *reader, uint32_t i)
{
	return (double)reader->live.order[i].events[1];
}

static double stage_runs(const reader_t *reader, uint32_t i)
{
	return (double)reader->stage[i].runs;
}

static double stage_batches(const reader_t *reader, uint32_t i)
{
	return (double)stingy_stage_stat_batches(&reader->stage[i]);
}

static const struct metric metrics[] = {
	{"stingy_process_info", "A process that runs under Stingy, and how.", PROCESS, false, one},
	{"stingy_sites", "Allocation sites in the manifest.", PROCESS, false, sites},
	{"stingy_sites_loaded", "Allocation sites of the manifest whose modules are loaded.", PROCESS, false,
	 sites_here},
	{"stingy_arenas", "Arenas that threads may own.", PROCESS, false, arenas},
	{"stingy_arenas_owned", "Arenas that a thread owns.", PROCESS, false, arenas_owned},
	{"stingy_arenas_resident_bytes", "Memory of the arenas.", PROCESS, false, resident},
	{"stingy_arenas_huge_bytes", "Memory of the arenas on transparent huge pages.", PROCESS, false, huge},
	{"stingy_served_total", "Allocations from the arena.", PROCESS, true, served},
	{"stingy_unmanaged_total", "Allocations at sites that the manifest does not name.", PROCESS, true, unmanaged},
	{"stingy_fell_back_total", "Allocations at managed sites that were served elsewhere, by reason.", REASON, true,
	 fell_back},
	{"stingy_region_slot_bytes", "Size of a slot.", REGION, false, region_slot},
	{"stingy_region_slots", "Slots of the region, in all arenas.", REGION, false, region_slots},
	{"stingy_region_slots_in_use", "Slots of the region in use now.", REGION, false, region_in_use},
	{"stingy_region_slots_peak", "Slots of the region in use at most.", REGION, false, region_peak},
	{"stingy_region_served_total", "Allocations from the region.", REGION, true, region_served},
	{"stingy_region_full_total", "Allocations that found no free slot in the region.", REGION, true, region_full},
	{"stingy_order_info", "A place where the process waits for events, and how they are ordered.", ORDER, false,
	 one},
	{"stingy_order_bound", "Events that a turn may begin with; 0: as many as are ready.", ORDER, false,
	 order_bound},
	{"stingy_order_tasks", "Tasks in flight: to which the process waits to write, or that begin.", ORDER, false,
	 order_tasks},
	{"stingy_order_connections", "Connections that were accepted and are waited for.", ORDER, false,
	 order_connections},
	{"stingy_order_saved_ratio", "Of a request's time, saved in the last comparison with no bound.", ORDER, false,
	 order_saved},
	{"stingy_order_turns_total", "Turns of the loop that brought events.", ORDER, true, order_turns},
	{"stingy_order_first_turns_total", "Turns of the loop for what was under way.", ORDER, true, order_first_turns},
	{"stingy_order_events_total", "Events of all turns.", ORDER, true, order_events},
	{"stingy_order_first_events_total", "Events of the turns for what was under way.", ORDER, true,
	 order_first_events},
	{"stingy_stage_runs_total", "Runs of a stage that the program announces.", STAGE, true, stage_runs},
	{"stingy_stage_batches_total", "Runs of a stage in a row, counted as one.", STAGE, true, stage_batches},
};

static void print_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, ",%s=\"", name);
	stingy_escape_label(out, value);
	putc('"', out);
}

static void print_info(FILE *out, const reader_t *reader)
{
	print_label(out, "state", stingy_live_words_state(reader->live.state));
	print_label(out, "pages", stingy_live_words_pages(stingy_live_words_pages_of(reader)));
	print_label(out, "manifest", reader->live.manifest);
}

static void print_kinds(FILE *out, const struct stingy_labels *labels, uint32_t region)
{
	char name[STINGY_LABELS_NAME];
	const char *before = "";
	size_t at = 0;

	fputs(",kind=\"", out);
	while (stingy_labels_next(labels, region, &at, name)) {
		fputs(before, out);
		stingy_escape_label(out, name);
		before = ", ";
	}
	putc('"', out);
}

static void print_order(FILE *out, const struct stingy_live_order *order, bool is_info)
{
	if (!is_info)
		return;
	print_label(out, "ordering", stingy_live_words_ordering(order->state));
	print_label(out, "why", stingy_live_words_left(order->why));
}

static void print_stage(FILE *out, const struct stingy_prometheus_process *process, uint32_t stage)
{
	char name[STINGY_LABELS_NAME];

	print_label(out, "name", stingy_labels_stage(&process->labels, stage, name));
}

/* Labels of the scope's number i, the first of which is the number itself. */
static void print_labels(FILE *out, const struct stingy_prometheus_process *process, const struct metric *metric,
			 uint32_t i)
{
	static const char *const number[] = {[REGION] = "region", [ORDER] = "order", [STAGE] = "stage"};

	fprintf(out, "{pid=\"%ld\"", (long)process->reader.pid);
	print_label(out, "program", process->reader.program);
	if (metric->scope >= REGION)
		fprintf(out, ",%s=\"%" PRIu32 "\"", number[metric->scope], i);
	if (metric->scope == PROCESS && metric->value == one)
		print_info(out, &process->reader);
	else if (metric->scope == REASON)
		print_label(out, "reason", stingy_live_words_fell_back((int)i));
	else if (metric->scope == REGION)
		print_kinds(out, &process->labels, i);
	else if (metric->scope == ORDER)
		print_order(out, &process->reader.live.order[i], metric->value == one);
	else if (metric->scope == STAGE)
		print_stage(out, process, i);
	putc('}', out);
}

static uint32_t count(const reader_t *reader, enum scope scope)
{
	switch (scope) {
	case REASON:
		return STINGY_FELL_REASONS;
	case REGION:
		return reader->live.n_regions;
	case ORDER:
		return STINGY_LIVE_ORDERS;
	case STAGE:
		return reader->stage ? reader->live.stages.count : 0;
	default:
		return 1;
	}
}

/* Places to wait come and go, and most of their figures are of none; what is not known has no value (NAN). */
static bool is_there(const reader_t *reader, const struct metric *metric, uint32_t i)
{
	if (metric->scope == ORDER && reader->live.order[i].state == STINGY_ORDERING_NONE)
		return false;
	return !isnan(metric->value(reader, i));
}

static void print_metric(const struct stingy_prometheus *prometheus, const struct metric *metric, FILE *out)
{
	bool is_titled = false;

	for (size_t n = 0; n < prometheus->n; n++) {
		const struct stingy_prometheus_process *process = prometheus->process[n];

		for (uint32_t i = 0; i < count(&process->reader, metric->scope); i++) {
			if (!is_there(&process->reader, metric, i))
				continue;
			if (!is_titled)
				fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
					metric->is_counter ? "counter" : "gauge");
			is_titled = true;
			fputs(metric->name, out);
			print_labels(out, process, metric, i);
			fprintf(out, " %.15g\n", metric->value(&process->reader, i));
		}
	}
}

void stingy_prometheus_print(const struct stingy_prometheus *prometheus, FILE *out)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		print_metric(prometheus, &metrics[i], out);
}

void stingy_prometheus_add(struct stingy_prometheus *prometheus, const struct stingy_live_reader *reader)
{
	struct stingy_prometheus_process *process = stingy_memory_new(1, sizeof(*process));

	process->reader = *reader;
	stingy_labels_init(&process->labels, &process->reader);
	STINGY_GROW(prometheus->process, &prometheus->room, prometheus->n + 1);
	prometheus->process[prometheus->n++] = process;
}

void stingy_prometheus_fini(struct stingy_prometheus *prometheus)
{
	for (size_t i = 0; i < prometheus->n; i++) {
		stingy_labels_fini(&prometheus->process[i]->labels);
		stingy_live_reader_fini(&prometheus->process[i]->reader);
		free(prometheus->process[i]);
	}
	free(prometheus->process);
}
