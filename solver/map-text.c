/* The picture of an arena (map.h) in characters: the lines of the cache, and a table of what is in them. */
#include "map.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_LEAST 76u
#define CELLS         64u  /* in a line */
#define MORE_CELLS    128u /* where that many fit */
#define MARGIN        11u  /* columns before the cells */
#define TABLE         49u  /* columns before the names */
#define WORD          6u   /* columns for what a part is */

static const char symbols[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

#define N_SYMBOLS (sizeof(symbols) - 1)

static char symbol_of(const struct stingy_map_part *part)
{
	if (part->what == STINGY_MAP_FREE)
		return '.';
	if (part->what == STINGY_MAP_STACK)
		return '=';
	if (part->region < N_SYMBOLS)
		return symbols[part->region];
	return '#';
}

/* What most of the bytes from begin to end belong to. *first: the part to begin with; moved on for the next stretch. */
static char cell(const struct stingy_map *map, uint64_t begin, uint64_t end, uint32_t *first)
{
	uint64_t most = 0;
	char symbol = ' ';

	for (uint32_t i = *first; i < map->n_parts && map->part[i].offset < end; i++) {
		const struct stingy_map_part *part = &map->part[i];
		uint64_t part_end = part->offset + part->size;
		uint64_t from = part->offset > begin ? part->offset : begin;
		uint64_t to = part_end < end ? part_end : end;

		*first = i;
		if (to > from && to - from > most) {
			most = to - from;
			symbol = symbol_of(part);
		}
	}
	return symbol;
}

static void draw_line(const struct stingy_map *map, const struct stingy_map_block *block, uint64_t at, unsigned n_cells,
		      uint32_t *first, FILE *out)
{
	char cells[MORE_CELLS + 1] = {0}, size[STINGY_MAP_SIZE];

	for (unsigned i = 0; i < n_cells; i++) {
		uint64_t begin = at + block->line * i / n_cells, end = at + block->line * (i + 1) / n_cells;

		if (begin >= block->end)
			break;
		cells[i] = cell(map, begin, end < block->end ? end : block->end, first);
	}
	fprintf(out, "%*s %s\n", (int)MARGIN - 1, stingy_map_size(at, size), cells);
}

static void draw_block(const struct stingy_map *map, const struct stingy_map_block *block, unsigned n_cells,
		       uint32_t *first, FILE *out)
{
	char line[STINGY_MAP_SIZE], character[STINGY_MAP_SIZE];
	bool is_cache = block->begin == 0 && map->cache.size;

	fprintf(out, "\n%s a line is %s%s, a character %s.\n",
		is_cache ? "The cache:" : "Beyond the cache, where lines compete with those above:",
		is_cache && stingy_map_has_ways(map) ? "one way, " : "", stingy_map_size(block->line, line),
		stingy_map_size(block->line / n_cells, character));
	for (uint64_t at = block->begin; at < block->end; at += block->line)
		draw_line(map, block, at, n_cells, first, out);
}

/* Text of others: a byte of it is not always a column, but it is never less. */
static void print_cut(const char *text, size_t room, FILE *out)
{
	size_t len = strlen(text);

	if (len <= room) {
		fputs(text, out);
		return;
	}
	len = room > 3 ? room - 3 : 0;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80) /* in the midst of a character */
		len--;
	fwrite(text, 1, len, out);
	fputs("...", out);
}

static void list_part(const struct stingy_map_part *part, unsigned columns, FILE *out)
{
	char size[STINGY_MAP_SIZE], number[STINGY_MAP_SIZE] = "", slots[2 * STINGY_MAP_SIZE] = "";
	const char *word = stingy_map_word(part->what);

	if (part->count) {
		snprintf(number, sizeof(number), "%" PRIu32, part->region);
		snprintf(slots, sizeof(slots), "%" PRIu32 " x %" PRIu32, part->count, part->slot);
	}
	fprintf(out, "%c %4s %10" PRIu64 " %8s %14s %s", symbol_of(part), number, part->offset,
		stingy_map_size(part->size, size), slots, word);
	if (*part->kinds) {
		fprintf(out, "%*s", (int)(WORD + 1 - strlen(word)), "");
		print_cut(part->kinds, columns - TABLE, out);
	}
	putc('\n', out);
}

static void print_head(const struct stingy_map *map, FILE *out)
{
	const struct stingy_manifest_slab *slab = &map->slab;
	char cache[STINGY_MAP_SIZE], size[STINGY_MAP_SIZE], high[STINGY_MAP_SIZE];

	fprintf(out, "%s\ncache of %s, %" PRIu32 " ways, lines of %" PRIu32 "\nslab of %s", map->program,
		stingy_map_size(map->cache.size, cache), map->cache.ways, map->cache.line,
		stingy_map_size(slab->size, size));
	if (map->cache.size)
		fprintf(out, " (%.0f%%)", 100.0 * slab->size / map->cache.size);
	if (slab->high)
		fprintf(out, ", high slab of %s", stingy_map_size(slab->high, high));
	if (slab->arenas > 1)
		fprintf(out, "; %" PRIu32 " arenas like this", slab->arenas);
	putc('\n', out);
}

void stingy_map_text(const struct stingy_map *map, unsigned columns, FILE *out)
{
	uint32_t first = 0;
	unsigned n_cells;

	if (columns < COLUMNS_LEAST)
		columns = COLUMNS_LEAST;
	n_cells = columns >= MARGIN + MORE_CELLS ? MORE_CELLS : CELLS;
	if (!map->n_blocks) {
		fprintf(out, "%s\nno cache and no slab: nothing is served\n", map->program);
		return;
	}
	print_head(map, out);
	for (uint32_t i = 0; i < map->n_blocks; i++)
		draw_block(map, &map->block[i], n_cells, &first, out);
	fputs("\n  region     offset     size          slots what   kinds\n", out);
	for (uint32_t i = 0; i < map->n_parts; i++)
		list_part(&map->part[i], columns, out);
}
