#include "labels.h"

#include "clean.h"
#include "demangle.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_same_region(const struct stingy_manifest_region *a, const struct stingy_live_reader_region *b)
{
	return a->offset == b->offset && a->slot == b->slot && a->count == b->count;
}

/* Takes what has a name. Returns false if the region is none of the process's. */
static bool take(struct stingy_labels *labels, const struct stingy_manifest_record *record,
		 const struct stingy_live_reader *live)
{
	if (record->type == STINGY_MANIFEST_REGION)
		return record->number < live->live.n_regions &&
		       is_same_region(&record->region, &live->region[record->number]);
	if (record->type == STINGY_MANIFEST_KIND) {
		STINGY_GROW(labels->kind, &labels->room, labels->n_kinds + 1);
		labels->kind[labels->n_kinds++] = record->kind;
	} else if (record->type == STINGY_MANIFEST_STAGE && record->number < labels->n_stages) {
		labels->stage[record->number] = record->stage.name;
	}
	return true;
}

/* Reads the names. Returns whether the manifest is whole, and its regions are the process's. */
static bool read_names(struct stingy_labels *labels, const struct stingy_live_reader *live)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	int more;

	labels->n_stages = live->live.stages.count;
	labels->stage = stingy_memory_new(labels->n_stages + 1u, sizeof(*labels->stage));
	stingy_manifest_reader_init(&reader, labels->file.data, labels->file.size);
	while ((more = stingy_manifest_next(&reader, &record)) > 0)
		if (!take(labels, &record, live))
			return false;
	return more == 0 && reader.counts.regions == live->live.n_regions;
}

void stingy_labels_fini(struct stingy_labels *labels)
{
	free(labels->kind);
	free(labels->stage);
	if (labels->file.data)
		stingy_mapped_file_fini(&labels->file);
	memset(labels, 0, sizeof(*labels));
}

/* A path that was cut short would name another file. */
void stingy_labels_init(struct stingy_labels *labels, const struct stingy_live_reader *live)
{
	const char *path = live->live.manifest;

	memset(labels, 0, sizeof(*labels));
	if (!path[0] || strlen(path) + 1 == sizeof(live->live.manifest))
		return;
	if (stingy_mapped_file_init(&labels->file, path) < 0)
		memset(labels, 0, sizeof(*labels));
	else if (!read_names(labels, live))
		stingy_labels_fini(labels);
}

bool stingy_labels_next(const struct stingy_labels *labels, uint32_t region, size_t *at, char name[STINGY_LABELS_NAME])
{
	while (*at < labels->n_kinds) {
		const struct stingy_manifest_kind *kind = &labels->kind[(*at)++];

		if (kind->region != region || kind->name.len == 0)
			continue;
		stingy_text_decode(kind->name, name, STINGY_LABELS_NAME);
		return true;
	}
	return false;
}

char *stingy_labels_stage(const struct stingy_labels *labels, uint32_t stage, char name[STINGY_LABELS_NAME])
{
	name[0] = '\0';
	if (stage < labels->n_stages)
		stingy_text_decode(labels->stage[stage], name, STINGY_LABELS_NAME);
	return name;
}

void stingy_labels_print(const struct stingy_labels *labels, uint32_t region, uint32_t most, FILE *out)
{
	char name[STINGY_LABELS_NAME];
	uint32_t n = 0;
	size_t at = 0;

	while (stingy_labels_next(labels, region, &at, name)) {
		if (n++ >= most)
			continue;
		fputs(n > 1 ? ", " : "", out);
		stingy_clean_print(out, stingy_demangle(name, sizeof(name)));
	}
	if (n > most)
		fprintf(out, " and %" PRIu32 " more", n - most);
}
