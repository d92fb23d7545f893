/*
 * What a scheduler asks (stingy.h): StingyDynCheck of the paper. A stage is looked up by the address of its function,
 * in a small cache in front of the manifest's list; the list knows functions by module and offset.
 */
#include "serve.h"
#include "stingy.h"

#define CACHE_SIZE 256u /* functions; a power of two */

struct cached {
	uintptr_t function;               /* 0: empty */
	const struct stingy_stage *stage; /* NULL: the manifest does not know it */
	const struct stingy_edge *edges;  /* the table of sites that was in force: modules were where they are now */
};

static struct cached cache[CACHE_SIZE];

static const struct stingy_stage *search(uintptr_t function)
{
	for (uint32_t i = 0; i < stingy_serve.n_stages; i++) {
		const struct stingy_stage *stage = &stingy_serve.stages[i];
		if (stage->module != UINT32_MAX &&
		    stingy_module_address(&stingy_serve.sites.modules[stage->module].here, stage->offset) == function)
			return stage;
	}
	return NULL;
}

/* Threads may race for a place: the function is written last, and an answer for another stage is but bad advice. */
static const struct stingy_stage *find(uintptr_t function)
{
	struct cached *place = &cache[(function >> 4) % CACHE_SIZE];
	const struct stingy_edge *edges = __atomic_load_n(&stingy_serve.sites.edges, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&place->function, __ATOMIC_ACQUIRE) == function && place->edges == edges)
		return place->stage;
	const struct stingy_stage *stage = search(function);
	__atomic_store_n(&place->function, 0, __ATOMIC_RELEASE);
	place->stage = stage;
	place->edges = edges;
	__atomic_store_n(&place->function, function, __ATOMIC_RELEASE);
	return stage;
}

/* Most often it need not be known what other threads have given back; the owner finds that out once for all. */
static bool has_free(struct stingy_region *region, uint32_t count, bool is_owner)
{
	if (stingy_region_n_ready(region) >= count)
		return true;
	if (!is_owner)
		return stingy_region_n_free(region) >= count;
	return stingy_region_collect(region) && stingy_region_n_ready(region) >= count;
}

__attribute__((visibility("default"))) int StingyDynCheck(const void *function)
{
	if (!stingy_serve.is_on || stingy_serve.is_dry || !function)
		return 1;
	const struct stingy_stage *stage = find((uintptr_t)function);
	struct stingy_region *regions = stingy_serve_regions();
	if (!stage || !regions)
		return 1;
	for (uint32_t i = 0; i < stage->n_needs; i++) {
		const struct stingy_need *need = &stage->needs[i];
		if (!has_free(&regions[need->region], need->count, regions == stingy_self.regions))
			return 0;
	}
	return 1;
}
