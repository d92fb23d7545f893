/*
 * stingy check: is this manifest good for this program on this machine? One line a finding, and a verdict.
 */
#include "cache.h"
#include "commands.h"
#include "elf-id.h"
#include "manifest-file.h"
#include "ready.h"
#include "round.h"
#include "site-set.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_PAGE  (2u << 20) /* bytes */
#define ID_TEXT    (2 * STINGY_ID_MAX + sizeof("build-id "))
#define CACHE_TEXT 64 /* bytes of a geometry in words, with three numbers of 32 bits */

enum { OPTION_READY = 256 };

static const char help[] =
	"usage: stingy check -m MANIFEST [--] [COMMAND [ARGUMENT]...]\n"
	"       stingy check --ready [--] COMMAND [ARGUMENT]...\n\n"
	"Tells whether MANIFEST is good for COMMAND (default: the program it was made for) on this machine: the same\n"
	"builds of the program and its libraries, the same cache, huge pages. Exits with 0 if so, with 1 if not, with "
	"2\n"
	"if that cannot be told.\n\n"
	"  -m, --manifest MANIFEST  what 'stingy solve' wrote\n"
	"      --ready              the one that came with Stingy for this build of COMMAND, if there is one\n"
	"  -h, --help               print this and exit\n";

enum severity { OK, NOTE, BAD };

struct check {
	const char *program;             /* path of what is to be run; NULL: of module 0 */
	bool is_bad;                     /* a finding was */
	bool is_refused;                 /* the library would not read the manifest */
	bool absent[STINGY_MODULES_MAX]; /* modules of which no site can be served here */
	bool is_ordered;                 /* the manifest has a schedule */
	uint32_t n_sites;
	uint32_t n_servable;
	struct stingy_site_set sites;
};

static void finding(struct check *check, enum severity severity, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void finding(struct check *check, enum severity severity, const char *format, ...)
{
	static const char *const words[] = {[OK] = "ok", [NOTE] = "note", [BAD] = "bad"};
	va_list args;

	if (severity == BAD)
		check->is_bad = true;
	printf("%s: ", words[severity]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* The library does not trust a manifest that others may write: it says where objects lie. */
static void check_trust(struct check *check, const struct stingy_mapped_file *file)
{
	if (file->mode & S_IWOTH)
		finding(check, BAD, "manifest: anybody may write it, so it would be refused");
	if (file->owner != 0 && file->owner != geteuid())
		finding(check, BAD, "manifest: neither root's nor this user's, so it would be refused");
	check->is_refused = check->is_bad;
}

static bool is_same_cache(const struct stingy_cache *a, const struct stingy_cache *b)
{
	return a->size == b->size && a->ways == b->ways && a->line == b->line;
}

/* Writes a cache's geometry into text[CACHE_TEXT]. Returns text. */
static const char *print_cache(const struct stingy_cache *cache, char *text)
{
	snprintf(text, CACHE_TEXT, "%" PRIu32 " bytes, %" PRIu32 " ways, lines of %" PRIu32, cache->size, cache->ways,
		 cache->line);
	return text;
}

/* The layout is made for one cache; another's sets fall elsewhere. It may be of any level, usually the second. */
static void check_cache(struct check *check, const struct stingy_cache *wanted)
{
	static const unsigned levels[] = {2, 3, 1};
	struct stingy_cache cache, second = {.size = 0};
	char text[CACHE_TEXT], here[CACHE_TEXT];

	print_cache(wanted, text);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (stingy_cache_detect(levels[i], &cache) < 0)
			continue;
		if (is_same_cache(&cache, wanted)) {
			finding(check, OK, "cache of %s: level %u here", text, levels[i]);
			return;
		}
		if (second.size == 0)
			second = cache;
	}
	if (second.size)
		finding(check, BAD, "cache of %s: here it has %s", text, print_cache(&second, here));
	else
		finding(check, NOTE, "cache of %s: this machine does not tell its own", text);
}

/* What lies above the cache slab may compete with it: it is for what found no place there. */
static void check_high(struct check *check, const struct stingy_manifest_slab *slab)
{
	bool fits = stingy_manifest_high(slab) + (uint64_t)slab->high <= stingy_round_up(slab->size, HUGE_PAGE);

	if (slab->high)
		finding(check, OK, "high slab of %" PRIu32 " bytes: %s", slab->high,
			fits ? "fits the huge pages of the slab"
			     : "beyond the huge pages, on ordinary ones as they are used");
}

/*
 * An arena begins with huge pages, which it takes for good. Threads that share a processor share its cache: their
 * arenas compete.
 */
static void check_arenas(struct check *check, const struct stingy_manifest_slab *slab)
{
	uint64_t bytes = (uint64_t)stingy_round_up(slab->size, HUGE_PAGE) * slab->arenas;
	long n_processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (slab->arenas == 1)
		return;
	if (n_processors > 0 && slab->arenas > (unsigned long)n_processors)
		finding(check, NOTE, "%" PRIu32 " arenas, %" PRIu64 " bytes in all: more than the %ld processors here",
			slab->arenas, bytes, n_processors);
	else
		finding(check, OK, "%" PRIu32 " arenas, %" PRIu64 " bytes in all", slab->arenas, bytes);
}

static void check_slab(struct check *check, const struct stingy_manifest_slab *slab)
{
	if (slab->size <= HUGE_PAGE)
		finding(check, OK, "slab of %" PRIu32 " bytes: fits a huge page", slab->size);
	else
		finding(check, NOTE, "slab of %" PRIu32 " bytes: needs several huge pages, which may compete",
			slab->size);
	if (slab->stack)
		finding(check, OK, "stack: the main thread's begins in the slab, with %" PRIu32 " bytes of it",
			slab->stack);
	check_high(check, slab);
	check_arenas(check, slab);
}

/* Reads the first line of a small file of the kernel's; "" if there is none. */
static void read_line(const char *path, char *line, int room)
{
	FILE *file = fopen(path, "re");

	*line = '\0';
	if (!file)
		return;
	if (!fgets(line, room, file))
		*line = '\0';
	fclose(file);
}

/* Only within a huge page does the address tell the place in the cache. */
static void check_huge_pages(struct check *check)
{
	static const char transparent[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	static const char pool[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
	char line[128];

	read_line(transparent, line, sizeof(line));
	if (strstr(line, "[madvise]") || strstr(line, "[always]")) {
		finding(check, OK, "huge pages: transparent ones");
		return;
	}
	read_line(pool, line, sizeof(line));
	if (strtoul(line, NULL, 10) > 0)
		finding(check, OK, "huge pages: explicit ones");
	else
		finding(check, BAD, "huge pages: none, by '%s' and '%s'", transparent, pool);
}

/* Writes what identifies a module, "build-id 12ab" or "size 123", into text[ID_TEXT]. Returns text. */
static const char *print_id(const uint8_t *id, uint32_t len, uint64_t size, char *text)
{
	char *at = text + sprintf(text, "%s ", len ? "build-id" : "size");

	if (len == 0)
		sprintf(at, "%" PRIu64, size);
	for (uint32_t i = 0; i < len; i++)
		at += sprintf(at, "%02x", id[i]);
	return text;
}

/* Compares the file at path with the module that it should be. Returns whether sites in it can be served. */
static bool check_file(struct check *check, const struct stingy_manifest_module *module, const char *what,
		       const char *path, struct stingy_elf_id *elf)
{
	char wanted[ID_TEXT], got[ID_TEXT];

	print_id(module->id, module->id_len, module->size, wanted);
	if (stingy_elf_id_read(elf, path) < 0) {
		finding(check, BAD, "%s '%s': %s", what, path, strerror(errno));
		return false;
	}
	if (!stingy_elf_id_is(elf, module)) {
		print_id(elf->id, elf->len, elf->size, got);
		finding(check, BAD, "%s '%s': %s, but the manifest is for %s", what, path, got, wanted);
		return false;
	}
	finding(check, OK, "%s '%s': %s", what, path, wanted);
	return true;
}

/* What the program is to be is told by its build-id, or else by the path that the kernel will give for it. */
static bool check_program(struct check *check, const struct stingy_manifest_module *module, const char *path,
			  const char *wanted)
{
	struct stingy_elf_id elf;
	char real[PATH_MAX];
	bool is_good = check_file(check, module, "program", path, &elf);

	if (is_good && module->id_len == 0 && (!realpath(path, real) || strcmp(real, wanted) != 0)) {
		finding(check, BAD, "program '%s': no build-id, and its path is not '%s'", path, wanted);
		is_good = false;
	}
	if (is_good && !elf.has_loader) {
		finding(check, BAD, "program '%s': static, so nothing can be preloaded", path);
		is_good = false;
	}
	if (is_good && elf.is_set_id)
		finding(check, NOTE, "program '%s': set-user-ID or set-group-ID, so some users cannot preload it",
			path);
	return is_good;
}

static void check_module(struct check *check, const struct stingy_manifest_record *record)
{
	const struct stingy_manifest_module *module = &record->module;
	struct stingy_elf_id elf;
	char path[PATH_MAX];
	bool is_good;

	stingy_text_decode(module->path, path, sizeof(path));
	if (record->number == 0)
		is_good = check_program(check, module, check->program ? check->program : path, path);
	else
		is_good = check_file(check, module, "module", path, &elf);
	check->absent[record->number] = !is_good;
}

static void refused(struct check *check, unsigned line, const char *why)
{
	finding(check, BAD, "line %u: %s, so the manifest would be refused", line, why);
	check->is_refused = true;
}

static void check_site(struct check *check, const struct stingy_manifest_site *site, unsigned line)
{
	bool had_room = check->sites.n_addresses <= STINGY_ADDRESSES_MAX;

	if (stingy_site_set_add(&check->sites, site) < 0)
		refused(check, line, "contradicts an earlier site");
	if (had_room && check->sites.n_addresses > STINGY_ADDRESSES_MAX)
		refused(check, line, "the sites have more addresses than can be matched");
}

/* Nothing of a manifest is served in a program that it is not for. */
static void count_site(struct check *check, const struct stingy_manifest_site *site)
{
	bool is_servable = !check->absent[0];

	for (uint32_t i = 0; i < site->depth; i++)
		is_servable = is_servable && !check->absent[site->chain[i].module];
	check->n_sites++;
	check->n_servable += is_servable;
}

/* Whether it gains anything shows when it runs. */
static void check_schedule(struct check *check, const struct stingy_manifest_schedule *schedule)
{
	char tasks[CACHE_TEXT] = "";
	uint32_t n = stingy_manifest_first_tasks(schedule);

	if (n)
		snprintf(tasks, sizeof(tasks), ", %s%" PRIu32 " tasks at a time", schedule->is_fixed ? "" : "at first ",
			 n);
	check->is_ordered = true;
	finding(check, OK, "events: ordered%s", tasks);
}

static void check_record(struct check *check, const struct stingy_manifest_record *record, unsigned line)
{
	switch (record->type) {
	case STINGY_MANIFEST_CACHE:
		check_cache(check, &record->cache);
		break;
	case STINGY_MANIFEST_SLAB:
		check_slab(check, &record->slab);
		check_huge_pages(check);
		break;
	case STINGY_MANIFEST_MODULE:
		check_module(check, record);
		break;
	case STINGY_MANIFEST_SITE:
		check_site(check, &record->site, line);
		count_site(check, &record->site);
		break;
	case STINGY_MANIFEST_SCHEDULE:
		check_schedule(check, &record->schedule);
		break;
	default: /* numbers without the machine or the program in them: the reader has checked them */
		break;
	}
}

static int judge(struct check *check, const struct stingy_mapped_file *file)
{
	struct stingy_manifest_record record;
	struct stingy_manifest_reader reader;

	stingy_site_set_init(&check->sites);
	check_trust(check, file);
	stingy_manifest_reader_init(&reader, file->data, file->size);
	while (stingy_manifest_next(&reader, &record) > 0)
		check_record(check, &record, reader.line);
	stingy_site_set_fini(&check->sites);
	if (check->n_sites == 0)
		finding(check, check->is_ordered ? NOTE : BAD, "no sites: nothing would be served");
	printf("verdict: %s: %" PRIu32 " of %" PRIu32 " sites can be served here\n",
	       check->is_bad ? "not good" : "good", check->is_refused ? 0 : check->n_servable, check->n_sites);
	return check->is_bad ? STINGY_EXIT_NO : STINGY_EXIT_OK;
}

static int check_manifest(const char *manifest, const char *command)
{
	char program[PATH_MAX];
	struct check check = {.program = command ? program : NULL};
	struct stingy_mapped_file file;
	int result;

	if (command && stingy_command_find(command, program) < 0)
		return STINGY_EXIT_BAD_INPUT;
	if (stingy_manifest_file_init(&file, manifest) < 0)
		return STINGY_EXIT_BAD_INPUT;
	result = judge(&check, &file);
	stingy_mapped_file_fini(&file);
	return result;
}

int stingy_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"manifest", required_argument, NULL, 'm'},
		{"ready", no_argument, NULL, OPTION_READY},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *manifest = NULL;
	char ready[PATH_MAX];
	bool is_ready = false;
	int option;

	while ((option = getopt_long(argc, argv, "+m:h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			manifest = optarg;
			break;
		case OPTION_READY:
			is_ready = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		default:
			return STINGY_EXIT_BAD_INPUT;
		}
	}
	if (!manifest && is_ready && optind < argc) {
		if (stingy_ready_find(argv[optind], ready) < 0)
			return STINGY_EXIT_BAD_INPUT;
		printf("ready: %s\n", ready);
		manifest = ready;
	}
	if (manifest)
		return check_manifest(manifest, argv[optind]);
	fputs("stingy: check which manifest? (see 'stingy check --help')\n", stderr);
	return STINGY_EXIT_BAD_INPUT;
}
