/*
 * stingy stat: how the allocator is doing in running processes, for people or as JSON.
 */
#include "clean.h"
#include "commands.h"
#include "json.h"
#include "live-reader.h"
#include "mapped-file.h"
#include "memory.h"
#include "order-stat.h"
#include "stage-stat.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_SHOWN 3u  /* of the kinds of one region */
#define NAME_SIZE   128 /* bytes of a kind's name; longer ones are cut */

enum { OPTION_JSON = 256 };

static const char help[] =
	"usage: stingy stat [--json] [PID]\n\n"
	"Shows how many allocations were served in the process PID, and why the others were not; without PID, in all\n"
	"processes that run under 'stingy run'.\n\n"
	"      --json  print one JSON array with an object for each process\n"
	"  -h, --help  print this and exit\n";

/* What is printed, and how far it has come. */
struct report {
	bool json;
	unsigned n_printed; /* processes */
	unsigned n_refused; /* processes that we may not look into */
};

/*
 * What the process's regions hold, by its manifest, as far as that can still be read and is the one that it was
 * started with.
 */
struct labels {
	struct stingy_mapped_file file;
	struct stingy_manifest_kind *kind; /* names point into the file */
	size_t n_kinds, room;
};

static const char *const states[] = {
	[STINGY_LIVE_OFF] = "off",
	[STINGY_LIVE_READY] = "ready",
	[STINGY_LIVE_SERVING] = "serving",
	[STINGY_LIVE_DRY_RUN] = "dry-run",
};

static const char *const pages[] = {
	[STINGY_PAGES_NONE] = "none",
	[STINGY_PAGES_EXPLICIT] = "explicit",
	[STINGY_PAGES_TRANSPARENT] = "transparent",
	[STINGY_PAGES_SMALL] = "small",
};

static const char *const reasons[STINGY_FELL_REASONS] = {
	[STINGY_FELL_SIZE] = "size",     [STINGY_FELL_ALIGN] = "align",       [STINGY_FELL_FULL] = "full",
	[STINGY_FELL_THREAD] = "thread", [STINGY_FELL_NO_ARENA] = "no_arena",
};

static uint64_t sum_fell_back(const struct stingy_live_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		sum += counters->fell_back[i];
	return sum;
}

static bool is_same_region(const struct stingy_manifest_region *a, const struct stingy_live_reader_region *b)
{
	return a->offset == b->offset && a->slot == b->slot && a->count == b->count;
}

/* Reads the kinds. Returns whether the manifest is whole, and its regions are the process's. */
static bool read_kinds(struct labels *labels, const struct stingy_live_reader *live)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	int more;

	stingy_manifest_reader_init(&reader, labels->file.data, labels->file.size);
	while ((more = stingy_manifest_next(&reader, &record)) > 0) {
		if (record.type == STINGY_MANIFEST_REGION &&
		    (record.number >= live->live.n_regions ||
		     !is_same_region(&record.region, &live->region[record.number])))
			return false;
		if (record.type != STINGY_MANIFEST_KIND)
			continue;
		STINGY_GROW(labels->kind, &labels->room, labels->n_kinds + 1);
		labels->kind[labels->n_kinds++] = record.kind;
	}
	return more == 0 && reader.counts.regions == live->live.n_regions;
}

static void labels_fini(struct labels *labels)
{
	free(labels->kind);
	stingy_mapped_file_fini(&labels->file);
	memset(labels, 0, sizeof(*labels));
}

/* Finds out as much as can be; labels of zeros say nothing. A path that was cut short would name another file. */
static void labels_init(struct labels *labels, const struct stingy_live_reader *live)
{
	const char *path = live->live.manifest;

	memset(labels, 0, sizeof(*labels));
	if (!path[0] || strlen(path) + 1 == sizeof(live->live.manifest))
		return;
	if (stingy_mapped_file_init(&labels->file, path) < 0)
		memset(labels, 0, sizeof(*labels));
	else if (!read_kinds(labels, live))
		labels_fini(labels);
}

static void print_share(const char *name, uint64_t n, uint64_t all)
{
	printf("  %-9s  %14" PRIu64 "  %5.1f%%\n", name, n, all ? 100.0 * (double)n / (double)all : 0.0);
}

static void print_counters(const struct stingy_live_counters *counters)
{
	uint64_t fell_back = sum_fell_back(counters);
	uint64_t all = counters->served + counters->unmanaged + fell_back;

	print_share("served", counters->served, all);
	print_share("unmanaged", counters->unmanaged, all);
	print_share("fell back", fell_back, all);
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		if (counters->fell_back[i])
			printf("    %-8s %14" PRIu64 "\n", reasons[i], counters->fell_back[i]);
}

static void print_names(const struct labels *labels, uint32_t region)
{
	char name[NAME_SIZE];
	uint32_t n = 0;

	for (size_t i = 0; i < labels->n_kinds; i++) {
		if (labels->kind[i].region != region || labels->kind[i].name.len == 0 || n++ >= NAMES_SHOWN)
			continue;
		fputs(n > 1 ? ", " : "  ", stdout);
		stingy_clean_print(stdout, stingy_text_decode(labels->kind[i].name, name, sizeof(name)));
	}
	if (n > NAMES_SHOWN)
		printf(" and %" PRIu32 " more", n - NAMES_SHOWN);
}

static void print_regions(const struct stingy_live_reader *reader, const struct labels *labels)
{
	if (reader->live.n_regions)
		printf("  %6s %9s %8s %8s %8s %14s %10s%s\n", "region", "slot", "count", "in use", "peak", "served",
		       "full", labels->n_kinds ? "  kinds" : "");
	for (uint32_t i = 0; i < reader->live.n_regions; i++) {
		const struct stingy_live_reader_region *region = &reader->region[i];

		printf("  %6" PRIu32 " %9" PRIu32 " %8" PRIu32 " %8" PRIu32 " %8" PRIu32 " %14" PRIu64 " %10" PRIu64, i,
		       region->slot, region->count * reader->live.n_arenas, region->in_use, region->peak,
		       region->served, region->full);
		print_names(labels, i);
		putchar('\n');
	}
}

/* The kernel's word, where it can be had; explicit pages are none of those that it counts there. */
static uint32_t pages_of(const struct stingy_live_reader *reader)
{
	if (reader->resident == 0 || reader->live.pages == STINGY_PAGES_EXPLICIT)
		return reader->live.pages;
	return reader->huge ? STINGY_PAGES_TRANSPARENT : STINGY_PAGES_SMALL;
}

static void print_text(const struct stingy_live_reader *reader, const struct labels *labels)
{
	const struct stingy_live *live = &reader->live;
	struct stingy_live_counters counters = stingy_live_reader_sum(reader);

	stingy_clean_print(stdout, reader->program);
	printf(" (pid %ld): %s, pages: %s", (long)reader->pid, states[live->state], pages[pages_of(reader)]);
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
	stingy_stage_stat_print(reader, &labels->file);
}

static void json_text(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	stingy_json_string(stdout, value);
	fputs(", ", stdout);
}

static void json_names(const struct labels *labels, uint32_t region)
{
	const char *before = "";
	char name[NAME_SIZE];

	fputs(", \"kinds\": [", stdout);
	for (size_t i = 0; i < labels->n_kinds; i++) {
		if (labels->kind[i].region != region || labels->kind[i].name.len == 0)
			continue;
		fputs(before, stdout);
		stingy_json_string(stdout, stingy_text_decode(labels->kind[i].name, name, sizeof(name)));
		before = ", ";
	}
	putchar(']');
}

static void json_regions(const struct stingy_live_reader *reader, const struct labels *labels)
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

static void print_json(const struct stingy_live_reader *reader, const struct labels *labels)
{
	const struct stingy_live *live = &reader->live;
	struct stingy_live_counters counters = stingy_live_reader_sum(reader);

	printf("{\"pid\": %ld, ", (long)reader->pid);
	json_text("program", reader->program);
	json_text("state", states[live->state]);
	json_text("pages", pages[pages_of(reader)]);
	printf("\"huge_kib\": %" PRIu64 ", \"resident_kib\": %" PRIu64 ", \"arenas\": %" PRIu32 ", \"owned\": %" PRIu32
	       ", ",
	       reader->huge, reader->resident, live->n_arenas, live->n_owned);
	json_text("manifest", live->manifest);
	json_text("note", live->note);
	printf("\"served\": %" PRIu64 ", \"unmanaged\": %" PRIu64 ", \"fell_back\": {", counters.served,
	       counters.unmanaged);
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		printf("\"%s\": %" PRIu64 ", ", reasons[i], counters.fell_back[i]);
	printf("\"total\": %" PRIu64 "}, \"sites\": %" PRIu64 ", \"sites_here\": %" PRIu64 ", ",
	       sum_fell_back(&counters), live->sites, live->sites_here);
	stingy_order_stat_json(live);
	fputs(", ", stdout);
	json_regions(reader, labels);
	stingy_stage_stat_json(reader, &labels->file);
	putchar('}');
}

/* Prints the process, if it runs under Stingy. */
static enum stingy_live_found report_process(struct report *report, pid_t pid)
{
	struct stingy_live_reader reader;
	enum stingy_live_found found = stingy_live_reader_read(&reader, pid);
	struct labels labels;

	if (found == STINGY_LIVE_NOT_ALLOWED)
		report->n_refused++;
	if (found != STINGY_LIVE_FOUND)
		return found;
	if (report->n_printed++)
		fputs(report->json ? ",\n" : "\n", stdout);
	labels_init(&labels, &reader);
	(report->json ? print_json : print_text)(&reader, &labels);
	labels_fini(&labels);
	stingy_live_reader_fini(&reader);
	return found;
}

/* The process that text is the number of, or -1. */
static pid_t parse_pid(const char *text)
{
	char *end;
	long pid;

	if (*text < '1' || *text > '9')
		return -1;
	errno = 0;
	pid = strtol(text, &end, 10);
	return errno || *end || pid > INT32_MAX ? -1 : (pid_t)pid;
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
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc) {
		fprintf(stderr, "stingy: cannot read '/proc': %s\n", strerror(errno));
		return STINGY_EXIT_BAD_INPUT;
	}
	while ((entry = readdir(proc))) {
		pid_t pid = parse_pid(entry->d_name);

		if (pid > 0 && report_process(report, pid) == STINGY_LIVE_UNKNOWN)
			fprintf(stderr, "stingy: process %ld: %s\n", (long)pid,
				stingy_live_reader_why(STINGY_LIVE_UNKNOWN));
	}
	closedir(proc);
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

	if (report->json)
		putchar('[');
	result = pid ? report_one(report, pid) : report_all(report);
	if (report->json)
		puts("]");
	return result;
}

int stingy_cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, OPTION_JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct report report = {.json = false};
	pid_t pid = 0;
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (option != OPTION_JSON)
			return STINGY_EXIT_BAD_INPUT;
		report.json = true;
	}
	if (argc - optind > 1) {
		fprintf(stderr, "stingy: one process at a time: '%s' is too many\n", argv[optind + 1]);
		return STINGY_EXIT_BAD_INPUT;
	}
	if (optind < argc && (pid = parse_pid(argv[optind])) < 0) {
		fprintf(stderr, "stingy: not a process number: '%s'\n", argv[optind]);
		return STINGY_EXIT_BAD_INPUT;
	}
	return report_what(&report, pid);
}
