/*
 * What a scheduler asks (stingy.h): StingyDynCheck of the paper, and its kin. An answer compares what a run of the
 * stage takes from each region with what is free there: a few loads and compares a region. Stages are found in
 * stages.c.
 *
 * What ordering asks before it lets tasks begin (room.h) is the same, but for regions that are mostly taken.
 *
 * The high slab does not count as free: what is placed there is not in the part of memory that fits the cache.
 */
#include "room.h"
#include "serve.h"
#include "stingy.h"

#include <string.h>

#define ENTRY __attribute__((visibility("default")))

/*
 * The regions from which the thread would be served; NULL: from none, whatever the answer. An owner is one only while
 * the manifest is in force.
 */
static inline struct stingy_region *regions_of_thread(void)
{
	if (__builtin_expect(stingy_serve_is_owner(&stingy_self), 1))
		return stingy_self.regions;
	return stingy_serve.is_on && !stingy_serve.is_dry ? stingy_serve_regions() : NULL;
}

/* To count what other threads have given back takes a look at every slot; the owner takes it in instead, once. */
static __attribute__((noinline)) uint32_t count_remote(struct stingy_region *region)
{
	bool is_own = region->owner == stingy_thread();
	if (is_own)
		stingy_region_collect(region);
	return stingy_region_n_free(region);
}

static inline uint32_t n_free(struct stingy_region *region)
{
	return __builtin_expect(stingy_region_has_remote(region), 0) ? count_remote(region)
								     : stingy_region_n_ready(region);
}

/* Runs for which the region has room. Most take one slot, and a division takes as long as all the rest. */
static inline uint32_t n_runs(uint32_t n_free, uint32_t n_needed)
{
	return __builtin_expect(n_needed == 1, 1) ? n_free : n_free / n_needed;
}

ENTRY unsigned StingyDynCount(const struct stingy_stage *stage)
{
	struct stingy_region *regions = stage ? regions_of_thread() : NULL;
	uint32_t least = STINGY_MANY;
	if (!regions)
		return STINGY_MANY;
	for (const struct stingy_need *need = stage->needs; need < stage->needs + stage->n_needs; need++) {
		uint32_t runs = n_runs(n_free(&regions[need->region]), need->count);
		least = runs < least ? runs : least;
	}
	return least;
}

uint32_t stingy_room_for_tasks(void)
{
	const struct stingy_stage *task = &stingy_serve.stages.task;
	uint32_t least = UINT32_MAX;
	if (!stingy_serve_is_owner(&stingy_self))
		return least;
	for (const struct stingy_need *need = task->needs; need < task->needs + task->n_needs; need++) {
		struct stingy_region *region = &stingy_self.regions[need->region];
		uint32_t n = n_free(region), tasks = n_runs(n, need->count);
		if (n >= region->live.count / 2 && tasks < least)
			least = tasks;
	}
	return least;
}

uint64_t stingy_room_refused(void)
{
	return stingy_self.counters ? stingy_self.counters->fell_back[STINGY_FELL_FULL] : 0;
}

/* The stages of the manifest, once it is in force: there may be threads before. */
static const struct stingy_stages *stages(void)
{
	static const struct stingy_stages none;
	return __atomic_load_n(&stingy_serve.is_on, __ATOMIC_ACQUIRE) ? &stingy_serve.stages : &none;
}

static const struct stingy_stage *find(const void *function)
{
	return stingy_stages_find(stages(), &stingy_serve.sites, (uintptr_t)function);
}

ENTRY int StingyDynCheck(const void *function)
{
	return StingyDynCount(find(function)) != 0;
}

/* Fills in the need that limits the runs most. */
static void find_limit(const struct stingy_stage *stage, struct stingy_region *regions, struct stingy_why *why)
{
	uint32_t least = STINGY_MANY;
	for (uint32_t i = 0; i < stage->n_needs; i++) {
		const struct stingy_need *need = &stage->needs[i];
		struct stingy_region *region = &regions[need->region];
		uint32_t n = n_free(region), runs = n_runs(n, need->count);
		if (runs >= least)
			continue;
		least = runs;
		*why = (struct stingy_why){
			.answer = runs ? STINGY_FITS : STINGY_FULL,
			.region = need->region,
			.n_free = n,
			.n_needed = need->count,
			.kinds = region->label[0] ? region->label + strlen(", ") : "",
		};
	}
}

ENTRY int StingyDynWhy(const struct stingy_stage *stage, struct stingy_why *why)
{
	struct stingy_region *regions = stage ? regions_of_thread() : NULL;
	*why = (struct stingy_why){.answer = STINGY_TAKES_NOTHING, .kinds = ""};
	if (!stage)
		why->answer = STINGY_UNKNOWN_STAGE;
	else if (!regions)
		why->answer = STINGY_NOT_SERVED;
	else
		find_limit(stage, regions, why);
	return why->answer != STINGY_FULL;
}

/* Its module may have been loaded a moment ago, and nothing in it have allocated yet. */
ENTRY const struct stingy_stage *StingyStageOf(const void *function)
{
	stingy_serve_renew();
	return stingy_stages_search(stages(), &stingy_serve.sites, (uintptr_t)function);
}

ENTRY const struct stingy_stage *StingyStageNamed(const char *name)
{
	return stingy_stages_named(stages(), name);
}

ENTRY const struct stingy_stage *StingyStageNumbered(unsigned number)
{
	return stingy_stages_numbered(stages(), number);
}
