#define _GNU_SOURCE
#include "load.h"

#include "canary.h"
#include "env.h"
#include "file.h"
#include "map.h"
#include "say.h"
#include "start.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define LABEL_SIZE 80 /* bytes */

struct loading {
	struct stingy_serve *serve;
	const char *path;
	struct stingy_file file;
	struct stingy_manifest_counts counts;
	uint32_t n_addresses; /* in all sites together */
	struct stingy_stages_counts stages;
	size_t paths; /* bytes of all modules' paths */
	struct stingy_cache cache;
	struct stingy_manifest_slab slab;
	size_t region_memory; /* bytes, of one arena's regions */
	char *memory;         /* what is left of the mapping for all tables */
	char *path_room;
	struct stingy_sites_kind *kinds;
	char (*labels)[LABEL_SIZE]; /* of regions */
};

/* A file beyond the limit would be answered by SIGXFSZ. */
static bool is_size_allowed(size_t size)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= size);
}

/* Zeroed memory that `stingy stat` can find by its name; if that cannot be had, some that it cannot find. */
static struct stingy_live *map_live(size_t size)
{
	struct stingy_live *live = MAP_FAILED;
	int fd = is_size_allowed(size) ? memfd_create(STINGY_LIVE_NAME, MFD_CLOEXEC) : -1;
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		live = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (live != MAP_FAILED)
		return live;
	stingy_say("memfd_create is not allowed, or limited: 'stingy stat' will not find this process");
	return stingy_map(size);
}

/* The live statistics, the regions behind them, one of no slots before these, and the stages' rows at the end. */
static int make_live(struct loading *l, uint32_t n_regions, uint32_t n_stages)
{
	size_t nothing_at = stingy_lines(sizeof(struct stingy_live));
	size_t regions_at = nothing_at + sizeof(struct stingy_region);
	size_t stages_at = regions_at + n_regions * sizeof(struct stingy_region);
	size_t rows = STINGY_LIVE_THREADS * stingy_live_stage_rows(n_stages);
	struct stingy_live *live = map_live(stages_at + rows * sizeof(struct stingy_live_stage));
	if (!live)
		return -1;
	live->version = STINGY_LIVE_VERSION;
	live->pid = (uint32_t)getpid();
	live->regions_at = regions_at;
	live->region_size = sizeof(struct stingy_region);
	live->stages = (struct stingy_live_stages){.at = stages_at, .count = n_stages};
	snprintf(live->manifest, sizeof(live->manifest), "%s", l->path);
	live->magic = STINGY_LIVE_MAGIC;
	l->serve->live = live;
	l->serve->nothing = (struct stingy_region *)((char *)live + nothing_at);
	l->serve->regions = l->serve->nothing + 1;
	return 0;
}

/* Says why nothing is served, to the user and to `stingy stat`. Returns -1. */
__attribute__((format(printf, 2, 3))) static int refuse(struct loading *l, const char *format, ...)
{
	char why[sizeof(l->serve->live->note)];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	stingy_say("'%s': %s: nothing is served", l->path, why);
	if (l->serve->live || make_live(l, 0, 0) == 0)
		memcpy(l->serve->live->note, why, sizeof(why));
	return -1;
}

/* How the manifest's module 0 and the program that runs compare. */
struct comparison {
	const struct stingy_manifest_module *named;
	bool is_same, is_same_path;
};

/* For the program, which the loader lists first. */
static int compare(const struct stingy_module *module, void *data)
{
	struct comparison *comparison = data;
	comparison->is_same = stingy_sites_is_module(comparison->named, module);
	comparison->is_same_path = stingy_sites_is_path(comparison->named, module);
	return 1;
}

static void print_id(char *text, const uint8_t *id, uint32_t len)
{
	memcpy(text, "none", sizeof("none"));
	for (uint32_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* A manifest is for one program, and one build of it. */
static int check_program(struct loading *l, const struct stingy_manifest_module *named)
{
	struct comparison comparison = {.named = named};
	char theirs[2 * STINGY_ID_MAX + 1], path[200];
	stingy_modules_each(compare, &comparison);
	if (comparison.is_same)
		return 0;
	print_id(theirs, named->id, named->id_len);
	stingy_text_decode(named->path, path, sizeof(path));
	return refuse(l, "made for '%s', build-id %.12s; this process is %s '%s'", path, theirs,
		      comparison.is_same_path ? "another build of" : "another program,", stingy_program_path());
}

/* Adds up what the record takes. Returns 0, or -1 if the manifest is another program's. */
static int measure_record(struct loading *l, const struct stingy_manifest_record *record)
{
	switch (record->type) {
	case STINGY_MANIFEST_CACHE:
		l->cache = record->cache;
		break;
	case STINGY_MANIFEST_SLAB:
		l->slab = record->slab;
		break;
	case STINGY_MANIFEST_MODULE:
		l->paths += record->module.path.len;
		/* Asked at once: what the program runs in turn shall not pay for the rest. */
		return record->number == 0 ? check_program(l, &record->module) : 0;
	case STINGY_MANIFEST_REGION:
		l->region_memory += stingy_region_memory(record->region.slot, record->region.count);
		break;
	case STINGY_MANIFEST_SITE:
		l->n_addresses += record->site.depth;
		break;
	case STINGY_MANIFEST_STAGE:
		stingy_stages_count(&l->stages, &record->stage);
		break;
	case STINGY_MANIFEST_SCHEDULE:
		stingy_stages_count_task(&l->stages, &record->schedule);
		break;
	default:
		break;
	}
	return 0;
}

/* First pass: is all of it well-formed, and how much room does it take? */
static int measure(struct loading *l)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	int more;
	stingy_manifest_reader_init(&reader, l->file.text, l->file.size);
	while ((more = stingy_manifest_next(&reader, &record)) > 0)
		if (measure_record(l, &record) < 0)
			return -1;
	l->counts = reader.counts;
	if (l->n_addresses > STINGY_ADDRESSES_MAX)
		return refuse(l, "its sites have more addresses than can be matched (%u)", STINGY_ADDRESSES_MAX);
	if (more < 0)
		return refuse(l, "line %u: %s", reader.line, reader.error);
	return l->counts.modules == 0 ? refuse(l, "it names no program") : 0;
}

static bool may_place_stack(const struct loading *l)
{
	if (l->slab.stack == 0 || l->serve->is_dry)
		return false;
	if (stingy_start_can_place())
		return true;
	stingy_say("'%s': the stack has to be executable, and stays where it is", l->path);
	return false;
}

/* The arenas; without memory for them the program runs on, and statistics say so. */
static void make_arenas(struct loading *l)
{
	struct stingy_arena *arena = &l->serve->arena;
	struct stingy_live *live = l->serve->live;
	const char *explicit = stingy_env("STINGY_PAGES");
	const struct stingy_arena_plan plan = {
		.slab = l->slab.size,
		.high = l->slab.high,
		.stack = may_place_stack(l) ? l->slab.stack : 0,
		.count = l->slab.arenas,
		.cache = l->cache,
		.is_explicit = explicit && strcmp(explicit, "explicit") == 0,
	};
	if (stingy_arena_init(arena, &plan) < 0) {
		l->serve->is_hopeless = true;
		*arena = (struct stingy_arena){.why = "no memory for the arena: nothing is served"};
		stingy_say("'%s': %s", l->path, arena->why);
	}
	l->serve->origin = arena->origin;
	l->serve->span = arena->span;
	live->pages = arena->pages;
	live->arena = (uintptr_t)arena->base;
	live->stride = arena->stride;
	live->n_arenas = arena->count;
	snprintf(live->note, sizeof(live->note), "%s", arena->why ? arena->why : "");
}

/* One mapping for all tables. What is in it is touched as it is filled or used. */
static int make_room(struct loading *l)
{
	struct stingy_serve *serve = l->serve;
	if (make_live(l, l->counts.regions * l->slab.arenas, l->counts.stages) < 0)
		return refuse(l, "no memory");
	make_arenas(l);
	size_t sites = stingy_sites_memory(l->n_addresses, l->counts.modules);
	size_t region_of = (serve->arena.span / STINGY_REGION_ALIGN + 1) * sizeof(*serve->region_of);
	size_t stages = stingy_stages_memory(&l->stages), kinds = l->counts.kinds * sizeof(*l->kinds);
	size_t labels = l->counts.regions * sizeof(*l->labels), regions = l->region_memory * l->slab.arenas;
	l->memory = stingy_map(sites + region_of + stages + kinds + l->paths + labels + regions + 8 * STINGY_LINES);
	if (!l->memory)
		return refuse(l, "no memory");
	void *sites_memory = stingy_carve(&l->memory, sites);
	serve->region_of = stingy_carve(&l->memory, region_of);
	stingy_stages_init(&serve->stages, &l->stages, stingy_carve(&l->memory, stages));
	l->kinds = stingy_carve(&l->memory, kinds);
	l->path_room = stingy_carve(&l->memory, l->paths);
	l->labels = stingy_carve(&l->memory, labels);
	stingy_sites_init(&serve->sites, l->n_addresses, l->counts.modules, l->kinds, sites_memory);
	stingy_region_init_none(serve->nothing, serve->arena.origin);
	return 0;
}

/* Makes the region in one of the arenas. Canaries lengthen the slots, of which there are fewer then. */
static void make_region(struct loading *l, uint32_t arena, const struct stingy_manifest_region *from)
{
	uint32_t slot = from->slot + (l->serve->has_canaries ? STINGY_CANARY_SIZE : 0);
	uint32_t count = (uint32_t)((uint64_t)from->slot * from->count / slot);
	struct stingy_serve *serve = l->serve;
	struct stingy_region *region = &serve->regions[arena * l->counts.regions + serve->n_regions];
	uint32_t offset = (uint32_t)(stingy_arena_at(&serve->arena, arena) - serve->arena.origin) + from->offset;
	void *memory = l->memory;
	l->memory += stingy_region_memory(from->slot, from->count);
	stingy_region_init(region, serve->n_regions, serve->arena.origin, offset, slot, count, memory);
	region->live.offset = from->offset;
	region->label = l->labels[serve->n_regions];
	size_t last = offset + (size_t)from->slot * from->count - 1;
	for (size_t i = offset / STINGY_REGION_ALIGN; i <= last / STINGY_REGION_ALIGN; i++)
		serve->region_of[i] = (uint32_t)((char *)region - (char *)serve->nothing);
}

/* In a dry run, or without memory, nothing will ever be in it. */
static void add_region(struct loading *l, const struct stingy_manifest_region *region)
{
	for (uint32_t arena = 0; arena < l->serve->arena.count; arena++)
		make_region(l, arena, region);
	l->serve->n_regions++;
}

/* For messages about heap errors: ", " and what the region holds, as far as it fits. */
static void add_label(struct loading *l, uint32_t region, const char *text)
{
	char *label = l->labels[region];
	size_t used = strlen(label);
	snprintf(label + used, LABEL_SIZE - used, ", %s", text);
}

static void add_kind(struct loading *l, uint32_t number, const struct stingy_manifest_kind *kind)
{
	char name[LABEL_SIZE];
	l->kinds[number] = (struct stingy_sites_kind){kind->size, kind->region, kind->high};
	for (uint32_t arena = 0; arena < l->serve->arena.count; arena++)
		l->serve->regions[arena * l->counts.regions + kind->region].has_high |= kind->high != UINT32_MAX;
	if (kind->name.len != 0)
		add_label(l, kind->region, stingy_text_decode(kind->name, name, sizeof(name)));
}

/* A kind without a name goes by the last address of its sites, which tells it from others. */
static int add_site(struct loading *l, const struct stingy_manifest_site *site)
{
	const struct stingy_sites_kind *kind = &l->kinds[site->kind];
	const struct stingy_address *last = &site->chain[site->depth - 1];
	char path[LABEL_SIZE], name[LABEL_SIZE];
	if (l->labels[kind->region][0] == '\0') {
		stingy_text_decode(l->serve->sites.modules[last->module].named.path, path, sizeof(path));
		const char *slash = strrchr(path, '/');
		snprintf(name, sizeof(name), "%.40s+0x%lx", slash ? slash + 1 : path, (unsigned long)last->offset);
		add_label(l, kind->region, name);
	}
	return stingy_sites_add(&l->serve->sites, site);
}

/* The path is kept: the text is not. */
static void add_module(struct loading *l, struct stingy_manifest_module *module)
{
	memcpy(l->path_room, module->path.at, module->path.len);
	module->path.at = l->path_room;
	l->path_room += module->path.len;
	stingy_sites_add_module(&l->serve->sites, module);
}

static void add_schedule(struct loading *l, const struct stingy_manifest_schedule *from)
{
	enum stingy_order_mode mode = from->is_fixed ? STINGY_ORDER_FIXED : STINGY_ORDER_AUTO;
	l->serve->schedule = (struct stingy_order_schedule){.mode = mode, .tasks = stingy_manifest_first_tasks(from)};
	stingy_stages_add_task(&l->serve->stages, from, l->kinds);
}

/* Returns 0, or -1 if it contradicts one before. */
static int fill_record(struct loading *l, struct stingy_manifest_record *record)
{
	switch (record->type) {
	case STINGY_MANIFEST_MODULE:
		add_module(l, &record->module);
		return 0;
	case STINGY_MANIFEST_REGION:
		add_region(l, &record->region);
		return 0;
	case STINGY_MANIFEST_KIND:
		add_kind(l, record->number, &record->kind);
		return 0;
	case STINGY_MANIFEST_SITE:
		return add_site(l, &record->site);
	case STINGY_MANIFEST_STAGE:
		stingy_stages_add(&l->serve->stages, &record->stage, l->kinds);
		return 0;
	case STINGY_MANIFEST_SCHEDULE:
		add_schedule(l, &record->schedule);
		return 0;
	default:
		return 0;
	}
}

/* Second pass: it has been checked, so every record fits. */
static int fill(struct loading *l)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	stingy_manifest_reader_init(&reader, l->file.text, l->file.size);
	while (stingy_manifest_next(&reader, &record) > 0)
		if (fill_record(l, &record) < 0)
			return refuse(l, "line %u: contradicts an earlier site", reader.line);
	l->serve->live->n_regions = l->serve->n_regions;
	l->serve->live->slab = l->slab.size;
	l->serve->live->sites = l->counts.sites;
	return 0;
}

/* Matches the manifest's modules with the loaded ones, and says which others of them are other builds. */
static void bind_modules(struct loading *l)
{
	struct stingy_sites *sites = &l->serve->sites;
	char path[200];
	stingy_sites_settle(sites, sizeof(struct stingy_region), !l->serve->has_canaries);
	stingy_sites_bind(sites);
	l->serve->live->sites_here = sites->n_here;
	for (uint32_t i = 1; i < l->counts.modules; i++)
		if (sites->modules[i].is_other_build && sites->modules[i].here.n_segments == 0)
			stingy_say("'%s': made for another build of '%s': its sites are not served", l->path,
				   stingy_text_decode(sites->modules[i].named.path, path, sizeof(path)));
}

static int load(struct loading *l)
{
	if (measure(l) < 0 || make_room(l) < 0 || fill(l) < 0)
		return -1;
	bind_modules(l);
	return 0;
}

int stingy_load(struct stingy_serve *serve, const char *path)
{
	struct loading l = {.serve = serve, .path = path};
	char why[LABEL_SIZE];
	if (stingy_file_read(&l.file, path, why, sizeof(why)) < 0)
		return refuse(&l, "%s", why);
	int result = load(&l);
	stingy_file_fini(&l.file);
	return result;
}

int stingy_load_live(struct stingy_serve *serve)
{
	struct loading l = {.serve = serve, .path = ""};
	return make_live(&l, 0, 0);
}
