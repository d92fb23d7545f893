#include "stages.h"

#include <string.h>

#define CACHE_SIZE 256u /* functions; a power of two */

/* A function that was looked for. Threads read and write as they come: what was read amid a change does not count. */
struct cached {
	uint64_t changes;                 /* of the place: odd while a thread is at it */
	uintptr_t function;               /* 0: none yet */
	const struct stingy_stage *stage; /* NULL: the manifest does not know it */
	uint64_t when;                    /* modules had come and gone so often; since then, they are where they were */
};

static struct cached cache[CACHE_SIZE] __attribute__((aligned(32)));

void stingy_stages_count(struct stingy_stages_counts *counts, const struct stingy_manifest_stage *from)
{
	counts->n_stages++;
	counts->n_needs += from->n_allocates;
	counts->names += from->name.len + 1;
}

void stingy_stages_count_task(struct stingy_stages_counts *counts, const struct stingy_manifest_schedule *from)
{
	counts->n_needs += from->n_takes;
}

size_t stingy_stages_memory(const struct stingy_stages_counts *counts)
{
	return counts->n_stages * sizeof(struct stingy_stage) + counts->n_needs * sizeof(struct stingy_need) +
	       counts->names;
}

void stingy_stages_init(struct stingy_stages *stages, const struct stingy_stages_counts *counts, void *memory)
{
	*stages = (struct stingy_stages){.stage = memory};
	stages->need_room = (struct stingy_need *)(void *)(stages->stage + counts->n_stages);
	stages->name_room = (char *)(stages->need_room + counts->n_needs);
}

/* A count too large for its type is too large for any region. */
static void add_need(struct stingy_stage *stage, struct stingy_need *needs, uint32_t region, uint32_t count)
{
	uint32_t n = 0;
	while (n < stage->n_needs && needs[n].region != region)
		n++;
	if (n == stage->n_needs)
		needs[stage->n_needs++] = (struct stingy_need){region, 0};
	if (__builtin_add_overflow(needs[n].count, count, &needs[n].count))
		needs[n].count = UINT32_MAX;
}

static void add_needs(struct stingy_stages *stages, struct stingy_stage *stage,
		      const struct stingy_allocates *allocates, uint32_t n, const struct stingy_sites_kind *kinds)
{
	stage->needs = stages->need_room;
	for (uint32_t i = 0; i < n; i++)
		add_need(stage, stages->need_room, kinds[allocates[i].kind].region, allocates[i].count);
	stages->need_room += stage->n_needs;
}

void stingy_stages_add(struct stingy_stages *stages, const struct stingy_manifest_stage *from,
		       const struct stingy_sites_kind *kinds)
{
	struct stingy_stage *stage = &stages->stage[stages->n++];
	*stage = (struct stingy_stage){
		.module = from->module,
		.offset = from->offset,
		.name = stingy_text_decode(from->name, stages->name_room, from->name.len + 1),
	};
	stages->name_room += from->name.len + 1;
	add_needs(stages, stage, from->allocates, from->n_allocates, kinds);
}

void stingy_stages_add_task(struct stingy_stages *stages, const struct stingy_manifest_schedule *from,
			    const struct stingy_sites_kind *kinds)
{
	stages->task = (struct stingy_stage){.module = UINT32_MAX};
	add_needs(stages, &stages->task, from->takes, from->n_takes, kinds);
}

const struct stingy_stage *stingy_stages_search(const struct stingy_stages *stages, const struct stingy_sites *sites,
						uintptr_t function)
{
	for (uint32_t i = 0; i < stages->n; i++) {
		const struct stingy_stage *stage = &stages->stage[i];
		if (stage->module != UINT32_MAX &&
		    stingy_module_address(&sites->modules[stage->module].here, stage->offset) == function)
			return stage;
	}
	return NULL;
}

/* How often modules had come and gone when sites last looked. */
static uint64_t modules_now(const struct stingy_sites *sites)
{
	return __atomic_load_n(&sites->version.adds, __ATOMIC_RELAXED) +
	       __atomic_load_n(&sites->version.subs, __ATOMIC_RELAXED);
}

/* Whether the place has the function's answer of now. */
static bool read_cached(const struct cached *place, uintptr_t function, uint64_t when,
			const struct stingy_stage **stage)
{
	uint64_t changes = __atomic_load_n(&place->changes, __ATOMIC_ACQUIRE);
	bool is_it = __atomic_load_n(&place->function, __ATOMIC_ACQUIRE) == function &&
		     __atomic_load_n(&place->when, __ATOMIC_ACQUIRE) == when && changes % 2 == 0;
	*stage = __atomic_load_n(&place->stage, __ATOMIC_ACQUIRE);
	return is_it && __atomic_load_n(&place->changes, __ATOMIC_RELAXED) == changes;
}

/* Unless another thread is at it; a child that was forked meanwhile does without the place. */
static void write_cached(struct cached *place, uintptr_t function, uint64_t when, const struct stingy_stage *stage)
{
	uint64_t changes = __atomic_load_n(&place->changes, __ATOMIC_RELAXED);
	if (changes % 2 != 0 || !__atomic_compare_exchange_n(&place->changes, &changes, changes + 1, false,
							     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&place->function, function, __ATOMIC_RELEASE);
	__atomic_store_n(&place->stage, stage, __ATOMIC_RELEASE);
	__atomic_store_n(&place->when, when, __ATOMIC_RELEASE);
	__atomic_store_n(&place->changes, changes + 2, __ATOMIC_RELEASE);
}

const struct stingy_stage *stingy_stages_find(const struct stingy_stages *stages, const struct stingy_sites *sites,
					      uintptr_t function)
{
	struct cached *place = &cache[(function >> 4) % CACHE_SIZE];
	uint64_t when = modules_now(sites);
	const struct stingy_stage *stage;
	if (function == 0)
		return NULL;
	if (__builtin_expect(read_cached(place, function, when, &stage), 1))
		return stage;
	stage = stingy_stages_search(stages, sites, function);
	write_cached(place, function, when, stage);
	return stage;
}

const struct stingy_stage *stingy_stages_named(const struct stingy_stages *stages, const char *name)
{
	for (uint32_t i = 0; i < stages->n && name[0]; i++) /* those without a name have an empty one */
		if (strcmp(stages->stage[i].name, name) == 0)
			return &stages->stage[i];
	return NULL;
}

const struct stingy_stage *stingy_stages_numbered(const struct stingy_stages *stages, uint32_t number)
{
	return number < stages->n ? &stages->stage[number] : NULL;
}
