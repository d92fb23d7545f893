#include "live-reader.h"

#include "memory.h"
#include "order-stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC_PATH_MAX   64   /* bytes of "/proc/PID/NAME" */
#define REGION_SIZE_MAX 4096 /* bytes from region to region, at most: a bound for sanity's sake */

/* Memory of the process that is mapped from the beginning of its statistics on. */
struct span {
	uint64_t begin;
	uint64_t end;
};

static void proc_path(char *path, pid_t pid, const char *name)
{
	snprintf(path, PROC_PATH_MAX, "/proc/%ld/%s", (long)pid, name);
}

/* A process may end at any moment; what the kernel says then differs from file to file. */
static enum stingy_live_found failure(int error)
{
	if (error == EACCES || error == EPERM)
		return STINGY_LIVE_NOT_ALLOWED;
	return error == ENOENT || error == ESRCH ? STINGY_LIVE_NO_PROCESS : STINGY_LIVE_UNKNOWN;
}

/* Whether a line of /proc/PID/maps is the beginning of the statistics' mapping. */
static int parse_mapping(const char *line, struct span *span)
{
	static const char name[] = "/memfd:" STINGY_LIVE_NAME " (deleted)\n";
	uint64_t offset;
	int at = 0;

	return sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*u %n", &span->begin, &span->end, &offset,
		      &at) == 3 &&
	       offset == 0 && strcmp(line + at, name) == 0;
}

static enum stingy_live_found find_mapping(pid_t pid, struct span *span)
{
	enum stingy_live_found found = STINGY_LIVE_ABSENT;
	char path[PROC_PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *maps;

	proc_path(path, pid, "maps");
	maps = fopen(path, "re");
	if (!maps)
		return failure(errno);
	while (found != STINGY_LIVE_FOUND && getline(&line, &room, maps) > 0)
		if (parse_mapping(line, span))
			found = STINGY_LIVE_FOUND;
	if (ferror(maps))
		found = failure(errno);
	free(line);
	fclose(maps);
	return found;
}

static enum stingy_live_found read_memory(int mem, uint64_t at, void *to, size_t size)
{
	ssize_t n = pread(mem, to, size, (off_t)at);

	if (n == (ssize_t)size)
		return STINGY_LIVE_FOUND;
	if (n < 0)
		return failure(errno);
	return n == 0 ? STINGY_LIVE_NO_PROCESS : STINGY_LIVE_UNKNOWN; /* nothing is left of a process that has ended */
}

/* Whether the stages lie in the mapping, length bytes long, after the figures. */
static int are_stages_plausible(const struct stingy_live *live, uint64_t length)
{
	uint64_t rows = STINGY_LIVE_THREADS * stingy_live_stage_rows(live->stages.count);

	return live->stages.count <= STINGY_STAGES_MAX && live->stages.at >= sizeof(*live) &&
	       live->stages.at <= length && length - live->stages.at >= rows * sizeof(struct stingy_live_stage);
}

/* Whether the figures could be ours, and the regions and stages lie in the mapping, length bytes long, after them. */
static int is_plausible(const struct stingy_live *live, uint64_t length)
{
	return live->magic == STINGY_LIVE_MAGIC && live->version == STINGY_LIVE_VERSION &&
	       live->state <= STINGY_LIVE_DRY_RUN && live->pages <= STINGY_PAGES_SMALL &&
	       live->n_regions <= STINGY_REGIONS_MAX && live->n_arenas <= STINGY_ARENAS_MAX &&
	       live->region_size >= sizeof(struct stingy_live_region) && live->region_size <= REGION_SIZE_MAX &&
	       live->regions_at >= sizeof(*live) && live->regions_at <= length &&
	       length - live->regions_at >= live->n_regions * live->n_arenas * live->region_size &&
	       are_stages_plausible(live, length) && stingy_order_stat_is_plausible(live);
}

/* Adds what a region of one arena holds. The process runs on meanwhile: figures may be beyond what there is. */
static void add_region(struct stingy_live_reader_region *sum, const struct stingy_live_region *region)
{
	uint32_t peak = region->n_fresh < region->count ? region->count - region->n_fresh : 0;
	uint32_t n_free = stingy_live_region_free(region);

	sum->offset = region->offset;
	sum->slot = region->slot;
	sum->count = region->count;
	sum->in_use += n_free < peak ? peak - n_free : 0;
	sum->peak += peak;
	sum->served += stingy_live_region_served(region);
	sum->full += region->full;
}

static enum stingy_live_found read_regions(struct stingy_live_reader *reader, int mem, uint64_t at)
{
	const struct stingy_live *live = &reader->live;

	memset(reader->region, 0, sizeof(reader->region));
	for (uint32_t i = 0; i < live->n_regions * live->n_arenas; i++) {
		struct stingy_live_region region;
		enum stingy_live_found found = read_memory(mem, at + i * live->region_size, &region, sizeof(region));

		if (found != STINGY_LIVE_FOUND)
			return found;
		add_region(&reader->region[i % live->n_regions], &region);
	}
	return STINGY_LIVE_FOUND;
}

static void add_stage(struct stingy_live_stage *sum, const struct stingy_live_stage *stage)
{
	sum->runs += stage->runs;
	for (uint32_t i = 0; i < STINGY_LIVE_BATCHES; i++)
		sum->batches[i] += stage->batches[i];
}

/* Only of threads that there were: to read what was never touched would take memory in the process. */
static enum stingy_live_found read_stages(struct stingy_live_reader *reader, int mem, uint64_t at)
{
	const struct stingy_live *live = &reader->live;
	uint32_t n_threads = live->n_threads < STINGY_LIVE_THREADS ? live->n_threads : STINGY_LIVE_THREADS;
	uint64_t n_rows = stingy_live_stage_rows(live->stages.count);
	enum stingy_live_found found = STINGY_LIVE_FOUND;
	struct stingy_live_stage *row;

	reader->stage = NULL;
	if (n_rows == 0)
		return found;
	reader->stage = stingy_memory_new(n_rows, sizeof(*row));
	row = stingy_memory_new(n_rows, sizeof(*row));
	for (uint32_t thread = 0; thread < n_threads && found == STINGY_LIVE_FOUND; thread++) {
		found = read_memory(mem, at + thread * n_rows * sizeof(*row), row, n_rows * sizeof(*row));
		for (uint64_t i = 0; i < n_rows && found == STINGY_LIVE_FOUND; i++)
			add_stage(&reader->stage[i], &row[i]);
	}
	free(row);
	if (found != STINGY_LIVE_FOUND)
		stingy_live_reader_fini(reader);
	return found;
}

static enum stingy_live_found read_live(struct stingy_live_reader *reader, int mem, const struct span *span)
{
	struct stingy_live *live = &reader->live;
	uint64_t length = span->end - span->begin;
	enum stingy_live_found found;

	if (length < sizeof(*live))
		return STINGY_LIVE_UNKNOWN;
	found = read_memory(mem, span->begin, live, sizeof(*live));
	if (found != STINGY_LIVE_FOUND)
		return found;
	if (!is_plausible(live, length))
		return STINGY_LIVE_UNKNOWN;
	live->manifest[sizeof(live->manifest) - 1] = '\0';
	live->note[sizeof(live->note) - 1] = '\0';
	found = read_regions(reader, mem, span->begin + live->regions_at);
	return found == STINGY_LIVE_FOUND ? read_stages(reader, mem, span->begin + live->stages.at) : found;
}

/* Adds up the figure of the line, if it is the one of that name, in KiB. */
static void add_figure(const char *line, const char *name, uint64_t *sum)
{
	uint64_t figure;

	if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), "%" SCNu64, &figure) == 1)
		*sum += figure;
}

/* On which pages the arenas are, as the kernel has it; fork may have changed what the process knew. */
static void read_pages(struct stingy_live_reader *reader)
{
	const struct stingy_live *live = &reader->live;
	uint64_t begin, end, low = live->arena, high = low + live->stride * live->n_arenas;
	char path[PROC_PATH_MAX], *line = NULL;
	int is_in = 0;
	size_t room = 0;
	FILE *smaps;

	reader->resident = reader->huge = 0;
	proc_path(path, reader->pid, "smaps");
	smaps = fopen(path, "re");
	if (!smaps)
		return;
	while (getline(&line, &room, smaps) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &begin, &end) == 2)
			is_in = begin < high && end > low;
		if (!is_in)
			continue;
		add_figure(line, "Rss:", &reader->resident);
		add_figure(line, "AnonHugePages:", &reader->huge);
	}
	free(line);
	fclose(smaps);
}

/* Not argv[0], which programs overwrite. */
static void read_program(struct stingy_live_reader *reader)
{
	char path[PROC_PATH_MAX];
	ssize_t len;

	proc_path(path, reader->pid, "exe");
	len = readlink(path, reader->program, sizeof(reader->program) - 1);
	reader->program[len < 0 ? 0 : len] = '\0';
}

enum stingy_live_found stingy_live_reader_read(struct stingy_live_reader *reader, pid_t pid)
{
	enum stingy_live_found found;
	char path[PROC_PATH_MAX];
	struct span span;
	int mem;

	reader->pid = pid;
	found = find_mapping(pid, &span);
	if (found != STINGY_LIVE_FOUND)
		return found;
	proc_path(path, pid, "mem");
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return failure(errno);
	found = read_live(reader, mem, &span);
	close(mem);
	read_pages(reader);
	read_program(reader);
	return found;
}

void stingy_live_reader_fini(struct stingy_live_reader *reader)
{
	free(reader->stage);
	reader->stage = NULL;
}

const char *stingy_live_reader_why(enum stingy_live_found found)
{
	static const char *const why[STINGY_LIVE_RESULTS] = {
		[STINGY_LIVE_FOUND] = "found",
		[STINGY_LIVE_NO_PROCESS] = "no such process",
		[STINGY_LIVE_NOT_ALLOWED] = "not permitted to look into it: run as root or the same user",
		[STINGY_LIVE_ABSENT] = "does not run under stingy",
		[STINGY_LIVE_UNKNOWN] = "its statistics are of another version of stingy, or damaged",
	};

	return why[found];
}

struct stingy_live_counters stingy_live_reader_sum(const struct stingy_live_reader *reader)
{
	struct stingy_live_counters sum = {.served = 0};

	/* While threads begin, n_threads may be beyond the counters for a moment. */
	for (uint32_t i = 0; i < reader->live.n_threads && i < STINGY_LIVE_THREADS; i++) {
		const struct stingy_live_counters *thread = &reader->live.thread[i];

		sum.served += thread->served;
		sum.unmanaged += thread->unmanaged;
		for (int reason = 0; reason < STINGY_FELL_REASONS; reason++)
			sum.fell_back[reason] += thread->fell_back[reason];
	}
	for (uint32_t i = 0; i < reader->live.n_regions; i++)
		sum.served += reader->region[i].served;
	return sum;
}
