#include "rebase.h"

#include "clean.h"
#include "manifest-file.h"
#include "match.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ID_TEXT   (2 * STINGY_ID_MAX + sizeof("build-id "))
#define NAME_SIZE 256u

/* One module, in both builds. */
struct module {
	char path[PATH_MAX]; /* of the new file */
	struct stingy_elf_id id;
	bool is_same;     /* the old one and the new one are one build */
	bool is_matched;  /* they are not, and the rest is there */
	const char *lost; /* neither: why */
	struct stingy_binary old, new;
	struct stingy_match match;
};

struct carrying {
	const struct stingy_rebase *rebase;
	FILE *report; /* NULL: all has been told */
	FILE *out;    /* NULL: only told */
	struct module *module;
	uint32_t n_modules;
	char (*kind)[NAME_SIZE]; /* names by number */
	size_t kind_room;
	uint32_t n_sites, n_stages, n_carried, n_stages_carried;
};

static int __attribute__((format(printf, 2, 3))) complain(FILE *report, const char *format, ...)
{
	char line[2 * PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fprintf(report, "stingy: %s\n", stingy_clean(line));
	return -1;
}

/* Writes the number of a build, or the size where there is none, into text[ID_TEXT]. Returns text. */
static const char *print_id(const uint8_t *id, uint32_t len, uint64_t size, char *text)
{
	char *at = text + sprintf(text, len ? "build-id " : "size %" PRIu64, size);

	for (uint32_t i = 0; i < len; i++)
		at += sprintf(at, "%02x", id[i]);
	return text;
}

/* Opens the file of the old build, if one of those that there are is it. */
static bool open_old(const struct carrying *carrying, const struct stingy_manifest_module *wanted, const char *path,
		     struct module *module)
{
	struct stingy_elf_id id;

	for (size_t i = 0; i <= carrying->rebase->n_from; i++) {
		const char *candidate = i < carrying->rebase->n_from ? carrying->rebase->from[i] : path;

		if (stingy_elf_id_read(&id, candidate) == 0 && stingy_elf_id_is(&id, wanted))
			return stingy_binary_init(&module->old, candidate) == 0;
	}
	return false;
}

/* Finds the module in both builds; what cannot be found is reported when it is missed. */
static void open_module(struct carrying *carrying, uint32_t number, const struct stingy_manifest_module *wanted)
{
	struct module *module = &carrying->module[number];
	char path[PATH_MAX];

	stingy_text_decode(wanted->path, path, sizeof(path));
	if (!realpath(number ? path : carrying->rebase->program, module->path) ||
	    stingy_elf_id_read(&module->id, module->path) < 0) {
		module->lost = strerror(errno);
	} else if (stingy_elf_id_is(&module->id, wanted)) {
		module->is_same = true;
	} else if (!open_old(carrying, wanted, path, module)) {
		module->lost = "its old build is not there to compare with";
	} else if (stingy_binary_init(&module->new, module->path) < 0) {
		module->lost = "it has no unwind tables";
		stingy_binary_fini(&module->old);
	} else {
		stingy_match_init(&module->match, &module->old, &module->new);
		module->is_matched = true;
	}
}

static void close_modules(struct carrying *carrying)
{
	for (uint32_t i = 0; i < carrying->n_modules; i++) {
		if (!carrying->module[i].is_matched)
			continue;
		stingy_match_fini(&carrying->module[i].match);
		stingy_binary_fini(&carrying->module[i].old);
		stingy_binary_fini(&carrying->module[i].new);
	}
	free(carrying->module);
	free(carrying->kind);
}

/* The frame rule of the new build, if the old build's is known to be what the unwind tables say. */
static const char *carry_rule(const struct module *module, uint64_t old, uint64_t new, struct stingy_rule *rule)
{
	struct stingy_rule was;

	if (stingy_binary_rule(&module->old, old, &was) < 0 || was.base != rule->base || was.cfa != rule->cfa ||
	    was.bp != rule->bp)
		return "the unwind tables do not tell its frame rule";
	if (stingy_binary_rule(&module->new, new, rule) < 0)
		return "it has no frame rule in the new build";
	return NULL;
}

/* Carries one address, and its rule unless it is the last one. Returns NULL, or why it cannot. */
static const char *carry_address(const struct carrying *carrying, struct stingy_address *address, bool is_last)
{
	const struct module *module = &carrying->module[address->module];
	uint64_t old, new = 0;
	const char *why;

	if (module->is_same)
		return NULL;
	if (module->lost)
		return module->lost;
	old = stingy_binary_address(&module->old, address->offset);
	why = stingy_match_return(&module->match, old, &new);
	if (!why && !is_last)
		why = carry_rule(module, old, new, &address->rule);
	address->offset = stingy_binary_offset(&module->new, new);
	return why;
}

static void tell_site(const struct carrying *carrying, uint32_t number, const struct stingy_manifest_site *site,
		      const struct stingy_address *address, const char *why)
{
	const char *path = carrying->module[address->module].path;
	const char *base = strrchr(path, '/');

	if (carrying->report)
		complain(carrying->report, "left out site %" PRIu32 " (%s): %s+0x%" PRIx64 ": %s", number,
			 carrying->kind[site->kind], base ? base + 1 : path, address->offset, why);
}

/* Returns whether the site is carried. */
static bool carry_site(struct carrying *carrying, struct stingy_manifest_record *record)
{
	struct stingy_manifest_site *site = &record->site;

	for (uint32_t i = 0; i < site->depth; i++) {
		struct stingy_address was = site->chain[i];
		const char *why = carry_address(carrying, &site->chain[i], i + 1 == site->depth);

		if (why) {
			tell_site(carrying, record->number, site, &was, why);
			return false;
		}
	}
	return true;
}

static void carry_stage(struct carrying *carrying, struct stingy_manifest_record *record)
{
	struct stingy_manifest_stage *stage = &record->stage;
	const struct module *module = stage->module == UINT32_MAX ? NULL : &carrying->module[stage->module];
	uint64_t new = 0;
	const char *why;

	if (module && !module->is_same) {
		why = module->lost;
		if (!why)
			why = stingy_match_function(&module->match, stingy_binary_address(&module->old, stage->offset),
						    &new);
		if (why && carrying->report)
			complain(carrying->report, "stage %" PRIu32 " has lost its function: %s", record->number, why);
		if (why) {
			stage->module = UINT32_MAX;
			return;
		}
		stage->offset = stingy_binary_offset(&module->new, new);
	}
	carrying->n_stages_carried++;
}

static void carry_module(const struct carrying *carrying, struct stingy_manifest_record *record)
{
	const struct module *module = &carrying->module[record->number];

	if (module->lost)
		return;
	memcpy(record->module.id, module->id.id, module->id.len);
	record->module.id_len = module->id.len;
	record->module.size = module->id.len ? 0 : module->id.size;
	record->module.path = (struct stingy_text){module->path, strlen(module->path)};
}

/* Stages' names are the only ones that are written anew: decoded, as the writer encodes them. */
static void write_stage(FILE *out, const struct stingy_manifest_record *record)
{
	struct stingy_manifest_record decoded = *record;
	char name[PATH_MAX];

	stingy_text_decode(record->stage.name, name, sizeof(name));
	decoded.stage.name = (struct stingy_text){name, strlen(name)};
	stingy_manifest_write(out, &decoded);
}

/* Carries a record. Returns whether the line is to be copied as it is; else it is written, or left out. */
static bool carry(struct carrying *carrying, struct stingy_manifest_record *record)
{
	switch (record->type) {
	case STINGY_MANIFEST_MODULE:
		carry_module(carrying, record);
		if (carrying->out && !carrying->module[record->number].lost)
			stingy_manifest_write(carrying->out, record);
		return carrying->module[record->number].lost;
	case STINGY_MANIFEST_KIND:
		STINGY_GROW(carrying->kind, &carrying->kind_room, (size_t)record->number + 1);
		stingy_text_decode(record->kind.name, carrying->kind[record->number], NAME_SIZE);
		return true;
	case STINGY_MANIFEST_SITE:
		carrying->n_sites++;
		if (!carry_site(carrying, record))
			return false;
		record->number = carrying->n_carried++;
		if (carrying->out)
			stingy_manifest_write(carrying->out, record);
		return false;
	case STINGY_MANIFEST_STAGE:
		carrying->n_stages++;
		carry_stage(carrying, record);
		if (carrying->out)
			write_stage(carrying->out, record);
		return false;
	default:
		return true;
	}
}

/* Where the last line of a stretch of whole lines begins. */
static const char *last_line(const char *begin, const char *end)
{
	const char *at = end - 1;

	while (at > begin && at[-1] != '\n')
		at--;
	return at;
}

static void write_origin(const struct carrying *carrying, uint32_t n_carried)
{
	char text[NAME_SIZE], id[ID_TEXT];
	const struct stingy_elf_id *elf = &carrying->module[0].id;

	snprintf(text, sizeof(text), "carried over to %s: %" PRIu32 " of %" PRIu32 " sites",
		 print_id(elf->id, elf->len, elf->size, id), n_carried, carrying->n_sites);
	stingy_manifest_write_comment(carrying->out, text);
}

/* Goes through the manifest once: to count and to tell, or to write. n_carried: what the first time has counted. */
static void carry_all(struct carrying *carrying, const struct stingy_mapped_file *file, uint32_t n_carried)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	const char *before = file->data, *line;
	bool is_first = true;

	stingy_manifest_reader_init(&reader, file->data, file->size);
	while (stingy_manifest_next(&reader, &record) == 1) {
		line = last_line(before, reader.next);
		if (carrying->out)
			fwrite(before, 1, (size_t)(line - before), carrying->out);
		if (carrying->out && is_first)
			write_origin(carrying, n_carried);
		is_first = false;
		if (carry(carrying, &record) && carrying->out)
			fwrite(line, 1, (size_t)(reader.next - line), carrying->out);
		before = reader.next;
	}
	if (carrying->out)
		fwrite(before, 1, (size_t)(file->data + file->size - before), carrying->out);
}

/* Returns 0, or -1 after a line: without the program nothing can be carried. */
static int open_modules(struct carrying *carrying, const struct stingy_mapped_file *file)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	char id[ID_TEXT];

	stingy_manifest_reader_init(&reader, file->data, file->size);
	while (stingy_manifest_next(&reader, &record) == 1) {
		const struct stingy_manifest_module *module = &record.module;

		if (record.type != STINGY_MANIFEST_MODULE)
			continue;
		if (carrying->n_modules == 0)
			carrying->module = stingy_memory_new(STINGY_MODULES_MAX, sizeof(*carrying->module));
		open_module(carrying, carrying->n_modules++, module);
		if (record.number == 0 && carrying->module[0].lost)
			return complain(carrying->report, "'%s': %s (%s; is it somewhere else? --from FILE)",
					carrying->rebase->program, carrying->module[0].lost,
					print_id(module->id, module->id_len, module->size, id));
	}
	return carrying->n_modules
		       ? 0
		       : complain(carrying->report, "'%s': it names no program", carrying->rebase->manifest);
}

static void tell(const struct carrying *carrying)
{
	for (uint32_t i = 1; i < carrying->n_modules; i++)
		if (carrying->module[i].lost)
			complain(carrying->report, "module %" PRIu32 " '%s': %s", i, carrying->module[i].path,
				 carrying->module[i].lost);
	complain(carrying->report,
		 "carried %" PRIu32 " of %" PRIu32 " sites and %" PRIu32 " of %" PRIu32 " stages over to '%s'%s",
		 carrying->n_carried, carrying->n_sites, carrying->n_stages_carried, carrying->n_stages,
		 carrying->rebase->program, carrying->module[0].is_same ? ", which is of the same build" : "");
}

static int write_all(struct carrying *carrying, const struct stingy_mapped_file *file, char **text, size_t *size)
{
	uint32_t n_carried = carrying->n_carried;

	carrying->out = open_memstream(text, size);
	if (!carrying->out)
		return complain(stderr, "cannot make the manifest: %s", strerror(errno));
	carrying->report = NULL;
	carrying->n_carried = 0;
	carry_all(carrying, file, n_carried);
	return fclose(carrying->out) == 0 ? 0 : complain(stderr, "cannot make the manifest: %s", strerror(errno));
}

int stingy_rebase_run(const struct stingy_rebase *rebase, char **text, size_t *size, FILE *report)
{
	struct carrying carrying = {.rebase = rebase, .report = report};
	struct stingy_mapped_file file;
	int result;

	*text = NULL;
	if (stingy_manifest_file_init(&file, rebase->manifest) < 0)
		return -1;
	result = open_modules(&carrying, &file);
	if (result == 0) {
		carry_all(&carrying, &file, 0);
		tell(&carrying);
		result = carrying.n_sites && !carrying.n_carried ? 1 : write_all(&carrying, &file, text, size);
	}
	close_modules(&carrying);
	stingy_mapped_file_fini(&file);
	return result;
}
