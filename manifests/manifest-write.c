/* The manifest's writer: see manifest.h for the records and FORMAT.md for the text. For the solver only. */
#include "manifest.h"

#include <inttypes.h>
#include <string.h>

/* Bytes that would end a word, begin a comment or an escape, or that a terminal might act on. */
static bool must_encode(unsigned char c)
{
	return c <= ' ' || c > '~' || c == '%' || c == '#';
}

static void write_text(FILE *out, const char *key, struct stingy_text text)
{
	fprintf(out, " %s=", key);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		fprintf(out, must_encode(c) ? "%%%02x" : "%c", c);
	}
}

/* Names are for people, and left out where there is none. */
static void write_name(FILE *out, struct stingy_text name)
{
	if (name.len)
		write_text(out, "name", name);
}

static void write_place(FILE *out, uint32_t module, uint64_t offset)
{
	fprintf(out, "%" PRIu32 "+0x%" PRIx64, module, offset);
}

static void write_module(FILE *out, const struct stingy_manifest_module *module)
{
	if (module->id_len) {
		fputs(" id=", out);
		for (uint32_t i = 0; i < module->id_len; i++)
			fprintf(out, "%02x", module->id[i]);
	} else {
		fprintf(out, " size=%" PRIu64, module->size);
	}
	write_text(out, "path", module->path);
}

/* What the reader takes a field for that is not there, is left out. */
static void write_option(FILE *out, const char *key, uint32_t value, uint32_t left_out)
{
	if (value != left_out)
		fprintf(out, " %s=%" PRIu32, key, value);
}

static void write_slab(FILE *out, const struct stingy_manifest_slab *slab)
{
	fprintf(out, "slab size=%" PRIu32, slab->size);
	write_option(out, "stack", slab->stack, 0);
	write_option(out, "arenas", slab->arenas, 1);
	write_option(out, "high", slab->high, 0);
}

static void write_kind(FILE *out, const struct stingy_manifest_kind *kind)
{
	fprintf(out, " region=%" PRIu32 " size=%" PRIu32, kind->region, kind->size);
	write_option(out, "high", kind->high, UINT32_MAX);
	write_name(out, kind->name);
}

static void write_site(FILE *out, const struct stingy_manifest_site *site)
{
	char rule[STINGY_RULE_TEXT];

	fprintf(out, " kind=%" PRIu32, site->kind);
	for (uint32_t i = 0; i < site->depth; i++) {
		fputc(' ', out);
		write_place(out, site->chain[i].module, site->chain[i].offset);
		if (i + 1 < site->depth)
			fprintf(out, ":%s", stingy_rule_print(&site->chain[i].rule, rule));
	}
}

/* Nothing is written where there are none. */
static void write_list(FILE *out, const char *key, const struct stingy_allocates *allocates, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0)
			fprintf(out, " %s=", key);
		fprintf(out, "%s%" PRIu32, i ? "," : "", allocates[i].kind);
		if (allocates[i].count != 1)
			fprintf(out, "*%" PRIu32, allocates[i].count);
	}
}

static void write_stage(FILE *out, const struct stingy_manifest_stage *stage)
{
	if (stage->module != UINT32_MAX) {
		fputs(" function=", out);
		write_place(out, stage->module, stage->offset);
	}
	write_name(out, stage->name);
	write_list(out, "allocates", stage->allocates, stage->n_allocates);
}

static void write_schedule(FILE *out, const struct stingy_manifest_schedule *schedule)
{
	fprintf(out, "schedule %s", schedule->is_fixed ? "fixed" : "auto");
	write_option(out, "tasks", schedule->tasks, 0);
	write_list(out, "takes", schedule->takes, schedule->n_takes);
}

void stingy_manifest_write_begin(FILE *out)
{
	fprintf(out, "stingy-manifest %d\n", STINGY_MANIFEST_VERSION);
}

void stingy_manifest_write_comment(FILE *out, const char *text)
{
	size_t len = strcspn(text, "\r\n");

	fputs(len ? "# " : "#", out);
	fwrite(text, 1, len, out);
	fputc('\n', out);
}

void stingy_manifest_write(FILE *out, const struct stingy_manifest_record *record)
{
	const struct stingy_cache *cache = &record->cache;
	const struct stingy_manifest_region *region = &record->region;

	switch (record->type) {
	case STINGY_MANIFEST_CACHE:
		fprintf(out, "cache size=%" PRIu32 " ways=%" PRIu32 " line=%" PRIu32, cache->size, cache->ways,
			cache->line);
		break;
	case STINGY_MANIFEST_SLAB:
		write_slab(out, &record->slab);
		break;
	case STINGY_MANIFEST_MODULE:
		fprintf(out, "module %" PRIu32, record->number);
		write_module(out, &record->module);
		break;
	case STINGY_MANIFEST_REGION:
		fprintf(out, "region %" PRIu32 " offset=%" PRIu32 " slot=%" PRIu32 " count=%" PRIu32, record->number,
			region->offset, region->slot, region->count);
		break;
	case STINGY_MANIFEST_KIND:
		fprintf(out, "kind %" PRIu32, record->number);
		write_kind(out, &record->kind);
		break;
	case STINGY_MANIFEST_SITE:
		fprintf(out, "site %" PRIu32, record->number);
		write_site(out, &record->site);
		break;
	case STINGY_MANIFEST_STAGE:
		fprintf(out, "stage %" PRIu32, record->number);
		write_stage(out, &record->stage);
		break;
	case STINGY_MANIFEST_SCHEDULE:
		write_schedule(out, &record->schedule);
		break;
	}
	fputc('\n', out);
}

void stingy_manifest_write_end(FILE *out)
{
	fputs("end\n", out);
}
