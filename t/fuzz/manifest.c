/*
 * The manifest's reader: every record is within the bounds of FORMAT.md, what is accepted can be written and read back
 * to the same records, what is refused has a line and a reason.
 */
#include "../../manifests/manifest.h"
#include "fuzz.h"

#include <string.h>

/* What the bounds of a record depend on: the records before it. */
struct seen {
	const char *text, *end;
	enum stingy_manifest_type type; /* of the last record */
	bool cache;
	struct stingy_manifest_slab slab;
	struct stingy_manifest_counts counts;
	struct stingy_manifest_region region[STINGY_REGIONS_MAX];
	uint64_t used; /* bytes to the end of the last region */
};

static bool is_hex(char c)
{
	return c != '\0' && strchr("0123456789abcdefABCDEF", c);
}

/* In the text, printable, and percent-encoded. */
static void check_text(const struct seen *seen, struct stingy_text text)
{
	if (text.len == 0)
		return;
	must(text.at >= seen->text && text.at < seen->end && text.len <= (size_t)(seen->end - text.at));
	for (size_t i = 0; i < text.len; i++) {
		must(text.at[i] > ' ' && text.at[i] <= '~');
		must(text.at[i] != '%' || (text.len - i > 2 && is_hex(text.at[i + 1]) && is_hex(text.at[i + 2])));
	}
}

static void check_slab(struct seen *seen, const struct stingy_manifest_slab *slab)
{
	must(slab->size <= 256u << 20);
	must(slab->stack % 1024 == 0 && slab->stack <= slab->size);
	must(slab->arenas >= 1 && slab->arenas <= 64);
	must(slab->high % 1024 == 0);
	must(((uint64_t)slab->size + slab->high) * slab->arenas <= UINT64_C(2) << 30);
	seen->slab = *slab;
	seen->used = slab->stack;
}

static void check_module(struct seen *seen, const struct stingy_manifest_module *module)
{
	must(seen->counts.modules++ < 1024);
	must(module->id_len <= 32 && (module->id_len == 0 || module->size == 0));
	check_text(seen, module->path);
}

/* Where the high slab begins. */
static uint64_t high_slab(const struct seen *seen)
{
	return ((uint64_t)seen->slab.size + 1023) / 1024 * 1024;
}

static void check_region(struct seen *seen, const struct stingy_manifest_region *region)
{
	uint64_t end = region->offset + (uint64_t)region->slot * region->count;

	must(seen->cache && seen->slab.arenas && seen->counts.regions < 1024);
	must(region->offset % 1024 == 0 && region->slot % 16 == 0);
	must(region->slot && region->count && region->count <= 1048575);
	must(region->offset >= seen->used);
	must(end <= seen->slab.size || (region->offset >= high_slab(seen) && end <= high_slab(seen) + seen->slab.high));
	seen->used = end;
	seen->region[seen->counts.regions++] = *region;
}

static void check_kind(struct seen *seen, const struct stingy_manifest_kind *kind)
{
	must(seen->counts.kinds++ < 65535);
	must(kind->region < seen->counts.regions && kind->size <= seen->region[kind->region].slot);
	check_text(seen, kind->name);
	if (kind->high == UINT32_MAX)
		return;
	must(kind->high < seen->counts.regions && kind->size <= seen->region[kind->high].slot);
	must(seen->region[kind->high].offset >= high_slab(seen));
}

static void check_site(struct seen *seen, const struct stingy_manifest_site *site)
{
	must(seen->counts.sites++ < 1000000);
	must(site->kind < seen->counts.kinds);
	must(site->depth >= 1 && site->depth <= 16);
	for (uint32_t i = 0; i < site->depth; i++) {
		const struct stingy_rule *rule = &site->chain[i].rule;

		must(site->chain[i].module < seen->counts.modules);
		must(stingy_rule_is_valid(rule));
		must((i + 1 == site->depth) == (rule->base == STINGY_RULE_NONE));
		must(rule->base != STINGY_RULE_END);
	}
}

static void check_stage(struct seen *seen, const struct stingy_manifest_stage *stage)
{
	must(seen->counts.stages++ < 4096);
	must(stage->module == UINT32_MAX || stage->module < seen->counts.modules);
	check_text(seen, stage->name);
	must(stage->n_allocates <= 256);
	for (uint32_t i = 0; i < stage->n_allocates; i++)
		must(stage->allocates[i].kind < seen->counts.kinds && stage->allocates[i].count);
}

static void check_schedule(const struct seen *seen, const struct stingy_manifest_schedule *schedule)
{
	must(schedule->tasks <= 1048575 && (schedule->tasks || !schedule->is_fixed));
	must(schedule->n_takes <= 256);
	for (uint32_t i = 0; i < schedule->n_takes; i++)
		must(schedule->takes[i].kind < seen->counts.kinds && schedule->takes[i].count);
}

/* The number that a record of the type has next. */
static uint32_t next_number(const struct seen *seen, enum stingy_manifest_type type)
{
	const uint32_t next[] = {
		[STINGY_MANIFEST_MODULE] = seen->counts.modules, [STINGY_MANIFEST_REGION] = seen->counts.regions,
		[STINGY_MANIFEST_KIND] = seen->counts.kinds,     [STINGY_MANIFEST_SITE] = seen->counts.sites,
		[STINGY_MANIFEST_STAGE] = seen->counts.stages,   [STINGY_MANIFEST_SCHEDULE] = 0,
	};

	return next[type];
}

static void check_record(struct seen *seen, const struct stingy_manifest_record *record)
{
	const struct stingy_cache *cache = &record->cache;

	must(record->type >= STINGY_MANIFEST_CACHE && record->type <= STINGY_MANIFEST_SCHEDULE);
	must(record->type > seen->type || (record->type == seen->type && record->type > STINGY_MANIFEST_SLAB &&
					   record->type < STINGY_MANIFEST_SCHEDULE));
	must(record->number == next_number(seen, record->type));
	seen->type = record->type;
	switch (record->type) {
	case STINGY_MANIFEST_CACHE:
		must(cache->line && (cache->line & (cache->line - 1)) == 0 && cache->ways);
		must((uint64_t)cache->ways * cache->line <= cache->size);
		seen->cache = true;
		break;
	case STINGY_MANIFEST_SLAB:
		check_slab(seen, &record->slab);
		break;
	case STINGY_MANIFEST_MODULE:
		check_module(seen, &record->module);
		break;
	case STINGY_MANIFEST_REGION:
		check_region(seen, &record->region);
		break;
	case STINGY_MANIFEST_KIND:
		check_kind(seen, &record->kind);
		break;
	case STINGY_MANIFEST_SITE:
		check_site(seen, &record->site);
		break;
	case STINGY_MANIFEST_STAGE:
		check_stage(seen, &record->stage);
		break;
	case STINGY_MANIFEST_SCHEDULE:
		check_schedule(seen, &record->schedule);
		break;
	}
}

/* The string of a record, or NULL for a type that has none. */
static struct stingy_text *text_of(struct stingy_manifest_record *record)
{
	switch (record->type) {
	case STINGY_MANIFEST_MODULE:
		return &record->module.path;
	case STINGY_MANIFEST_KIND:
		return &record->kind.name;
	case STINGY_MANIFEST_STAGE:
		return &record->stage.name;
	default:
		return NULL;
	}
}

/* Decodes the text, of which any byte may come, into heap memory, and points it there. */
static void decode(struct stingy_text *text)
{
	size_t len = text->len;
	char *plain = malloc(len + 1);

	for (size_t i = 0; i < text->len; i++)
		len -= text->at[i] == '%' ? 2 : 0;
	must(plain);
	must(stingy_text_decode(*text, plain, text->len + 1) == plain && plain[len] == '\0');
	*text = (struct stingy_text){plain, len};
}

static bool same_text(struct stingy_text a, struct stingy_text b)
{
	bool same;

	decode(&a);
	decode(&b);
	same = a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
	free((char *)a.at);
	free((char *)b.at);
	return same;
}

static bool same_address(const struct stingy_address *a, const struct stingy_address *b)
{
	return a->module == b->module && a->offset == b->offset && a->rule.base == b->rule.base &&
	       a->rule.cfa == b->rule.cfa && a->rule.bp == b->rule.bp;
}

static bool same_site(const struct stingy_manifest_site *a, const struct stingy_manifest_site *b)
{
	bool same = a->kind == b->kind && a->depth == b->depth;

	for (uint32_t i = 0; i < a->depth && same; i++)
		same = same_address(&a->chain[i], &b->chain[i]);
	return same;
}

static bool same_stage(const struct stingy_manifest_stage *a, const struct stingy_manifest_stage *b)
{
	return a->module == b->module && a->offset == b->offset && a->n_allocates == b->n_allocates &&
	       memcmp(a->allocates, b->allocates, a->n_allocates * sizeof(*a->allocates)) == 0 &&
	       same_text(a->name, b->name);
}

static bool same_schedule(const struct stingy_manifest_schedule *a, const struct stingy_manifest_schedule *b)
{
	return a->is_fixed == b->is_fixed && a->tasks == b->tasks && a->n_takes == b->n_takes &&
	       memcmp(a->takes, b->takes, a->n_takes * sizeof(*a->takes)) == 0;
}

static bool same_record(const struct stingy_manifest_record *a, const struct stingy_manifest_record *b)
{
	if (a->type != b->type || a->number != b->number)
		return false;
	switch (a->type) {
	case STINGY_MANIFEST_CACHE:
		return memcmp(&a->cache, &b->cache, sizeof(a->cache)) == 0;
	case STINGY_MANIFEST_SLAB:
		return memcmp(&a->slab, &b->slab, sizeof(a->slab)) == 0;
	case STINGY_MANIFEST_MODULE:
		return a->module.id_len == b->module.id_len && a->module.size == b->module.size &&
		       memcmp(a->module.id, b->module.id, a->module.id_len) == 0 &&
		       same_text(a->module.path, b->module.path);
	case STINGY_MANIFEST_REGION:
		return memcmp(&a->region, &b->region, sizeof(a->region)) == 0;
	case STINGY_MANIFEST_KIND:
		return a->kind.region == b->kind.region && a->kind.size == b->kind.size &&
		       a->kind.high == b->kind.high && same_text(a->kind.name, b->kind.name);
	case STINGY_MANIFEST_SITE:
		return same_site(&a->site, &b->site);
	case STINGY_MANIFEST_STAGE:
		return same_stage(&a->stage, &b->stage);
	case STINGY_MANIFEST_SCHEDULE:
		return same_schedule(&a->schedule, &b->schedule);
	}
	return false;
}

/* Writes all records of a text that is accepted. Returns the new text, to be freed. */
static char *rewrite(const char *text, size_t len, size_t *new_len)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	char *out = NULL;
	FILE *stream = open_memstream(&out, new_len);

	must(stream);
	stingy_manifest_reader_init(&reader, text, len);
	stingy_manifest_write_begin(stream);
	while (stingy_manifest_next(&reader, &record) == 1) {
		struct stingy_text *string = text_of(&record);

		if (string)
			decode(string);
		stingy_manifest_write(stream, &record);
		if (string)
			free((char *)string->at);
	}
	stingy_manifest_write_end(stream);
	must(fclose(stream) == 0);
	return out;
}

/* Whether a text that is accepted comes back as it was. */
static void check_return(const char *text, size_t len)
{
	struct stingy_manifest_reader one, other;
	struct stingy_manifest_record a, b;
	size_t new_len;
	char *again = rewrite(text, len, &new_len);
	int more;

	stingy_manifest_reader_init(&one, text, len);
	stingy_manifest_reader_init(&other, again, new_len);
	do {
		more = stingy_manifest_next(&one, &a);
		must(stingy_manifest_next(&other, &b) == more);
		must(more != 1 || same_record(&a, &b));
	} while (more == 1);
	free(again);
}

static unsigned count_lines(const char *text, size_t len)
{
	unsigned n = len && text[len - 1] != '\n';

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

void fuzz_manifest(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	struct seen seen = {.text = text, .end = text + size};
	const char *error;
	int more;

	stingy_manifest_reader_init(&reader, text, size);
	while ((more = stingy_manifest_next(&reader, &record)) == 1)
		check_record(&seen, &record);
	must(memcmp(&reader.counts, &seen.counts, sizeof(seen.counts)) == 0);
	/* A line that is missing is the one behind the last. */
	must(reader.line >= 1 && reader.line <= count_lines(text, size) + 1);
	error = reader.error;
	must(more == (error ? -1 : 0) && stingy_manifest_next(&reader, &record) == more && reader.error == error);
	if (more == 0)
		check_return(text, size);
}
