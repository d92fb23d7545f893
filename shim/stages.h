/*
 * The stages of the manifest: what a run of each takes, and how one is found: by the address of its function, by its
 * name, by its number. And what a whole task takes.
 *
 * Made when the library is loaded, in memory of the caller's, and only read from then on; so a pointer to a stage is
 * good for as long as the process lives, whether the module of its function is loaded or not. Where functions are now,
 * the modules of struct stingy_sites know. Any thread; nothing here waits or allocates.
 */
#ifndef STINGY_STAGES_H
#define STINGY_STAGES_H

#include "../manifests/manifest.h"
#include "sites.h"

#include <stddef.h>
#include <stdint.h>

/* What one run takes from a region. */
struct stingy_need {
	uint32_t region; /* number */
	uint32_t count;  /* slots, at least 1 */
};

/* Programs have pointers to these, but see nothing of them. */
struct stingy_stage {
	const struct stingy_need *needs; /* each region once */
	uint32_t n_needs;
	uint32_t module; /* UINT32_MAX: no known function */
	uint64_t offset; /* of the function in its file */
	const char *name;
};

struct stingy_stages {
	struct stingy_stage *stage; /* by number */
	uint32_t n;
	struct stingy_stage
		task; /* as if it were a stage: what a task has at once; nothing, if the manifest does not say */
	/* what is left of the room for needs and names, while stages are added */
	struct stingy_need *need_room;
	char *name_room;
};

/* What the stages of a manifest take together. */
struct stingy_stages_counts {
	uint32_t n_stages, n_needs;
	size_t names; /* bytes, with their ends */
};

/* Counts one more stage in. */
void stingy_stages_count(struct stingy_stages_counts *counts, const struct stingy_manifest_stage *from);
void stingy_stages_count_task(struct stingy_stages_counts *counts, const struct stingy_manifest_schedule *from);

/* Bytes of memory for so many; and stages, none yet, in such memory, zeroed, 16-aligned. */
size_t stingy_stages_memory(const struct stingy_stages_counts *counts);
void stingy_stages_init(struct stingy_stages *stages, const struct stingy_stages_counts *counts, void *memory);

/* Adds the manifest's next stage. kinds: the manifest's. Kinds that share a region need the sum of its slots. */
void stingy_stages_add(struct stingy_stages *stages, const struct stingy_manifest_stage *from,
		       const struct stingy_sites_kind *kinds);
void stingy_stages_add_task(struct stingy_stages *stages, const struct stingy_manifest_schedule *from,
			    const struct stingy_sites_kind *kinds);

/* The stage of a function; NULL: there is none, or its module is not loaded as far as sites knows. */
const struct stingy_stage *stingy_stages_search(const struct stingy_stages *stages, const struct stingy_sites *sites,
						uintptr_t function);

/*
 * The same by a small cache, for those who ask again and again. There is one cache, so one set of stages.
 */
const struct stingy_stage *stingy_stages_find(const struct stingy_stages *stages, const struct stingy_sites *sites,
					      uintptr_t function);

/* The first stage of that name; the stage of that number. NULL: there is none. */
const struct stingy_stage *stingy_stages_named(const struct stingy_stages *stages, const char *name);
const struct stingy_stage *stingy_stages_numbered(const struct stingy_stages *stages, uint32_t number);

#endif
