/* The lines of the manifest's records, type by type: see records.h. */
#include "records.h"

#define NUMBERS_MAX 4 /* fields of a line that has nothing but numbers */

/*
 * Reads the rest of a line of which every field is a number; the first n_required must be there, the value of another
 * that is not there stays as it is.
 */
static const char *read_numbers(struct stingy_words *words, const char *const *key, unsigned n, unsigned n_required,
				uint32_t *value)
{
	struct stingy_text text[NUMBERS_MAX];
	const char *error = stingy_words_fields(words, key, n, n_required, text);

	for (unsigned i = 0; i < n && !error; i++)
		if (text[i].at)
			error = stingy_text_u32(text[i], &value[i]);
	return error;
}

static const char *read_cache(struct stingy_manifest_reader *reader, struct stingy_words *words,
			      struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size", "ways", "line"};
	struct stingy_cache *cache = &record->cache;
	uint32_t value[3];
	const char *error = read_numbers(words, key, 3, 3, value);

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

static const char *read_slab(struct stingy_manifest_reader *reader, struct stingy_words *words,
			     struct stingy_manifest_record *record)
{
	static const char *const key[] = {"size", "stack", "arenas", "high"};
	struct stingy_manifest_slab *slab = &record->slab;
	uint32_t value[] = {0, 0, 1, 0};
	const char *error = read_numbers(words, key, 4, 1, value);

	if (error)
		return error;
	*slab = (struct stingy_manifest_slab){
		.size = value[0], .stack = value[1], .arenas = value[2], .high = value[3]};
	if (slab->size > STINGY_SLAB_MAX)
		return "slab larger than the format allows";
	if (slab->stack > slab->size)
		return "stack larger than the slab";
	if (slab->stack % STINGY_REGION_ALIGN != 0 || slab->high % STINGY_REGION_ALIGN != 0)
		return "size of the stack or the high slab is not aligned";
	if (slab->arenas == 0 || slab->arenas > STINGY_ARENAS_MAX)
		return "no arenas, or more than the format allows";
	/* 64 bits hold the sum of two numbers of 32, and this multiple of it. */
	if (((uint64_t)slab->size + slab->high) * slab->arenas > STINGY_MEMORY_MAX)
		return "arenas that are together larger than the format allows";
	reader->slab = *slab;
	reader->used = slab->stack;
	reader->has_slab = true;
	return NULL;
}

static const char *read_module(struct stingy_manifest_reader *reader, struct stingy_words *words,
			       struct stingy_manifest_record *record)
{
	static const char *const key[] = {"path", "id", "size"};
	struct stingy_manifest_module *module = &record->module;
	struct stingy_text value[3], *id = &value[1], *size = &value[2];
	const char *error = stingy_words_fields(words, key, 3, 1, value);

	(void)reader;
	if (error || (error = stingy_text_check(value[0])))
		return error;
	if (!id->at == !size->at)
		return "module with none or both of build-id and size";
	*module = (struct stingy_manifest_module){.path = value[0]};
	if (size->at)
		return stingy_text_u64(*size, &module->size);
	module->id_len = stingy_text_bytes(*id, module->id, STINGY_ID_MAX);
	return module->id_len ? NULL : "malformed build-id";
}

/* Checks where a region lies, and notes it. */
static const char *place_region(struct stingy_manifest_reader *reader, const struct stingy_manifest_region *region,
				uint32_t number)
{
	uint32_t high = stingy_manifest_high(&reader->slab);
	bool is_high = region->offset >= high;
	uint64_t limit = is_high ? (uint64_t)high + reader->slab.high : reader->slab.size;

	if (region->offset % STINGY_REGION_ALIGN != 0)
		return "region's offset is not aligned";
	if (region->offset < reader->slab.stack)
		return "region in the stack's part of the slab";
	if (region->offset < reader->used)
		return "region overlaps the one before it";
	/* 64 bits hold the product of two numbers of 32, plus one of 32. */
	if (region->offset + (uint64_t)region->slot * region->count > limit)
		return "region does not fit its slab";
	reader->used = region->offset + region->slot * region->count;
	reader->slot[number] = region->slot;
	reader->n_cache_regions += !is_high;
	return NULL;
}

static const char *read_region(struct stingy_manifest_reader *reader, struct stingy_words *words,
			       struct stingy_manifest_record *record)
{
	static const char *const key[] = {"offset", "slot", "count"};
	struct stingy_manifest_region *region = &record->region;
	uint32_t value[3];
	const char *error = read_numbers(words, key, 3, 3, value);

	if (error)
		return error;
	*region = (struct stingy_manifest_region){.offset = value[0], .slot = value[1], .count = value[2]};
	if (!reader->has_cache || !reader->has_slab)
		return "region before the cache line and the slab line";
	if (region->slot == 0 || region->slot % STINGY_SLOT_ALIGN != 0)
		return "region's slot size is zero or not aligned";
	if (region->count == 0 || region->count > STINGY_SLOTS_MAX)
		return "region without slots, or with more than the format allows";
	return place_region(reader, region, record->number);
}

/* Reads what is there of a kind's high region. */
static const char *read_high(const struct stingy_manifest_reader *reader, struct stingy_text text,
			     struct stingy_manifest_kind *kind)
{
	const char *error = stingy_text_u32(text, &kind->high);

	if (error)
		return error;
	if (kind->high >= reader->counts.regions || kind->high < reader->n_cache_regions)
		return "kind's high region is none of the high slab";
	return kind->size > reader->slot[kind->high] ? "kind larger than its high region's slots" : NULL;
}

static const char *read_kind(struct stingy_manifest_reader *reader, struct stingy_words *words,
			     struct stingy_manifest_record *record)
{
	static const char *const key[] = {"region", "size", "high", "name"};
	struct stingy_manifest_kind *kind = &record->kind;
	struct stingy_text value[4], *high = &value[2], *name = &value[3];
	const char *error = stingy_words_fields(words, key, 4, 2, value);

	if (error || (error = stingy_text_u32(value[0], &kind->region)) ||
	    (error = stingy_text_u32(value[1], &kind->size)) || (error = stingy_text_check(*name)))
		return error;
	kind->high = UINT32_MAX;
	kind->name = *name;
	if (kind->region >= reader->counts.regions)
		return "kind in a region that is not declared";
	if (kind->size > reader->slot[kind->region])
		return "kind larger than its region's slots";
	return high->at ? read_high(reader, *high, kind) : NULL;
}

/* Reads MODULE+0xOFFSET. */
static inline const char *read_place(const struct stingy_manifest_reader *reader, struct stingy_words *words,
				     uint32_t *module, uint64_t *offset)
{
	const char *error = stingy_words_u32(words, module);

	if (error)
		return error;
	if (!stingy_words_skip(words, "+0x"))
		return "address that is not MODULE+0xOFFSET";
	if ((error = stingy_words_number(words, 16, UINT64_MAX, offset)))
		return error;
	return *module < reader->counts.modules ? NULL : "address in a module that is not declared";
}

/* Reads one address of a key, with the rule behind its colon if it has one. */
static inline const char *read_address(const struct stingy_manifest_reader *reader, struct stingy_words *words,
				       struct stingy_address *address)
{
	const char *error = read_place(reader, words, &address->module, &address->offset);
	const char *behind;

	address->rule = (struct stingy_rule){.base = STINGY_RULE_NONE};
	if (error)
		return error;
	if (!stingy_words_skip(words, ":"))
		return stingy_words_is_apart(words) ? NULL : "malformed number";
	behind = stingy_rule_parse(words->at, words->end, &address->rule);
	if (behind)
		words->at = behind;
	if (!behind || !stingy_words_is_apart(words))
		return "malformed rule";
	if (address->rule.base != STINGY_RULE_SP && address->rule.base != STINGY_RULE_BP)
		return "rule that a key cannot go on by";
	return NULL;
}

/* Reads the rest of a site's line: addresses, all but the last with a rule. */
static const char *read_chain(const struct stingy_manifest_reader *reader, struct stingy_words words,
			      struct stingy_manifest_site *site)
{
	struct stingy_address *address = site->chain, *end = site->chain + STINGY_DEPTH_MAX;
	const char *error;

	for (; stingy_words_more(&words); address++) {
		if (address == end)
			return "site with too many addresses";
		if (address > site->chain && !address[-1].rule.base)
			return "address without a rule before another";
		if ((error = read_address(reader, &words, address)))
			return error;
	}
	site->depth = (uint32_t)(address - site->chain);
	if (site->depth == 0)
		return "site without an address";
	return address[-1].rule.base ? "rule at the last address of a site" : NULL;
}

static const char *read_site(struct stingy_manifest_reader *reader, struct stingy_words *words,
			     struct stingy_manifest_record *record)
{
	const char *error;

	if (!stingy_words_more(words) || !stingy_words_skip(words, "kind="))
		return "site whose first field is not its kind";
	if ((error = stingy_words_last_u32(words, &record->site.kind)))
		return error;
	if (reader->counts.modules == 0)
		return "site before module 0";
	if (record->site.kind >= reader->counts.kinds)
		return "site of a kind that is not declared";
	return read_chain(reader, *words, &record->site);
}

/* Reads KIND or KIND*COUNT. */
static const char *read_allocates(const struct stingy_manifest_reader *reader, struct stingy_words *words,
				  struct stingy_allocates *allocates)
{
	const char *error = stingy_words_u32(words, &allocates->kind);

	allocates->count = 1;
	if (!error && stingy_words_skip(words, "*"))
		error = stingy_words_u32(words, &allocates->count);
	if (error)
		return error;
	if (allocates->kind >= reader->counts.kinds)
		return "allocates a kind that is not declared";
	return allocates->count ? NULL : "allocates a kind no times";
}

/* Reads a list of what a run or a task allocates, with commas between: n of them into STINGY_ALLOCATES_MAX places. */
static const char *read_list(const struct stingy_manifest_reader *reader, struct stingy_text list,
			     struct stingy_allocates *allocates, uint32_t *n)
{
	struct stingy_words words = stingy_text_read(list);
	const char *error;

	do {
		if (*n == STINGY_ALLOCATES_MAX)
			return "allocates too many kinds";
		if ((error = read_allocates(reader, &words, &allocates[*n])))
			return error;
		++*n;
	} while (stingy_words_skip(&words, ","));
	return stingy_words_is_apart(&words) ? NULL : "malformed number";
}

static const char *read_function(const struct stingy_manifest_reader *reader, struct stingy_text text,
				 struct stingy_manifest_stage *stage)
{
	struct stingy_words words = stingy_text_read(text);
	const char *error = read_place(reader, &words, &stage->module, &stage->offset);

	return error || stingy_words_is_apart(&words) ? error : "malformed number";
}

static const char *read_stage(struct stingy_manifest_reader *reader, struct stingy_words *words,
			      struct stingy_manifest_record *record)
{
	static const char *const key[] = {"function", "name", "allocates"};
	struct stingy_manifest_stage *stage = &record->stage;
	struct stingy_text value[3], *function = &value[0], *name = &value[1], *allocates = &value[2];
	const char *error = stingy_words_fields(words, key, 3, 0, value);

	stage->module = UINT32_MAX;
	stage->offset = 0;
	stage->n_allocates = 0;
	stage->name = *name;
	if (error || (error = stingy_text_check(*name)))
		return error;
	if (function->at && (error = read_function(reader, *function, stage)))
		return error;
	return allocates->at ? read_list(reader, *allocates, stage->allocates, &stage->n_allocates) : NULL;
}

/* Reads how many tasks there may be. */
static const char *read_tasks(struct stingy_text text, struct stingy_manifest_schedule *schedule)
{
	const char *error = stingy_text_u32(text, &schedule->tasks);

	if (error)
		return error;
	return schedule->tasks && schedule->tasks <= STINGY_TASKS_MAX
		       ? NULL
		       : "schedule of no tasks, or of more than the format allows";
}

static const char *read_schedule(struct stingy_manifest_reader *reader, struct stingy_words *words,
				 struct stingy_manifest_record *record)
{
	static const char *const key[] = {"tasks", "takes"};
	struct stingy_manifest_schedule *schedule = &record->schedule;
	struct stingy_text value[2], *tasks = &value[0], *takes = &value[1];
	const char *error;

	stingy_words_more(words);
	schedule->is_fixed = stingy_words_skip_word(words, "fixed");
	schedule->tasks = schedule->n_takes = 0;
	if (!schedule->is_fixed && !stingy_words_skip_word(words, "auto"))
		return "schedule that is neither auto nor fixed";
	if ((error = stingy_words_fields(words, key, 2, schedule->is_fixed, value)))
		return error;
	if (tasks->at && (error = read_tasks(*tasks, schedule)))
		return error;
	return takes->at ? read_list(reader, *takes, schedule->takes, &schedule->n_takes) : NULL;
}

const struct stingy_record_type stingy_record_types[] = {
	[STINGY_MANIFEST_CACHE] = {"cache", read_cache, 0, 0},
	[STINGY_MANIFEST_SLAB] = {"slab", read_slab, 0, 0},
	[STINGY_MANIFEST_MODULE] = {"module", read_module, STINGY_MODULES_MAX,
				    offsetof(struct stingy_manifest_counts, modules)},
	[STINGY_MANIFEST_REGION] = {"region", read_region, STINGY_REGIONS_MAX,
				    offsetof(struct stingy_manifest_counts, regions)},
	[STINGY_MANIFEST_KIND] = {"kind", read_kind, STINGY_KINDS_MAX, offsetof(struct stingy_manifest_counts, kinds)},
	[STINGY_MANIFEST_SITE] = {"site", read_site, STINGY_SITES_MAX, offsetof(struct stingy_manifest_counts, sites)},
	[STINGY_MANIFEST_STAGE] = {"stage", read_stage, STINGY_STAGES_MAX,
				   offsetof(struct stingy_manifest_counts, stages)},
	[STINGY_MANIFEST_SCHEDULE] = {"schedule", read_schedule, 0, 0},
};
