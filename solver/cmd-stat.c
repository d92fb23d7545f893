/*
 * stingy stat: how the allocator is doing in running processes, for people, as JSON or for Prometheus.
 */
#include "clean.h"
#include "commands.h"
#include "json.h"
#include "labels.h"
#include "live-words.h"
#include "order-stat.h"
#include "processes.h"
#include "prometheus.h"
#include "stage-stat.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMES_SHOWN 3u /* of the kinds of one region */

enum { OPTION_JSON = 256, OPTION_PROMETHEUS };

enum format { TEXT, JSON, PROMETHEUS };

static const char help[] =
	"usage: stingy stat [--json | --prometheus] [PID]\n\n"
	"Shows how many allocations were served in the process PID, and why the others were not; without PID, in all\n"
	"processes that run under 'stingy run'.\n\n"
	"      --json        print one JSON array with an object for each process\n"
	"      --prometheus  print metrics for Prometheus\n"
	"  -h, --help        print this and exit\n";

/* What is printed, and how far it has come. */
struct report {
	enum format format;
	struct stingy_prometheus prometheus; /* the processes, until all are there */
	unsigned n_printed;                  /* processes */
	unsigned n_refused;                  /* processes that we may not look into */
};

static void print_share(const char *name, uint64_t n, uint64_t all)
{
	printf("  %-9s  %14" PRIu64 "  %5.1f%%\n", name, n, stingy_live_words_share(n, all));
}

static void print_counters(const struct stingy_live_counters *counters)
{
	uint64_t fell_back = stingy_live_words_all_fell_back(counters), all = stingy_live_words_all(counters);

	print_share("served", counters->served, all);
	print_share("unmanaged", counters->unmanaged, all);
	print_share("fell back", fell_back, all);
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		if (counters->fell_back[i])
			printf("    %-8s %14" PRIu64 "\n", stingy_live_words_fell_back(i), counters->fell_back[i]);
}

static void print_regions(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	if (reader->live.n_regions)
		printf("  %6s %9s %8s %8s %8s %14s %10s%s\n", "region", "slot", "count", "in use", "peak", "served",
		       "full", labels->n_kinds ? "  kinds" : "");
	for (uint32_t i = 0; i < reader->live.n_regions; i++) {
		const struct stingy_live_reader_region *region = &reader->region[i];

		printf("  %6" PRIu32 " %9" PRIu32 " %8" PRIu32 " %8" PRIu32 " %8" PRIu32 " %14" PRIu64 " %10" PRIu64, i,
		       region->slot, region->count * reader->live.n_arenas, region->in_use, region->peak,
		       region->served, region->full);
		fputs(labels->n_kinds ? "  " : "", stdout);
		stingy_labels_print(labels, i, NAMES_SHOWN, stdout);
		putchar('\n');
	}
}

static void print_text(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	const struct stingy_live *live = &reader->live;
	struct stingy_live_counters counters = stingy_live_reader_sum(reader);

	stingy_clean_print(stdout, reader->program);
	printf(" (pid %ld): %s, pages: %s", (long)reader->pid, stingy_live_words_state(live->state),
	       stingy_live_words_pages(stingy_live_words_pages_of(reader)));
	if (reader->huge != 0 && reader->huge < reader->resident)
		printf(" (%" PRIu64 " of %" PRIu64 " KiB)", reader->huge, reader->resident);
	putchar('\n');
	fputs("  manifest   ", stdout);
	stingy_clean_print(stdout, live->manifest[0] ? live->manifest : "none");
	printf(", %" PRIu64 " of its %" PRIu64 " sites are loaded\n", live->sites_here, live->sites);
	if (live->n_arenas > 1)
		printf("  arenas     %" PRIu32 " of %" PRIu32 " have an owner; regions are of all together\n",
		       live->n_owned, live->n_arenas);
	if (live->note[0]) {
		fputs("  note       ", stdout);
		stingy_clean_print(stdout, live->note);
		putchar('\n');
	}
	print_counters(&counters);
	stingy_order_stat_print(live);
	print_regions(reader, labels);
	stingy_stage_stat_print(reader, labels);
}

static void json_text(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	stingy_json_string(stdout, value);
	fputs(", ", stdout);
}

static void json_names(const struct stingy_labels *labels, uint32_t region)
{
	char name[STINGY_LABELS_NAME];
	const char *before = "";
	size_t at = 0;

	fputs(", \"kinds\": [", stdout);
	while (stingy_labels_next(labels, region, &at, name)) {
		fputs(before, stdout);
		stingy_json_string(stdout, name);
		before = ", ";
	}
	putchar(']');
}

static void json_regions(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	fputs("\"regions\": [", stdout);
	for (uint32_t i = 0; i < reader->live.n_regions; i++) {
		const struct stingy_live_reader_region *region = &reader->region[i];

		printf("%s{\"slot\": %" PRIu32 ", \"count\": %" PRIu32 ", \"in_use\": %" PRIu32 ", \"peak\": %" PRIu32
		       ", \"served\": %" PRIu64 ", \"full\": %" PRIu64,
		       i ? ", " : "", region->slot, region->count * reader->live.n_arenas, region->in_use, region->peak,
		       region->served, region->full);
		json_names(labels, i);
		putchar('}');
	}
	putchar(']');
}

static void print_json(const struct stingy_live_reader *reader, const struct stingy_labels *labels)
{
	const struct stingy_live *live = &reader->live;
	struct stingy_live_counters counters = stingy_live_reader_sum(reader);

	printf("{\"pid\": %ld, ", (long)reader->pid);
	json_text("program", reader->program);
	json_text("state", stingy_live_words_state(live->state));
	json_text("pages", stingy_live_words_pages(stingy_live_words_pages_of(reader)));
	printf("\"huge_kib\": %" PRIu64 ", \"resident_kib\": %" PRIu64 ", \"arenas\": %" PRIu32 ", \"owned\": %" PRIu32
	       ", ",
	       reader->huge, reader->resident, live->n_arenas, live->n_owned);
	json_text("manifest", live->manifest);
	json_text("note", live->note);
	printf("\"served\": %" PRIu64 ", \"unmanaged\": %" PRIu64 ", \"fell_back\": {", counters.served,
	       counters.unmanaged);
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		printf("\"%s\": %" PRIu64 ", ", stingy_live_words_fell_back(i), counters.fell_back[i]);
	printf("\"total\": %" PRIu64 "}, \"sites\": %" PRIu64 ", \"sites_here\": %" PRIu64 ", ",
	       stingy_live_words_all_fell_back(&counters), live->sites, live->sites_here);
	stingy_order_stat_json(live);
	fputs(", ", stdout);
	json_regions(reader, labels);
	stingy_stage_stat_json(reader, labels);
	putchar('}');
}

static void print_process(struct report *report, struct stingy_live_reader *reader)
{
	struct stingy_labels labels;

	if (report->n_printed)
		fputs(report->format == JSON ? ",\n" : "\n", stdout);
	stingy_labels_init(&labels, reader);
	(report->format == JSON ? print_json : print_text)(reader, &labels);
	stingy_labels_fini(&labels);
	stingy_live_reader_fini(reader);
}

/* Prints the process, if it runs under Stingy. */
static enum stingy_live_found report_process(struct report *report, pid_t pid)
{
	struct stingy_live_reader reader;
	enum stingy_live_found found = stingy_live_reader_read(&reader, pid);

	if (found == STINGY_LIVE_NOT_ALLOWED)
		report->n_refused++;
	if (found != STINGY_LIVE_FOUND)
		return found;
	if (report->format == PROMETHEUS)
		stingy_prometheus_add(&report->prometheus, &reader);
	else
		print_process(report, &reader);
	report->n_printed++;
	return found;
}

static int report_one(struct report *report, pid_t pid)
{
	enum stingy_live_found found = report_process(report, pid);

	if (found == STINGY_LIVE_FOUND)
		return STINGY_EXIT_OK;
	fprintf(stderr, "stingy: process %ld: %s\n", (long)pid, stingy_live_reader_why(found));
	return STINGY_EXIT_NO;
}

static int report_all(struct report *report)
{
	struct stingy_processes processes;

	if (stingy_processes_init(&processes, 0) < 0) {
		fprintf(stderr, "stingy: cannot read '/proc': %s\n", strerror(errno));
		return STINGY_EXIT_BAD_INPUT;
	}
	for (size_t i = 0; i < processes.n; i++)
		if (report_process(report, processes.one[i].pid) == STINGY_LIVE_UNKNOWN)
			fprintf(stderr, "stingy: process %ld: %s\n", (long)processes.one[i].pid,
				stingy_live_reader_why(STINGY_LIVE_UNKNOWN));
	stingy_processes_fini(&processes);
	if (report->n_printed)
		return STINGY_EXIT_OK;
	fprintf(stderr, "stingy: no process runs under stingy%s\n",
		report->n_refused ? ", of those that this user may look into" : "");
	return STINGY_EXIT_NO;
}

/* Shows the process, or all if pid is 0. */
static int report_what(struct report *report, pid_t pid)
{
	int result;

	if (report->format == JSON)
		putchar('[');
	result = pid ? report_one(report, pid) : report_all(report);
	if (report->format == JSON)
		puts("]");
	stingy_prometheus_print(&report->prometheus, stdout);
	stingy_prometheus_fini(&report->prometheus);
	return result;
}

int stingy_cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, OPTION_JSON},
		{"prometheus", no_argument, NULL, OPTION_PROMETHEUS},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct report report = {.format = TEXT};
	pid_t pid = 0;
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (option == '?')
			return STINGY_EXIT_BAD_INPUT;
		report.format = option == OPTION_JSON ? JSON : PROMETHEUS;
	}
	if (argc - optind > 1) {
		fprintf(stderr, "stingy: one process at a time: '%s' is too many\n", argv[optind + 1]);
		return STINGY_EXIT_BAD_INPUT;
	}
	if (optind < argc && (pid = stingy_processes_parse(argv[optind])) < 0) {
		fprintf(stderr, "stingy: not a process number: '%s'\n", argv[optind]);
		return STINGY_EXIT_BAD_INPUT;
	}
	return report_what(&report, pid);
}
