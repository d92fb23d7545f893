#include "map.h"

#include "classes.h"
#include "clean.h"
#include "memory.h"
#include "round.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_LEAST 4u  /* ways that make a picture */
#define LINES_MOST  32u /* ways that fit one */
#define LINES_USUAL 16u /* where ways do not suit */
#define NAME_SIZE   4096u

/* What is only needed while a manifest is read. */
struct drawing {
	struct stingy_map *map;
	struct stingy_map_part *region; /* by its number */
	size_t room, part_room;
	bool has_tasks[STINGY_REGIONS_MAX]; /* regions with kinds that are not known to be global */
};

/* Puts the name behind those that are there. */
static void add_name(struct stingy_map_part *region, struct stingy_text name)
{
	size_t len = strlen(region->kinds);
	char text[NAME_SIZE];

	if (name.len == 0)
		return;
	stingy_clean(stingy_text_decode(name, text, sizeof(text)));
	region->kinds = stingy_memory_resize(region->kinds, len + strlen(text) + sizeof(", "), 1);
	sprintf(region->kinds + len, "%s%s", len ? ", " : "", text);
}

/* Whether the solver's comment before a kind calls it global. comment: the lines before it, and its own. */
static bool is_global(const char *comment, const char *end)
{
	const char *word = stingy_class_name(STINGY_CLASS_FINAL);

	for (; comment < end; comment++) {
		const char *line_end = memchr(comment, '\n', (size_t)(end - comment));

		if ((size_t)(end - comment) > 2 + strlen(word) && memcmp(comment, "# ", 2) == 0 &&
		    memcmp(comment + 2, word, strlen(word)) == 0)
			return true;
		if (!line_end)
			break;
		comment = line_end;
	}
	return false;
}

static void take_region(struct drawing *drawing, uint32_t number, const struct stingy_manifest_region *region)
{
	struct stingy_map_part *part;

	STINGY_GROW(drawing->region, &drawing->room, (size_t)number + 1);
	part = &drawing->region[number];
	*part = (struct stingy_map_part){.offset = region->offset, .region = number, .slot = region->slot};
	part->size = (uint64_t)region->slot * region->count;
	part->count = region->count;
	part->kinds = stingy_memory_text("", 0);
	drawing->map->n_regions++;
}

/* In the high slab, a kind is told where it spills to. */
static void take_kind(struct drawing *drawing, const struct stingy_manifest_kind *kind, bool global)
{
	add_name(&drawing->region[kind->region], kind->name);
	if (kind->high != UINT32_MAX)
		add_name(&drawing->region[kind->high], kind->name);
	if (!global)
		drawing->has_tasks[kind->region] = true;
}

static void take(struct drawing *drawing, const struct stingy_manifest_record *record, const char *before,
		 const char *end)
{
	char path[NAME_SIZE];

	switch (record->type) {
	case STINGY_MANIFEST_CACHE:
		drawing->map->cache = record->cache;
		break;
	case STINGY_MANIFEST_SLAB:
		drawing->map->slab = record->slab;
		break;
	case STINGY_MANIFEST_MODULE:
		if (record->number == 0) {
			stingy_clean(stingy_text_decode(record->module.path, path, sizeof(path)));
			drawing->map->program = stingy_memory_text(path, strlen(path));
		}
		break;
	case STINGY_MANIFEST_REGION:
		take_region(drawing, record->number, &record->region);
		break;
	case STINGY_MANIFEST_KIND:
		take_kind(drawing, &record->kind, is_global(before, end));
		break;
	default:
		break;
	}
}

static void read_all(struct drawing *drawing, const char *text, size_t size)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	const char *before = text;

	stingy_manifest_reader_init(&reader, text, size);
	while (stingy_manifest_next(&reader, &record) == 1) {
		take(drawing, &record, before, reader.next);
		before = reader.next;
	}
}

static enum stingy_map_what what_is(const struct drawing *drawing, const struct stingy_map_part *region)
{
	if (region->offset >= stingy_manifest_high(&drawing->map->slab))
		return STINGY_MAP_HIGH;
	if (*region->kinds && !drawing->has_tasks[region->region])
		return STINGY_MAP_GLOBAL;
	return STINGY_MAP_TASKS;
}

static void add_part(struct drawing *drawing, const struct stingy_map_part *part)
{
	struct stingy_map *map = drawing->map;

	STINGY_GROW(map->part, &drawing->part_room, (size_t)map->n_parts + 1);
	map->part[map->n_parts++] = *part;
}

/* What lies between the last part and the offset is free, if it is more than what regions are aligned to. */
static void fill(struct drawing *drawing, uint64_t offset)
{
	struct stingy_map *map = drawing->map;
	struct stingy_map_part *last = map->n_parts ? &map->part[map->n_parts - 1] : NULL;
	struct stingy_map_part rest = {.what = STINGY_MAP_FREE, .offset = last ? last->offset + last->size : 0};

	rest.size = offset - rest.offset;
	if (last && rest.size < STINGY_REGION_ALIGN) {
		last->size += rest.size;
	} else if (rest.size) {
		rest.kinds = stingy_memory_text("", 0);
		add_part(drawing, &rest);
	}
}

static uint64_t end_of(const struct stingy_map *map)
{
	uint64_t slabs = stingy_manifest_high(&map->slab) + (uint64_t)map->slab.high;

	return slabs > map->cache.size ? slabs : map->cache.size;
}

static void make_parts(struct drawing *drawing)
{
	struct stingy_map *map = drawing->map;
	struct stingy_map_part stack = {.what = STINGY_MAP_STACK, .size = map->slab.stack};

	if (map->slab.stack) {
		stack.kinds = stingy_memory_text("", 0);
		add_part(drawing, &stack);
	}
	for (uint32_t i = 0; i < map->n_regions; i++) {
		fill(drawing, drawing->region[i].offset);
		drawing->region[i].what = what_is(drawing, &drawing->region[i]);
		add_part(drawing, &drawing->region[i]);
	}
	fill(drawing, end_of(map));
}

/* So many bytes a line that there are at most LINES_USUAL of them, in whole multiples of the unit. */
static uint64_t line_for(uint64_t bytes, uint64_t unit)
{
	uint64_t line = unit;

	while (line * LINES_USUAL < bytes)
		line *= 2;
	return line;
}

bool stingy_map_has_ways(const struct stingy_map *map)
{
	return map->cache.ways >= LINES_LEAST && map->cache.ways <= LINES_MOST;
}

static void make_blocks(struct stingy_map *map)
{
	uint64_t end = end_of(map), line;

	if (map->cache.size) {
		line = stingy_map_has_ways(map) ? map->cache.size / map->cache.ways
						: line_for(map->cache.size, STINGY_REGION_ALIGN);
		map->block[map->n_blocks++] = (struct stingy_map_block){.end = map->cache.size, .line = line};
	}
	if (end > map->cache.size) {
		line = map->n_blocks ? map->block[0].line : STINGY_REGION_ALIGN;
		map->block[map->n_blocks++] = (struct stingy_map_block){
			.begin = map->cache.size, .end = end, .line = line_for(end - map->cache.size, line)};
	}
}

void stingy_map_init(struct stingy_map *map, const char *text, size_t size)
{
	struct drawing drawing = {.map = map};

	memset(map, 0, sizeof(*map));
	read_all(&drawing, text, size);
	if (!map->program)
		map->program = stingy_memory_text("no program", strlen("no program"));
	make_parts(&drawing);
	make_blocks(map);
	free(drawing.region);
}

void stingy_map_fini(struct stingy_map *map)
{
	for (uint32_t i = 0; i < map->n_parts; i++)
		free(map->part[i].kinds);
	free(map->part);
	free(map->program);
	memset(map, 0, sizeof(*map));
}

const char *stingy_map_word(enum stingy_map_what what)
{
	static const char *const words[] = {
		[STINGY_MAP_FREE] = "free",   [STINGY_MAP_STACK] = "stack", [STINGY_MAP_GLOBAL] = "global",
		[STINGY_MAP_TASKS] = "tasks", [STINGY_MAP_HIGH] = "high",
	};

	return words[what];
}

const char *stingy_map_size(uint64_t bytes, char *text)
{
	static const char *const units[] = {"", " KiB", " MiB", " GiB"};
	unsigned unit = 0;

	for (; bytes && bytes % 1024 == 0 && unit < 3; unit++)
		bytes /= 1024;
	snprintf(text, STINGY_MAP_SIZE, "%" PRIu64 "%s", bytes, units[unit]);
	return text;
}
