/*
 * The picture of an arena (map.h) as SVG: the lines of the cache, and below them a table of what is in them.
 *
 * Regions are told apart by ten colours in turn and by their numbers, which stand in them where there is room; the
 * names are in the table and in what a pointer shows. Nothing is measured in fonts: the letters are of one width.
 */
#include "map.h"

#include <inttypes.h>
#include <string.h>

/* In the picture's own units, about a pixel each. */
#define WIDTH      980u
#define LEFT       74u  /* of the lines: addresses stand before them */
#define LINE_WIDTH 896u /* of one line of a block */
#define LINE       20u  /* high */
#define LINE_STEP  23u
#define ROW        17u /* of the table */
#define HEAD       46u /* the two lines of the heading */
#define TITLE      24u /* above a block, and above the table */
#define LETTER     7u  /* wide, at most */
#define SLOT_LEAST 4.0 /* slots narrower than that are not told apart */

#define N_COLOURS   10u
#define NAMES_SHOWN 76u /* bytes of them in the table */

/* No variables: not every viewer of SVG knows them. */
static const char style[] =
	"<style>\n"
	".stingy-map{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
	".stingy-map .head{font-size:15px;font-weight:bold}\n"
	".stingy-map .slots{stroke-opacity:.6;fill:none}.stingy-map .box{fill:url(#stingy-hatch)}\n"
	".stingy-map .edge{fill:none}.stingy-map .in{text-anchor:middle}.stingy-map .end{text-anchor:end}\n"
	".stingy-map .hatch path{stroke-width:2.5;stroke-opacity:.55}\n"
	".stingy-map text{fill:#1d2129}.stingy-map .dim{fill:#667085}.stingy-map .back{fill:#ffffff}\n"
	".stingy-map .free{fill:#f0f1f4}.stingy-map .stack{fill:#667085}\n"
	".stingy-map .slots{stroke:#ffffff}.stingy-map .hatch path{stroke:#ffffff}\n"
	".stingy-map .edge{stroke:#c3c8d1}.stingy-map .c0{fill:#8ecae6}.stingy-map .c1{fill:#ffd07b}\n"
	".stingy-map .c2{fill:#a8d5a2}.stingy-map .c3{fill:#f4a6a0}.stingy-map .c4{fill:#c7b5e8}\n"
	".stingy-map .c5{fill:#f6b98a}.stingy-map .c6{fill:#9edbd3}.stingy-map .c7{fill:#f3b4d4}\n"
	".stingy-map .c8{fill:#d3d98a}.stingy-map .c9{fill:#b9c4d6}\n"
	"@media(prefers-color-scheme:dark){\n"
	".stingy-map text{fill:#e6e8ec}.stingy-map .dim{fill:#98a2b3}.stingy-map .back{fill:#16181d}\n"
	".stingy-map .free{fill:#23262d}.stingy-map .stack{fill:#98a2b3}\n"
	".stingy-map .slots{stroke:#16181d}.stingy-map .hatch path{stroke:#16181d}\n"
	".stingy-map .edge{stroke:#4a505c}.stingy-map .c0{fill:#24607c}.stingy-map .c1{fill:#8a6414}\n"
	".stingy-map .c2{fill:#3a6b35}.stingy-map .c3{fill:#8c413b}.stingy-map .c4{fill:#5d4a86}\n"
	".stingy-map .c5{fill:#8a5228}.stingy-map .c6{fill:#2a6c64}.stingy-map .c7{fill:#85406a}\n"
	".stingy-map .c8{fill:#66691f}.stingy-map .c9{fill:#4b566b}\n"
	"}</style>\n";

struct canvas {
	const struct stingy_map *map;
	FILE *out;
	unsigned y; /* where the next thing goes */
};

/* Text of others: clean, but perhaps no UTF-8, which would make the whole file none. */
static void print_text(FILE *out, const char *text, size_t room)
{
	for (size_t i = 0; i < room && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '&' || c == '<' || c == '>' || c == '"')
			fprintf(out, "&#%u;", c);
		else
			putc(c < 0x80 ? c : '?', out);
	}
	if (strlen(text) > room)
		fputs("...", out);
}

static void print_class(const struct stingy_map_part *part, FILE *out)
{
	if (part->what == STINGY_MAP_FREE || part->what == STINGY_MAP_STACK)
		fprintf(out, "class=\"%s\"", stingy_map_word(part->what));
	else
		fprintf(out, "class=\"c%" PRIu32 "\"", part->region % N_COLOURS);
}

static void print_rectangle(FILE *out, double x, unsigned y, double width, unsigned height)
{
	fprintf(out, " x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\"", x, y, width, height);
}

/* A box for a part, hatched if it holds what is kept for good; the same in the picture and in the table. */
static void draw_box(const struct canvas *canvas, const struct stingy_map_part *part, double x, double width,
		     unsigned height)
{
	fputs("<rect ", canvas->out);
	print_class(part, canvas->out);
	print_rectangle(canvas->out, x, canvas->y, width, height);
	fputs("/>", canvas->out);
	if (part->what != STINGY_MAP_GLOBAL)
		return;
	fputs("<rect class=\"box\"", canvas->out);
	print_rectangle(canvas->out, x, canvas->y, width, height);
	fputs("/>", canvas->out);
}

/* The borders of the slots that begin between two places of a part; scale: units to a byte. */
static void draw_slots(const struct canvas *canvas, const struct stingy_map_part *part, uint64_t begin, uint64_t end,
		       double x, double scale)
{
	uint64_t first = (begin - part->offset + part->slot - 1) / part->slot;

	fputs("<path class=\"slots\" d=\"", canvas->out);
	for (uint64_t i = first; i <= part->count; i++) {
		uint64_t at = part->offset + i * part->slot;

		if (at >= end)
			break;
		fprintf(canvas->out, "M%.2f %uv%u", x + (double)(at - begin) * scale, canvas->y, LINE);
	}
	fputs("\"/>", canvas->out);
}

static void print_title(const struct stingy_map_part *part, FILE *out)
{
	fputs("<title>", out);
	if (part->count)
		fprintf(out, "region %" PRIu32 ", %s: %" PRIu32 " slots of %" PRIu32 " bytes ", part->region,
			stingy_map_word(part->what), part->count, part->slot);
	else
		fprintf(out, "%s: %" PRIu64 " bytes ", stingy_map_word(part->what), part->size);
	print_text(out, part->kinds, strlen(part->kinds));
	fputs("</title>", out);
}

/* What of the part lies in the line from begin to end; its number, if this is where there is most room for it. */
static void draw_piece(const struct canvas *canvas, const struct stingy_map_part *part, uint64_t line, uint64_t begin,
		       uint64_t end, double scale)
{
	uint64_t part_end = part->offset + part->size;
	uint64_t from = part->offset > begin ? part->offset : begin, to = part_end < end ? part_end : end;
	double x = LEFT + (double)(from - line) * scale, width = (double)(to - from) * scale;
	char number[STINGY_MAP_SIZE] = "";

	if (part->count)
		snprintf(number, sizeof(number), "%" PRIu32, part->region);
	fputs("<g>", canvas->out);
	print_title(part, canvas->out);
	draw_box(canvas, part, x, width, LINE);
	if (part->count && part->slot * scale >= SLOT_LEAST)
		draw_slots(canvas, part, from, to, x, scale);
	if (*number && width >= (double)((strlen(number) + 1) * LETTER))
		fprintf(canvas->out, "<text class=\"in\" x=\"%.2f\" y=\"%u\">%s</text>", x + width / 2,
			canvas->y + LINE - 6, number);
	fputs("</g>\n", canvas->out);
}

static void draw_line(const struct canvas *canvas, const struct stingy_map_block *block, uint64_t at)
{
	const struct stingy_map *map = canvas->map;
	double scale = LINE_WIDTH / (double)block->line;
	uint64_t end = at + block->line < block->end ? at + block->line : block->end;
	char size[STINGY_MAP_SIZE];

	fprintf(canvas->out, "<text class=\"dim end\" x=\"%u\" y=\"%u\">%s</text>\n", LEFT - 6, canvas->y + LINE - 6,
		stingy_map_size(at, size));
	for (uint32_t i = 0; i < map->n_parts; i++) {
		const struct stingy_map_part *part = &map->part[i];

		if (part->offset < end && part->offset + part->size > at)
			draw_piece(canvas, part, at, at, end, scale);
	}
	fputs("<rect class=\"edge\"", canvas->out);
	print_rectangle(canvas->out, LEFT, canvas->y, (double)(end - at) * scale, LINE);
	fputs("/>\n", canvas->out);
}

static void draw_block(struct canvas *canvas, const struct stingy_map_block *block)
{
	bool is_cache = block->begin == 0 && canvas->map->cache.size;
	char size[STINGY_MAP_SIZE];

	canvas->y += TITLE;
	fprintf(canvas->out, "<text class=\"dim\" x=\"%u\" y=\"%u\">%s a line is %s%s</text>\n", LEFT, canvas->y - 7,
		is_cache ? "the cache:" : "beyond the cache, competing with what is in it:",
		is_cache && stingy_map_has_ways(canvas->map) ? "one way, " : "", stingy_map_size(block->line, size));
	for (uint64_t at = block->begin; at < block->end; at += block->line) {
		draw_line(canvas, block, at);
		canvas->y += LINE_STEP;
	}
}

static void draw_row(struct canvas *canvas, const struct stingy_map_part *part)
{
	unsigned base = canvas->y + ROW - 5;
	char size[STINGY_MAP_SIZE];
	FILE *out = canvas->out;

	canvas->y += 2;
	draw_box(canvas, part, LEFT - 20, 14, ROW - 4);
	canvas->y += ROW - 2;
	if (part->count)
		fprintf(out,
			"<text class=\"end\" x=\"%u\" y=\"%u\">%" PRIu32 "</text><text class=\"end\" x=\"%u\" "
			"y=\"%u\">%" PRIu32 " &#215; %" PRIu32 "</text>",
			LEFT + 24, base, part->region, LEFT + 270, base, part->count, part->slot);
	fprintf(out,
		"<text class=\"end dim\" x=\"%u\" y=\"%u\">%" PRIu64 "</text><text class=\"end\" x=\"%u\" y=\"%u\">%s"
		"</text><text class=\"dim\" x=\"%u\" y=\"%u\">%s</text>",
		LEFT + 100, base, part->offset, LEFT + 176, base, stingy_map_size(part->size, size), LEFT + 284, base,
		stingy_map_word(part->what));
	if (*part->kinds) {
		fprintf(out, "<text x=\"%u\" y=\"%u\">", LEFT + 334, base);
		print_title(part, out);
		print_text(out, part->kinds, NAMES_SHOWN);
		fputs("</text>", out);
	}
	putc('\n', out);
}

static void draw_table(struct canvas *canvas)
{
	const struct stingy_map *map = canvas->map;

	canvas->y += TITLE;
	fprintf(canvas->out,
		"<g class=\"dim\"><text class=\"dim end\" x=\"%u\" y=\"%u\">region</text><text class=\"dim end\" "
		"x=\"%u\" y=\"%u\">offset</text><text class=\"dim end\" x=\"%u\" y=\"%u\">size</text>"
		"<text class=\"dim end\" x=\"%u\" y=\"%u\">slots</text><text class=\"dim\" x=\"%u\" y=\"%u\">kinds"
		"</text></g>\n",
		LEFT + 24, canvas->y, LEFT + 100, canvas->y, LEFT + 176, canvas->y, LEFT + 270, canvas->y, LEFT + 334,
		canvas->y);
	canvas->y += 4;
	for (uint32_t i = 0; i < map->n_parts; i++)
		draw_row(canvas, &map->part[i]);
}

static void draw_head(const struct canvas *canvas)
{
	const struct stingy_map *map = canvas->map;
	char cache[STINGY_MAP_SIZE], slab[STINGY_MAP_SIZE], high[STINGY_MAP_SIZE];
	FILE *out = canvas->out;

	fputs("<text class=\"head\" x=\"12\" y=\"22\">", out);
	print_text(out, map->program, strlen(map->program));
	fprintf(out,
		"</text><text class=\"dim\" x=\"12\" y=\"40\">cache of %s, %" PRIu32 " ways, lines of %" PRIu32
		"; slab of %s",
		stingy_map_size(map->cache.size, cache), map->cache.ways, map->cache.line,
		stingy_map_size(map->slab.size, slab));
	if (map->slab.high)
		fprintf(out, ", high slab of %s", stingy_map_size(map->slab.high, high));
	if (map->slab.arenas > 1)
		fprintf(out, "; %" PRIu32 " arenas like this", map->slab.arenas);
	fputs("</text>\n", out);
}

/* How high it all will be, which an svg element says at its beginning. */
static unsigned height_of(const struct stingy_map *map)
{
	unsigned height = HEAD + TITLE + 4 + (map->n_parts + 1) * ROW;

	for (uint32_t i = 0; i < map->n_blocks; i++) {
		const struct stingy_map_block *block = &map->block[i];

		height += TITLE + LINE_STEP * (unsigned)((block->end - block->begin + block->line - 1) / block->line);
	}
	return height;
}

void stingy_map_svg(const struct stingy_map *map, FILE *out)
{
	struct canvas canvas = {.map = map, .out = out, .y = HEAD};
	unsigned height = height_of(map);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"stingy-map\" role=\"img\" width=\"%u\" "
		"height=\"%u\" viewBox=\"0 0 %u %u\">\n",
		WIDTH, height, WIDTH, height);
	fputs("<title>The arena of ", out);
	print_text(out, map->program, strlen(map->program));
	fprintf(out,
		"</title>\n%s<defs><pattern id=\"stingy-hatch\" class=\"hatch\" width=\"6\" height=\"6\" "
		"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path d=\"M0 "
		"0v6\"/></pattern></defs>\n"
		"<rect class=\"back\" width=\"%u\" height=\"%u\"/>\n",
		style, WIDTH, height);
	draw_head(&canvas);
	for (uint32_t i = 0; i < map->n_blocks; i++)
		draw_block(&canvas, &map->block[i]);
	if (map->n_parts)
		draw_table(&canvas);
	fputs("</svg>\n", out);
}
