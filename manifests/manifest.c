/*
 * The manifest's reader: see manifest.h for the records and FORMAT.md for the text.
 *
 * It runs in the production shim's constructor: no malloc, no stdio, no locale, and of the C library only memory
 * functions. Each line is cut into words in place; nothing is read beyond the bytes given.
 */
#include "manifest.h"

#include <string.h>

/* The reader's phases between and around the types of records. */
#define PHASE_START   -1 /* the first line is still to come */
#define PHASE_RECORDS 0
#define PHASE_ENDED   (STINGY_MANIFEST_STAGE + 1)

#define MARKS        (sizeof(((struct stingy_manifest_reader *)0)->mark) / sizeof(const char *))
#define MARK_SPACING (STINGY_REGIONS_MAX / MARKS) /* regions from mark to mark */

_Static_assert(STINGY_REGIONS_MAX % MARKS == 0, "marks are evenly spread");

/* What is left to read of a line, without the comment and the white space at its end. */
struct line {
	const char *at;
	const char *end;
	bool whole; /* a line feed ended it, and not the text */
};

static int fail(struct stingy_manifest_reader *reader, const char *error)
{
	reader->error = error;
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool equals(struct stingy_text text, const char *string)
{
	return text.len == strlen(string) && memcmp(text.at, string, text.len) == 0;
}

/* Where the part of a line that counts ends: before a '#' that begins a word, a CR before the LF, white space. */
static const char *content_end(const char *at, const char *end)
{
	const char *hash = at;

	if (end > at && end[-1] == '\r')
		end--;
	while ((hash = memchr(hash, '#', (size_t)(end - hash)))) {
		if (hash == at || is_blank(hash[-1])) {
			end = hash;
			break;
		}
		hash++;
	}
	while (end > at && is_blank(end[-1]))
		end--;
	return end;
}

/* Finds the next line with something on it from *next on, and moves *next behind it, counting the lines passed. */
static bool next_line(const char **next, const char *end, unsigned *count, struct line *line)
{
	while (*next < end) {
		const char *at = *next;
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		line->end = content_end(at, feed ? feed : end);
		line->whole = feed != NULL;
		*next = feed ? feed + 1 : end;
		++*count;
		while (at < line->end && is_blank(*at))
			at++;
		line->at = at;
		if (at < line->end)
			return true;
	}
	return false;
}

/* Takes the next word off the line; its length is 0 when there is none. */
static struct stingy_text next_word(struct line *line)
{
	struct stingy_text word;

	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	word.at = line->at;
	while (line->at < line->end && !is_blank(*line->at))
		line->at++;
	word.len = (size_t)(line->at - word.at);
	return word;
}

/* Takes the part before the first c off the text; all of it if there is no c, and then the text is left with no bytes.
 */
static struct stingy_text cut(struct stingy_text *text, char c)
{
	struct stingy_text head = *text;
	const char *at = text->len ? memchr(text->at, c, text->len) : NULL;

	if (at)
		head.len = (size_t)(at - text->at);
	text->at += head.len + (at != NULL);
	text->len -= head.len + (at != NULL);
	return head;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int read_digits(struct stingy_manifest_reader *reader, struct stingy_text text, unsigned base, uint64_t *value)
{
	*value = 0;
	if (!text.len)
		return fail(reader, "number missing");
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return fail(reader, "malformed number");
		if (*value > (UINT64_MAX - (unsigned)digit) / base)
			return fail(reader, "number too large");
		*value = *value * base + (unsigned)digit;
	}
	return 0;
}

static int read_u32(struct stingy_manifest_reader *reader, struct stingy_text text, uint32_t *value)
{
	uint64_t wide;

	if (read_digits(reader, text, 10, &wide))
		return -1;
	if (wide > UINT32_MAX)
		return fail(reader, "number too large");
	*value = (uint32_t)wide;
	return 0;
}

/*
 * Reads the rest of the line as fields key=value, in any order: value[i] becomes that of key[i], its at NULL where
 * the field is not there. The first n_required fields must be there.
 */
static int read_fields(struct stingy_manifest_reader *reader, struct line *line, const char *const *key, unsigned n,
		       unsigned n_required, struct stingy_text *value)
{
	struct stingy_text word, name;
	unsigned i;

	memset(value, 0, n * sizeof(*value));
	for (word = next_word(line); word.len; word = next_word(line)) {
		if (!memchr(word.at, '=', word.len))
			return fail(reader, "a word that is no field");
		name = cut(&word, '=');
		for (i = 0; i < n && !equals(name, key[i]); i++)
			;
		if (i == n)
			return fail(reader, "unknown field");
		if (value[i].at)
			return fail(reader, "field given twice");
		value[i] = word;
	}
	for (i = 0; i < n_required; i++)
		if (!value[i].at)
			return fail(reader, "field missing");
	return 0;
}

/* The same for lines of which every field is required, and a number. */
static int read_numbers(struct stingy_manifest_reader *reader, struct line *line, const char *const *key, unsigned n,
			uint32_t *value)
{
	struct stingy_text text[3];

	if (read_fields(reader, line, key, n, n, text))
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (read_u32(reader, text[i], &value[i]))
			return -1;
	return 0;
}

/* Checks that a path or name is percent-encoded. */
static int check_text(struct stingy_manifest_reader *reader, struct stingy_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return fail(reader, "text with a byte that must be percent-encoded");
		if (text.at[i] != '%')
			continue;
		if (text.len - i < 3 || hex_digit(text.at[i + 1]) < 0 || hex_digit(text.at[i + 2]) < 0)
			return fail(reader, "text with a '%' that two hexadecimal digits do not follow");
		i += 2;
	}
	return 0;
}

static int read_cache(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size", "ways", "line"};
	uint32_t value[3];

	if (read_numbers(reader, line, key, 3, value))
		return -1;
	if (value[2] == 0 || (value[2] & (value[2] - 1)) != 0)
		return fail(reader, "cache line is not a power of two");
	if (value[1] == 0 || value[0] / value[2] < value[1])
		return fail(reader, "cache is smaller than one line a way");
	record->cache = (struct stingy_cache){.size = value[0], .ways = value[1], .line = value[2]};
	reader->has_cache = true;
	return 0;
}

static int read_slab(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size"};

	if (read_numbers(reader, line, key, 1, &record->slab))
		return -1;
	if (record->slab > STINGY_SLAB_MAX)
		return fail(reader, "slab larger than the format allows");
	reader->slab = record->slab;
	reader->has_slab = true;
	return 0;
}

static int read_id(struct stingy_manifest_reader *reader, struct stingy_text text,
		   struct stingy_manifest_module *module)
{
	if (text.len == 0 || text.len % 2 != 0 || text.len > 2 * STINGY_ID_MAX)
		return fail(reader, "build-id of no or too many bytes");
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.at[i]), low = hex_digit(text.at[i + 1]);

		if (high < 0 || low < 0)
			return fail(reader, "build-id with a character that is no hexadecimal digit");
		module->id[i / 2] = (uint8_t)(high << 4 | low);
	}
	module->id_len = (uint32_t)(text.len / 2);
	return 0;
}

static int read_module(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	static const char *const key[] = {"path", "id", "size"};
	struct stingy_manifest_module *module = &record->module;
	struct stingy_text value[3];

	if (read_fields(reader, line, key, 3, 1, value) || check_text(reader, value[0]))
		return -1;
	if (!value[1].at == !value[2].at)
		return fail(reader, "module with none or both of build-id and size");
	*module = (struct stingy_manifest_module){.path = value[0]};
	if (value[1].at)
		return read_id(reader, value[1], module);
	return read_digits(reader, value[2], 10, &module->size);
}

static int read_region_fields(struct stingy_manifest_reader *reader, struct line *line,
			      struct stingy_manifest_region *region)
{
	static const char *const key[] = {"offset", "slot", "count"};
	uint32_t value[3];

	if (read_numbers(reader, line, key, 3, value))
		return -1;
	*region = (struct stingy_manifest_region){.offset = value[0], .slot = value[1], .count = value[2]};
	return 0;
}

static int read_region(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	struct stingy_manifest_region *region = &record->region;

	if (read_region_fields(reader, line, region))
		return -1;
	if (!reader->has_cache)
		return fail(reader, "region before the cache line");
	if (!reader->has_slab)
		return fail(reader, "region before the slab line");
	if (region->offset % STINGY_REGION_ALIGN != 0)
		return fail(reader, "region's offset is not aligned");
	if (region->slot == 0 || region->slot % STINGY_SLOT_ALIGN != 0)
		return fail(reader, "region's slot size is zero or not aligned");
	if (region->count == 0)
		return fail(reader, "region without slots");
	if (region->offset < reader->used)
		return fail(reader, "region overlaps the one before it");
	/* 64 bits hold an offset of 32 plus the product of two of 32. */
	if (region->offset + (uint64_t)region->slot * region->count > reader->slab)
		return fail(reader, "region does not fit the slab");
	reader->used = region->offset + region->slot * region->count;
	return 0;
}

/*
 * The slot size of a declared region. The reader has no room for all of them, so it reads the region's line again,
 * going on from the mark before it: at most MARK_SPACING lines, however many regions and kinds there are.
 */
static uint32_t region_slot(struct stingy_manifest_reader *reader, uint32_t number)
{
	const char *next = reader->mark[number / MARK_SPACING];
	struct stingy_manifest_region region = {.slot = 0};
	struct line line;
	unsigned count = 0;

	for (uint32_t i = number - number % MARK_SPACING; i <= number; i++)
		if (!next_line(&next, reader->end, &count, &line))
			return 0;
	next_word(&line);
	next_word(&line);
	return read_region_fields(reader, &line, &region) ? 0 : region.slot;
}

static int read_kind(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	static const char *const key[] = {"region", "size", "name"};
	struct stingy_manifest_kind *kind = &record->kind;
	struct stingy_text value[3];

	if (read_fields(reader, line, key, 3, 2, value) || read_u32(reader, value[0], &kind->region) ||
	    read_u32(reader, value[1], &kind->size) || check_text(reader, value[2]))
		return -1;
	kind->name = value[2];
	if (kind->region >= reader->counts.regions)
		return fail(reader, "kind in a region that is not declared");
	if (kind->size > region_slot(reader, kind->region))
		return fail(reader, "kind larger than its region's slots");
	return 0;
}

/* Reads MODULE+0xOFFSET. */
static int read_place(struct stingy_manifest_reader *reader, struct stingy_text text, uint32_t *module,
		      uint64_t *offset)
{
	struct stingy_text number = cut(&text, '+');

	if (read_u32(reader, number, module))
		return -1;
	if (text.len < 2 || memcmp(text.at, "0x", 2) != 0)
		return fail(reader, "address that is not MODULE+0xOFFSET");
	text.at += 2;
	text.len -= 2;
	if (read_digits(reader, text, 16, offset))
		return -1;
	if (*module >= reader->counts.modules)
		return fail(reader, "address in a module that is not declared");
	return 0;
}

/* Reads one address of a key with the rule behind its colon, if it has one. */
static int read_address(struct stingy_manifest_reader *reader, struct stingy_text text, struct stingy_address *address)
{
	struct stingy_text place = cut(&text, ':');

	address->rule = (struct stingy_rule){.base = STINGY_RULE_NONE};
	if (read_place(reader, place, &address->module, &address->offset))
		return -1;
	if (text.at == place.at + place.len)
		return 0;
	if (stingy_rule_parse(text.at, text.len, &address->rule))
		return fail(reader, "malformed rule");
	if (address->rule.base != STINGY_RULE_SP && address->rule.base != STINGY_RULE_BP)
		return fail(reader, "rule that a key cannot go on by");
	return 0;
}

static int read_site(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	struct stingy_manifest_site *site = &record->site;
	struct stingy_text word = next_word(line), name = cut(&word, '=');

	site->depth = 0;
	if (!equals(name, "kind"))
		return fail(reader, "site whose first field is not its kind");
	if (read_u32(reader, word, &site->kind))
		return -1;
	if (reader->counts.modules == 0)
		return fail(reader, "site before module 0");
	if (site->kind >= reader->counts.kinds)
		return fail(reader, "site of a kind that is not declared");
	for (word = next_word(line); word.len; word = next_word(line)) {
		if (site->depth == STINGY_DEPTH_MAX)
			return fail(reader, "site with too many addresses");
		if (site->depth && site->chain[site->depth - 1].rule.base == STINGY_RULE_NONE)
			return fail(reader, "address without a rule before another");
		if (read_address(reader, word, &site->chain[site->depth++]))
			return -1;
	}
	if (site->depth == 0)
		return fail(reader, "site without an address");
	if (site->chain[site->depth - 1].rule.base != STINGY_RULE_NONE)
		return fail(reader, "rule at the last address of a site");
	return 0;
}

/* Reads KIND or KIND*COUNT. */
static int read_allocates(struct stingy_manifest_reader *reader, struct stingy_text text, struct stingy_allocates *item)
{
	struct stingy_text kind = cut(&text, '*');

	item->count = 1;
	if (read_u32(reader, kind, &item->kind))
		return -1;
	if (text.at != kind.at + kind.len && read_u32(reader, text, &item->count))
		return -1;
	if (item->kind >= reader->counts.kinds)
		return fail(reader, "stage allocates a kind that is not declared");
	if (item->count == 0)
		return fail(reader, "stage allocates a kind no times");
	return 0;
}

static int read_stage(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	static const char *const key[] = {"function", "name", "allocates"};
	struct stingy_manifest_stage *stage = &record->stage;
	struct stingy_text value[3], *list = &value[2];
	bool more;

	stage->module = UINT32_MAX;
	stage->offset = 0;
	stage->n_allocates = 0;
	if (read_fields(reader, line, key, 3, 0, value) || check_text(reader, value[1]))
		return -1;
	stage->name = value[1];
	if (value[0].at && read_place(reader, value[0], &stage->module, &stage->offset))
		return -1;
	for (more = list->at != NULL; more;) {
		struct stingy_text item = cut(list, ',');

		more = list->at != item.at + item.len;
		if (stage->n_allocates == STINGY_ALLOCATES_MAX)
			return fail(reader, "stage that allocates too many kinds");
		if (read_allocates(reader, item, &stage->allocates[stage->n_allocates++]))
			return -1;
	}
	return 0;
}

/* The types of records: the first word of their lines, how the rest is read, and how many there may be. */
static const struct {
	const char *keyword;
	int (*read)(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record);
	uint32_t max; /* 0: these have no number, and there is one */
} types[] = {
	[STINGY_MANIFEST_CACHE] = {"cache", read_cache, 0},
	[STINGY_MANIFEST_SLAB] = {"slab", read_slab, 0},
	[STINGY_MANIFEST_MODULE] = {"module", read_module, STINGY_MODULES_MAX},
	[STINGY_MANIFEST_REGION] = {"region", read_region, STINGY_REGIONS_MAX},
	[STINGY_MANIFEST_KIND] = {"kind", read_kind, STINGY_KINDS_MAX},
	[STINGY_MANIFEST_SITE] = {"site", read_site, STINGY_SITES_MAX},
	[STINGY_MANIFEST_STAGE] = {"stage", read_stage, STINGY_STAGES_MAX},
};

static uint32_t *counter(struct stingy_manifest_reader *reader, int type)
{
	switch (type) {
	case STINGY_MANIFEST_MODULE:
		return &reader->counts.modules;
	case STINGY_MANIFEST_REGION:
		return &reader->counts.regions;
	case STINGY_MANIFEST_KIND:
		return &reader->counts.kinds;
	case STINGY_MANIFEST_SITE:
		return &reader->counts.sites;
	default:
		return &reader->counts.stages;
	}
}

/* Reads the number of a record of the type, which must be the next one. */
static int read_number(struct stingy_manifest_reader *reader, struct line *line, int type, uint32_t *number)
{
	if (read_u32(reader, next_word(line), number))
		return -1;
	if (*number != *counter(reader, type))
		return fail(reader, "number out of turn");
	if (*number >= types[type].max)
		return fail(reader, "more records of this type than the format allows");
	return 0;
}

static int read_record(struct stingy_manifest_reader *reader, struct line *line, struct stingy_manifest_record *record)
{
	const char *start = line->at;
	struct stingy_text word = next_word(line);
	int type = STINGY_MANIFEST_CACHE;

	while (type <= STINGY_MANIFEST_STAGE && !equals(word, types[type].keyword))
		type++;
	if (type > STINGY_MANIFEST_STAGE)
		return fail(reader, "unknown keyword");
	if (type < reader->phase)
		return fail(reader, "record out of order");
	if (type == reader->phase && types[type].max == 0)
		return fail(reader, "second line of a type that has one");
	reader->phase = type;
	record->type = (enum stingy_manifest_type)type;
	record->number = 0;
	if (types[type].max && read_number(reader, line, type, &record->number))
		return -1;
	if (types[type].read(reader, line, record))
		return -1;
	if (type == STINGY_MANIFEST_REGION && record->number % MARK_SPACING == 0)
		reader->mark[record->number / MARK_SPACING] = start;
	if (types[type].max)
		++*counter(reader, type);
	return 1;
}

static int read_start(struct stingy_manifest_reader *reader, struct line *line)
{
	uint32_t version;

	if (!equals(next_word(line), "stingy-manifest"))
		return fail(reader, "not a manifest");
	if (read_u32(reader, next_word(line), &version))
		return -1;
	if (version != STINGY_MANIFEST_VERSION)
		return fail(reader, "version of the format that this program does not know");
	if (next_word(line).len)
		return fail(reader, "something follows the version");
	reader->phase = PHASE_RECORDS;
	return 0;
}

static int read_end(struct stingy_manifest_reader *reader, struct line *line)
{
	if (next_word(line).len || next_line(&reader->next, reader->end, &reader->line, line))
		return fail(reader, "something follows 'end'");
	reader->phase = PHASE_ENDED;
	return 0;
}

void stingy_manifest_reader_init(struct stingy_manifest_reader *reader, const char *text, size_t len)
{
	*reader = (struct stingy_manifest_reader){.next = text, .end = text + len, .phase = PHASE_START};
}

int stingy_manifest_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record)
{
	struct line line, rest;

	if (reader->error)
		return -1;
	while (reader->phase != PHASE_ENDED) {
		if (!next_line(&reader->next, reader->end, &reader->line, &line)) {
			reader->line++;
			return fail(reader, "ends before its 'end' line");
		}
		rest = line;
		if (reader->phase == PHASE_START) {
			if (read_start(reader, &line))
				return -1;
		} else if (equals(next_word(&rest), "end")) {
			return read_end(reader, &rest);
		} else if (!line.whole) {
			/* The text was cut, maybe inside a number: this record is not to be believed. */
			return fail(reader, "ends before its 'end' line");
		} else {
			return read_record(reader, &line, record);
		}
	}
	return 0;
}

char *stingy_text_decode(struct stingy_text text, char *buf, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return buf;
	for (size_t i = 0; i < text.len && n < size - 1; i++) {
		char c = text.at[i];

		if (c == '%' && text.len - i > 2 && hex_digit(text.at[i + 1]) >= 0 && hex_digit(text.at[i + 2]) >= 0) {
			c = (char)(hex_digit(text.at[i + 1]) << 4 | hex_digit(text.at[i + 2]));
			i += 2;
		}
		buf[n++] = c;
	}
	buf[n] = '\0';
	return buf;
}
