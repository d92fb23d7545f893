/*
 * The manifest's reader: see manifest.h for the records and FORMAT.md for the text.
 *
 * It runs in the production shim's constructor: no malloc, no stdio, no locale. The functions that read a part return
 * NULL, or a static string that says why the text is refused.
 */
#include "manifest.h"

#include <string.h>

/* The reader's phases between and around the types of records. */
#define PHASE_START   (-1) /* the first line is still to come */
#define PHASE_RECORDS 0
#define PHASE_ENDED   (STINGY_MANIFEST_STAGE + 1)

#define MARKS        (sizeof(((struct stingy_manifest_reader *)0)->mark) / sizeof(const char *))
#define MARK_SPACING (STINGY_REGIONS_MAX / MARKS) /* regions from mark to mark */

_Static_assert(STINGY_REGIONS_MAX % MARKS == 0, "marks are evenly spread");

/* What is left to read of a line, without the comment and the white space at its end. */
struct words {
	const char *at;
	const char *end;
	bool whole; /* a line feed ended the line, and not the text */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
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

/*
 * Finds the next line with something on it from *next on, and moves *next behind it, counting the lines passed.
 * Returns false if there is none.
 */
static bool next_line(struct words *words, const char **next, const char *end, unsigned *count)
{
	while (*next < end) {
		const char *at = *next;
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		words->end = content_end(at, feed ? feed : end);
		words->whole = feed != NULL;
		*next = feed ? feed + 1 : end;
		++*count;
		while (at < words->end && is_blank(*at))
			at++;
		words->at = at;
		if (at < words->end)
			return true;
	}
	return false;
}

/* Takes the next word off the line; its length is 0 when there is none. */
static struct stingy_text take_word(struct words *words)
{
	struct stingy_text word;

	while (words->at < words->end && is_blank(*words->at))
		words->at++;
	word.at = words->at;
	while (words->at < words->end && !is_blank(*words->at))
		words->at++;
	word.len = (size_t)(words->at - word.at);
	return word;
}

static bool equals(struct stingy_text text, const char *string)
{
	return text.len == strlen(string) && memcmp(text.at, string, text.len) == 0;
}

/* Takes the part before the first c off the text, and the c. Returns false, and takes all of it, if there is no c. */
static bool cut(struct stingy_text *text, char c, struct stingy_text *head)
{
	const char *at = text->len ? memchr(text->at, c, text->len) : NULL;
	size_t taken;

	*head = *text;
	if (at)
		head->len = (size_t)(at - text->at);
	taken = head->len + (at != NULL);
	text->at += taken;
	text->len -= taken;
	return at != NULL;
}

/*
 * Reads the rest of the line as fields key=value, in any order: value[i] becomes that of key[i], its at NULL where
 * the field is not there. The first n_required fields must be there.
 */
static const char *read_fields(struct words *words, const char *const *key, unsigned n, unsigned n_required,
			       struct stingy_text *value)
{
	struct stingy_text word, name;
	unsigned i;

	memset(value, 0, n * sizeof(*value));
	for (word = take_word(words); word.len; word = take_word(words)) {
		if (!cut(&word, '=', &name))
			return "a word that is no field";
		for (i = 0; i < n && !equals(name, key[i]); i++)
			;
		if (i == n)
			return "unknown field";
		if (value[i].at)
			return "field given twice";
		value[i] = word;
	}
	for (i = 0; i < n_required; i++)
		if (!value[i].at)
			return "field missing";
	return NULL;
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

/* The byte that two hexadecimal digits stand for, or -1. */
static int hex_byte(const char *digits)
{
	int high = hex_digit(digits[0]), low = hex_digit(digits[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The text as a number in the base, 10 or 16; as a decimal number of 32 bits. */
static const char *read_number(struct stingy_text text, unsigned base, uint64_t *value)
{
	*value = 0;
	if (!text.len)
		return "number missing";
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return "malformed number";
		if (*value > (UINT64_MAX - (unsigned)digit) / base)
			return "number too large";
		*value = *value * base + (unsigned)digit;
	}
	return NULL;
}

static const char *read_u32(struct stingy_text text, uint32_t *value)
{
	uint64_t wide;
	const char *error = read_number(text, 10, &wide);

	*value = (uint32_t)wide;
	return !error && wide > UINT32_MAX ? "number too large" : error;
}

/* The text as at most max bytes in hexadecimal. Returns how many they are; 0 if it is malformed or empty. */
static uint32_t read_bytes(struct stingy_text text, uint8_t *bytes, uint32_t max)
{
	if (text.len % 2 != 0 || text.len / 2 > max)
		return 0;
	for (size_t i = 0; i < text.len; i += 2) {
		int byte = hex_byte(text.at + i);

		if (byte < 0)
			return 0;
		bytes[i / 2] = (uint8_t)byte;
	}
	return (uint32_t)(text.len / 2);
}

/* Checks that the text is percent-encoded. */
static const char *check_text(struct stingy_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return "text with a byte that must be percent-encoded";
		if (text.at[i] != '%')
			continue;
		if (text.len - i < 3 || hex_byte(text.at + i + 1) < 0)
			return "text with a '%' that two hexadecimal digits do not follow";
		i += 2;
	}
	return NULL;
}

/* Reads the rest of a line of which every field, of at most three, is required and a number. */
static const char *read_numbers(struct words *words, const char *const *key, unsigned n, uint32_t *value)
{
	struct stingy_text text[3];
	const char *error = read_fields(words, key, n, n, text);

	for (unsigned i = 0; i < n && !error; i++)
		error = read_u32(text[i], &value[i]);
	return error;
}

static const char *read_cache(struct stingy_manifest_reader *reader, struct words *words,
			      struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size", "ways", "line"};
	struct stingy_cache *cache = &record->cache;
	uint32_t value[3];
	const char *error = read_numbers(words, key, 3, value);

	if (error)
		return error;
	*cache = (struct stingy_cache){.size = value[0], .ways = value[1], .line = value[2]};
	if (cache->line == 0 || (cache->line & (cache->line - 1)) != 0)
		return "cache line is not a power of two";
	if (cache->ways == 0 || cache->size / cache->line < cache->ways)
		return "cache is smaller than one line a way";
	reader->has_cache = true;
	return NULL;
}

static const char *read_slab(struct stingy_manifest_reader *reader, struct words *words,
			     struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size"};
	const char *error = read_numbers(words, key, 1, &record->slab);

	if (error)
		return error;
	if (record->slab > STINGY_SLAB_MAX)
		return "slab larger than the format allows";
	reader->slab = record->slab;
	reader->has_slab = true;
	return NULL;
}

static const char *read_module(struct stingy_manifest_reader *reader, struct words *words,
			       struct stingy_manifest_record *record)
{
	static const char *const key[] = {"path", "id", "size"};
	struct stingy_manifest_module *module = &record->module;
	struct stingy_text value[3], *id = &value[1], *size = &value[2];
	const char *error = read_fields(words, key, 3, 1, value);

	(void)reader;
	if (error || (error = check_text(value[0])))
		return error;
	if (!id->at == !size->at)
		return "module with none or both of build-id and size";
	*module = (struct stingy_manifest_module){.path = value[0]};
	if (size->at)
		return read_number(*size, 10, &module->size);
	module->id_len = read_bytes(*id, module->id, STINGY_ID_MAX);
	return module->id_len ? NULL : "malformed build-id";
}

static const char *read_region_fields(struct words *words, struct stingy_manifest_region *region)
{
	static const char *const key[] = {"offset", "slot", "count"};
	uint32_t value[3] = {0};
	const char *error = read_numbers(words, key, 3, value);

	*region = (struct stingy_manifest_region){.offset = value[0], .slot = value[1], .count = value[2]};
	return error;
}

static const char *read_region(struct stingy_manifest_reader *reader, struct words *words,
			       struct stingy_manifest_record *record)
{
	struct stingy_manifest_region *region = &record->region;
	const char *error = read_region_fields(words, region);

	if (error)
		return error;
	if (!reader->has_cache || !reader->has_slab)
		return "region before the cache line and the slab line";
	if (region->offset % STINGY_REGION_ALIGN != 0)
		return "region's offset is not aligned";
	if (region->slot == 0 || region->slot % STINGY_SLOT_ALIGN != 0)
		return "region's slot size is zero or not aligned";
	if (region->count == 0)
		return "region without slots";
	if (region->offset < reader->used)
		return "region overlaps the one before it";
	/* 64 bits hold the product of two numbers of 32, plus one of 32. */
	if (region->offset + (uint64_t)region->slot * region->count > reader->slab)
		return "region does not fit the slab";
	reader->used = region->offset + region->slot * region->count;
	return NULL;
}

/*
 * The slot size of a declared region. The reader has no room for all of them, so it reads the region's line again,
 * going on from the mark before it: at most MARK_SPACING lines, however many regions and kinds there are.
 */
static uint32_t region_slot(const struct stingy_manifest_reader *reader, uint32_t number)
{
	const char *next = reader->mark[number / MARK_SPACING];
	struct stingy_manifest_region region = {.slot = 0};
	struct words words;
	unsigned count = 0;

	for (uint32_t i = 0; i <= number % MARK_SPACING; i++)
		if (!next_line(&words, &next, reader->end, &count))
			return 0;
	take_word(&words);
	take_word(&words);
	return read_region_fields(&words, &region) ? 0 : region.slot;
}

static const char *read_kind(struct stingy_manifest_reader *reader, struct words *words,
			     struct stingy_manifest_record *record)
{
	static const char *const key[] = {"region", "size", "name"};
	struct stingy_manifest_kind *kind = &record->kind;
	struct stingy_text value[3];
	const char *error = read_fields(words, key, 3, 2, value);

	if (error || (error = read_u32(value[0], &kind->region)) || (error = read_u32(value[1], &kind->size)) ||
	    (error = check_text(value[2])))
		return error;
	kind->name = value[2];
	if (kind->region >= reader->counts.regions)
		return "kind in a region that is not declared";
	return kind->size > region_slot(reader, kind->region) ? "kind larger than its region's slots" : NULL;
}

/* Reads MODULE+0xOFFSET. */
static const char *read_place(const struct stingy_manifest_reader *reader, struct stingy_text text, uint32_t *module,
			      uint64_t *offset)
{
	struct stingy_text number;
	const char *error;

	cut(&text, '+', &number);
	if ((error = read_u32(number, module)))
		return error;
	if (text.len < 2 || memcmp(text.at, "0x", 2) != 0)
		return "address that is not MODULE+0xOFFSET";
	text.at += 2;
	text.len -= 2;
	if ((error = read_number(text, 16, offset)))
		return error;
	return *module < reader->counts.modules ? NULL : "address in a module that is not declared";
}

/* Reads one address of a key, with the rule behind its colon if it has one. */
static const char *read_address(const struct stingy_manifest_reader *reader, struct stingy_text text,
				struct stingy_address *address)
{
	struct stingy_text place;
	bool has_rule = cut(&text, ':', &place);
	const char *error = read_place(reader, place, &address->module, &address->offset);

	address->rule = (struct stingy_rule){.base = STINGY_RULE_NONE};
	if (error || !has_rule)
		return error;
	if (stingy_rule_parse(text.at, text.len, &address->rule))
		return "malformed rule";
	if (address->rule.base != STINGY_RULE_SP && address->rule.base != STINGY_RULE_BP)
		return "rule that a key cannot go on by";
	return NULL;
}

/* Reads the rest of a site's line: addresses, all but the last with a rule. */
static const char *read_chain(const struct stingy_manifest_reader *reader, struct words *words,
			      struct stingy_manifest_site *site)
{
	struct stingy_text word;
	const char *error;

	site->depth = 0;
	for (word = take_word(words); word.len; word = take_word(words)) {
		if (site->depth == STINGY_DEPTH_MAX)
			return "site with too many addresses";
		if (site->depth && !site->chain[site->depth - 1].rule.base)
			return "address without a rule before another";
		if ((error = read_address(reader, word, &site->chain[site->depth])))
			return error;
		site->depth++;
	}
	if (site->depth == 0)
		return "site without an address";
	return site->chain[site->depth - 1].rule.base ? "rule at the last address of a site" : NULL;
}

static const char *read_site(struct stingy_manifest_reader *reader, struct words *words,
			     struct stingy_manifest_record *record)
{
	struct stingy_text kind = take_word(words), key;
	const char *error;

	if (!cut(&kind, '=', &key) || !equals(key, "kind"))
		return "site whose first field is not its kind";
	if ((error = read_u32(kind, &record->site.kind)))
		return error;
	if (reader->counts.modules == 0)
		return "site before module 0";
	if (record->site.kind >= reader->counts.kinds)
		return "site of a kind that is not declared";
	return read_chain(reader, words, &record->site);
}

/* Reads KIND or KIND*COUNT. */
static const char *read_allocates(const struct stingy_manifest_reader *reader, struct stingy_text text,
				  struct stingy_allocates *allocates)
{
	struct stingy_text kind;
	bool has_count = cut(&text, '*', &kind);
	const char *error = read_u32(kind, &allocates->kind);

	allocates->count = 1;
	if (error || (has_count && (error = read_u32(text, &allocates->count))))
		return error;
	if (allocates->kind >= reader->counts.kinds)
		return "stage allocates a kind that is not declared";
	return allocates->count ? NULL : "stage allocates a kind no times";
}

static const char *read_stage(struct stingy_manifest_reader *reader, struct words *words,
			      struct stingy_manifest_record *record)
{
	static const char *const key[] = {"function", "name", "allocates"};
	struct stingy_manifest_stage *stage = &record->stage;
	struct stingy_text value[3], item;
	const char *error = read_fields(words, key, 3, 0, value);
	bool more = value[2].at != NULL;

	stage->module = UINT32_MAX;
	stage->offset = 0;
	stage->n_allocates = 0;
	stage->name = value[1];
	if (error || (error = check_text(value[1])))
		return error;
	if (value[0].at && (error = read_place(reader, value[0], &stage->module, &stage->offset)))
		return error;
	while (more) {
		more = cut(&value[2], ',', &item);
		if (stage->n_allocates == STINGY_ALLOCATES_MAX)
			return "stage that allocates too many kinds";
		if ((error = read_allocates(reader, item, &stage->allocates[stage->n_allocates])))
			return error;
		stage->n_allocates++;
	}
	return NULL;
}

/* The types of records: the first word of their lines, how the rest is read, and how many there may be. */
static const struct {
	const char *keyword;
	const char *(*read)(struct stingy_manifest_reader *reader, struct words *words,
			    struct stingy_manifest_record *record);
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

static uint32_t *counter(struct stingy_manifest_counts *counts, int type)
{
	uint32_t *const all[] = {&counts->modules, &counts->regions, &counts->kinds, &counts->sites, &counts->stages};

	return all[type - STINGY_MANIFEST_MODULE];
}

/* Reads the rest of a line whose keyword was the type's. */
static const char *read_record(struct stingy_manifest_reader *reader, struct words *words, int type,
			       struct stingy_manifest_record *record)
{
	const char *error;

	if (type < reader->phase)
		return "record out of order";
	if (type == reader->phase && types[type].max == 0)
		return "second line of a type that has one";
	reader->phase = type;
	record->type = (enum stingy_manifest_type)type;
	record->number = 0;
	if (types[type].max == 0)
		return types[type].read(reader, words, record);
	if ((error = read_u32(take_word(words), &record->number)))
		return error;
	if (record->number != *counter(&reader->counts, type))
		return "number out of turn";
	if (record->number >= types[type].max)
		return "more records of this type than the format allows";
	if ((error = types[type].read(reader, words, record)))
		return error;
	++*counter(&reader->counts, type);
	return NULL;
}

/* Reads a line that may be a record, or the last one. */
static const char *read_line(struct stingy_manifest_reader *reader, struct words *words,
			     struct stingy_manifest_record *record)
{
	const char *start = words->at, *error;
	struct stingy_text keyword = take_word(words);
	int type = STINGY_MANIFEST_CACHE;

	if (equals(keyword, "end")) {
		reader->phase = PHASE_ENDED;
		if (words->at < words->end || next_line(words, &reader->next, reader->end, &reader->line))
			return "something follows 'end'";
		return NULL;
	}
	/* Only the last line can do without a line feed: another that does was cut, maybe inside a number. */
	if (!words->whole)
		return "ends before its 'end' line";
	while (type <= STINGY_MANIFEST_STAGE && !equals(keyword, types[type].keyword))
		type++;
	if (type > STINGY_MANIFEST_STAGE)
		return "unknown keyword";
	error = read_record(reader, words, type, record);
	if (!error && type == STINGY_MANIFEST_REGION && record->number % MARK_SPACING == 0)
		reader->mark[record->number / MARK_SPACING] = start;
	return error;
}

/* Reads the first line. */
static const char *read_start(struct stingy_manifest_reader *reader, struct words *words)
{
	uint32_t version;
	const char *error;

	if (!equals(take_word(words), "stingy-manifest"))
		return "not a manifest";
	if ((error = read_u32(take_word(words), &version)))
		return error;
	if (version != STINGY_MANIFEST_VERSION)
		return "version of the format that this program does not know";
	reader->phase = PHASE_RECORDS;
	return words->at < words->end ? "something follows the version" : NULL;
}

void stingy_manifest_reader_init(struct stingy_manifest_reader *reader, const char *text, size_t len)
{
	*reader = (struct stingy_manifest_reader){.next = text, .end = text + len, .phase = PHASE_START};
}

/* Finds the next line that counts and reads it; the first one too, which makes no record. */
static const char *read_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record)
{
	struct words words;

	if (!next_line(&words, &reader->next, reader->end, &reader->line)) {
		reader->line++;
		return "ends before its 'end' line";
	}
	return reader->phase == PHASE_START ? read_start(reader, &words) : read_line(reader, &words, record);
}

int stingy_manifest_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record)
{
	if (reader->error)
		return -1;
	if (reader->phase == PHASE_START)
		reader->error = read_next(reader, record);
	if (reader->phase != PHASE_ENDED && !reader->error)
		reader->error = read_next(reader, record);
	return reader->error ? -1 : reader->phase != PHASE_ENDED;
}

/* Also for text that was not checked: a '%' that encodes nothing stands for itself. */
char *stingy_text_decode(struct stingy_text text, char *buf, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return buf;
	for (size_t i = 0; i < text.len && n < size - 1; i++) {
		int byte = text.at[i] == '%' && text.len - i > 2 ? hex_byte(text.at + i + 1) : -1;

		buf[n++] = byte < 0 ? text.at[i] : (char)byte;
		i += byte < 0 ? 0 : 2;
	}
	buf[n] = '\0';
	return buf;
}
