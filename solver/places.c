#define _GNU_SOURCE /* basename */
#include "places.h"

#include "clean.h"
#include "demangle.h"
#include "hash.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place_key {
	uint64_t offset;
	uint64_t module; /* as wide as the offset, so that the key has no padding */
};

struct stingy_place_index {
	struct place_key key;
	uint32_t place;
	UT_hash_handle hh;
};

void stingy_places_init(struct stingy_places *places)
{
	memset(places, 0, sizeof(*places));
}

void stingy_places_fini(struct stingy_places *places)
{
	struct stingy_place_index *entry, *next;

	HASH_ITER(hh, places->index, entry, next)
	{
		HASH_DEL(places->index, entry);
		free(entry);
	}
	for (uint32_t i = 0; i < places->n_modules; i++)
		free(places->module[i].path);
	for (uint32_t i = 0; i < places->n_places; i++)
		free(places->place[i].name);
	free(places->module);
	free(places->place);
	memset(places, 0, sizeof(*places));
}

static bool same_path(const char *path, struct stingy_text text)
{
	return strlen(path) == text.len && memcmp(path, text.at, text.len) == 0;
}

static bool is_module(const struct stingy_module *module, const struct stingy_trace_module *declared)
{
	if (module->id_len != declared->id_len)
		return false;
	if (module->id_len)
		return memcmp(module->id, declared->id, module->id_len) == 0;
	return module->size == declared->size && same_path(module->path, declared->path);
}

/* One build may lie under several paths; which is kept must not depend on the order of the traces. */
static void keep_least_path(struct stingy_module *module, struct stingy_text path)
{
	char *text = stingy_memory_text(path.at, path.len);

	if (strcmp(text, module->path) < 0) {
		char *old = module->path;

		module->path = text;
		text = old;
	}
	free(text);
}

/* A program has tens of modules: looking through them is no cost. */
uint32_t stingy_places_module(struct stingy_places *places, const struct stingy_trace_module *declared)
{
	struct stingy_module *module;

	for (uint32_t i = 0; i < places->n_modules; i++) {
		if (is_module(&places->module[i], declared)) {
			keep_least_path(&places->module[i], declared->path);
			return i;
		}
	}
	STINGY_GROW(places->module, &places->module_room, places->n_modules + 1);
	module = &places->module[places->n_modules];
	memset(module, 0, sizeof(*module));
	memcpy(module->id, declared->id, declared->id_len);
	module->id_len = declared->id_len;
	module->size = declared->id_len ? 0 : declared->size;
	module->path = stingy_memory_text(declared->path.at, declared->path.len);
	return places->n_modules++;
}

static bool is_known(const struct stingy_rule *rule)
{
	return rule->base != STINGY_RULE_NONE;
}

static bool same_rule(const struct stingy_rule *a, const struct stingy_rule *b)
{
	return a->base == b->base && a->cfa == b->cfa && a->bp == b->bp;
}

/* A trace that learned no rule says nothing against one that did. */
static void bring_together(struct stingy_place *place, const struct stingy_trace_frame *declared)
{
	if (!is_known(&place->rule))
		place->rule = declared->rule;
	else if (is_known(&declared->rule) && !same_rule(&place->rule, &declared->rule))
		place->disputed = true;
	if (declared->function > place->function)
		place->function = declared->function;
	if (!place->name && declared->name.len)
		place->name = stingy_clean(stingy_demangle(declared->name.at, declared->name.len));
}

uint32_t stingy_places_add(struct stingy_places *places, uint32_t module, const struct stingy_trace_frame *declared)
{
	struct place_key key = {.offset = declared->offset, .module = module};
	struct stingy_place_index *entry;

	HASH_FIND(hh, places->index, &key, sizeof(key), entry);
	if (!entry) {
		STINGY_GROW(places->place, &places->place_room, places->n_places + 1);
		places->place[places->n_places] = (struct stingy_place){.module = module, .offset = declared->offset};
		entry = stingy_memory_new(1, sizeof(*entry));
		entry->key = key;
		entry->place = places->n_places++;
		HASH_ADD(hh, places->index, key, sizeof(entry->key), entry);
	}
	bring_together(&places->place[entry->place], declared);
	return entry->place;
}

bool stingy_place_leads_on(const struct stingy_place *place)
{
	bool walkable = place->rule.base == STINGY_RULE_SP || place->rule.base == STINGY_RULE_BP;

	return walkable && !place->disputed && place->module != STINGY_NO_MODULE && stingy_rule_is_valid(&place->rule);
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int stingy_places_compare_modules(const struct stingy_places *places, uint32_t a, uint32_t b)
{
	const struct stingy_module *x, *y;
	int result;

	if (a == b || a == STINGY_NO_MODULE || b == STINGY_NO_MODULE)
		return order(a, b);
	x = &places->module[a];
	y = &places->module[b];
	result = strcmp(x->path, y->path);
	if (result == 0)
		result = order(x->id_len, y->id_len);
	if (result == 0)
		result = memcmp(x->id, y->id, x->id_len);
	return result ? result : order(x->size, y->size);
}

int stingy_places_compare(const struct stingy_places *places, uint32_t a, uint32_t b)
{
	const struct stingy_place *x = &places->place[a], *y = &places->place[b];
	int result = stingy_places_compare_modules(places, x->module, y->module);

	return result ? result : order(x->offset, y->offset);
}

char *stingy_places_print(const struct stingy_places *places, uint32_t place, char *text, size_t size)
{
	const struct stingy_place *at = &places->place[place];

	if (at->name)
		snprintf(text, size, "%s", at->name);
	else if (at->module == STINGY_NO_MODULE)
		snprintf(text, size, "0x%" PRIx64, at->offset);
	else
		snprintf(text, size, "%s+0x%" PRIx64, basename(places->module[at->module].path), at->offset);
	return stingy_clean(text);
}
