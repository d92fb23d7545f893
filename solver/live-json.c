#include "live-json.h"

#include "live-words.h"
#include "memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct stingy_live_reader reader_t;

/* A number of the object; 0 if it is not there, or is none that can be. */
static uint64_t number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static uint32_t small(const json_t *object, const char *key)
{
	uint64_t value = number(object, key);

	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* -1: it is null, or not there, as what is not known. */
static int32_t known(const json_t *object, const char *key)
{
	const json_t *of = json_object_get(object, key);
	json_int_t value = json_is_integer(of) ? json_integer_value(of) : -1;

	return value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
}

static void text(const json_t *object, const char *key, char *to, size_t size)
{
	const char *value = json_string_value(json_object_get(object, key));

	snprintf(to, size, "%s", value ? value : "");
}

/* Which of n words it is; 0 if it is none of them. */
static uint32_t word(const json_t *object, const char *key, const char *(*words)(uint32_t), uint32_t n)
{
	const char *value = json_string_value(json_object_get(object, key));

	for (uint32_t i = 0; value && i < n; i++)
		if (strcmp(value, words(i)) == 0)
			return i;
	return 0;
}

static void read_order(struct stingy_live_order *order, const json_t *from)
{
	order->state = word(from, "ordering", stingy_live_words_ordering, STINGY_ORDERING_STATES);
	order->why = word(from, "why", stingy_live_words_left, STINGY_LEFT_REASONS);
	order->bound = small(from, "bound");
	order->crowd = small(from, "crowd");
	order->tasks = known(from, "tasks");
	order->connections = known(from, "connections");
	order->duels = small(from, "comparisons");
	order->won = small(from, "won");
	order->saved = (int32_t)json_integer_value(json_object_get(from, "saved"));
	order->short_turns = number(from, "short_turns");
	order->turns[0] = number(from, "turns");
	order->turns[1] = number(from, "first_turns");
	order->events[0] = number(from, "events");
	order->events[1] = number(from, "first_events");
}

static char *join(const json_t *names)
{
	char *joined = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&joined, &size);
	const json_t *each;

	json_array_foreach(names, i, each)
	{
		if (out)
			fprintf(out, "%s%s", i ? ", " : "", json_is_string(each) ? json_string_value(each) : "?");
	}
	if (!out || fclose(out) != 0)
		return stingy_memory_text("", 0);
	return joined;
}

/* Counts in the file are of all arenas together. */
static void read_region(struct stingy_live_json_process *process, uint32_t i, const json_t *from)
{
	struct stingy_live_reader_region *region = &process->reader.region[i];
	uint32_t n_arenas = process->reader.live.n_arenas;

	region->slot = small(from, "slot");
	region->count = small(from, "count") / (n_arenas ? n_arenas : 1);
	region->in_use = small(from, "in_use");
	region->peak = small(from, "peak");
	region->served = number(from, "served");
	region->full = number(from, "full");
	process->kinds[i] = join(json_object_get(from, "kinds"));
}

static void read_regions(struct stingy_live_json_process *process, const json_t *from)
{
	reader_t *reader = &process->reader;
	size_t n = json_array_size(from);
	uint64_t served = 0;

	reader->live.n_regions = n < STINGY_REGIONS_MAX ? (uint32_t)n : STINGY_REGIONS_MAX;
	process->kinds = stingy_memory_new(reader->live.n_regions + 1u, sizeof(*process->kinds));
	for (uint32_t i = 0; i < reader->live.n_regions; i++) {
		read_region(process, i, json_array_get(from, i));
		served += reader->region[i].served;
	}
	/* The sum in the file has those of the regions in it. */
	reader->live.thread[0].served -=
		served < reader->live.thread[0].served ? served : reader->live.thread[0].served;
}

static void read_counters(struct stingy_live_counters *counters, const json_t *from)
{
	const json_t *fell_back = json_object_get(from, "fell_back");

	counters->served = number(from, "served");
	counters->unmanaged = number(from, "unmanaged");
	for (int i = 0; i < STINGY_FELL_REASONS; i++)
		counters->fell_back[i] = number(fell_back, stingy_live_words_fell_back(i));
}

static void read_process(struct stingy_live_json_process *process, const json_t *from)
{
	reader_t *reader = &process->reader;
	struct stingy_live *live = &reader->live;
	const json_t *orders = json_object_get(from, "order");

	reader->pid = (pid_t)small(from, "pid");
	text(from, "program", reader->program, sizeof(reader->program));
	text(from, "manifest", live->manifest, sizeof(live->manifest));
	text(from, "note", live->note, sizeof(live->note));
	live->state = word(from, "state", stingy_live_words_state, STINGY_LIVE_DRY_RUN + 1);
	live->pages = word(from, "pages", stingy_live_words_pages, STINGY_PAGES_SMALL + 1);
	live->n_threads = 1;
	live->n_arenas = small(from, "arenas");
	live->n_owned = small(from, "owned");
	live->sites = number(from, "sites");
	live->sites_here = number(from, "sites_here");
	reader->resident = number(from, "resident_kib");
	reader->huge = number(from, "huge_kib");
	for (size_t i = 0; i < json_array_size(orders) && i < STINGY_LIVE_ORDERS; i++)
		read_order(&live->order[i], json_array_get(orders, i));
	read_counters(&live->thread[0], from);
	read_regions(process, json_object_get(from, "regions"));
}

int stingy_live_json_init(struct stingy_live_json *json, const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);

	memset(json, 0, sizeof(*json));
	if (!root) {
		snprintf(json->error, sizeof(json->error), "%s", error.text);
		return -1;
	}
	json->process = stingy_memory_new(json_array_size(root) + 1, sizeof(*json->process));
	for (size_t i = 0; i < json_array_size(root); i++)
		if (json_is_object(json_array_get(root, i)))
			read_process(&json->process[json->n++], json_array_get(root, i));
	json_decref(root);
	if (json->n)
		return 0;
	snprintf(json->error, sizeof(json->error), "no process in it: is it the output of 'stingy stat --json'?");
	return -1;
}

void stingy_live_json_fini(struct stingy_live_json *json)
{
	for (size_t i = 0; i < json->n; i++) {
		for (uint32_t region = 0; region < json->process[i].reader.live.n_regions; region++)
			free(json->process[i].kinds[region]);
		free(json->process[i].kinds);
	}
	free(json->process);
}
