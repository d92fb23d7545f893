#include "names.h"

#include "hash.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE 256u

/* How many kinds have a name already, apart from the number behind it. */
struct named {
	char name[NAME_SIZE];
	uint32_t n;
	UT_hash_handle hh;
};

/* One more of the name that text holds. Returns how many have it now. */
static uint32_t count_name(struct named **all, const char *name)
{
	struct named *named;

	HASH_FIND_STR(*all, name, named);
	if (!named) {
		named = stingy_memory_new(1, sizeof(*named));
		snprintf(named->name, sizeof(named->name), "%s", name);
		HASH_ADD_STR(*all, name, named);
	}
	return ++named->n;
}

/* The outermost place of the key, or the first one outside of what was declared to be a wrapper. */
static uint32_t namesake(const struct stingy_site *site, const struct stingy_chains *chains,
			 const struct stingy_places *places)
{
	const struct stingy_chain *chain = &chains->chain[site->chain];
	uint32_t at = site->depth - 1;

	while (at + 1 < chain->depth && places->place[chain->place[at]].declared & STINGY_PLACE_WRAPPER)
		at++;
	return chain->place[at];
}

/* Several kinds may be allocated by one function: the second and later ones get a number behind the name. */
void stingy_names_give(struct stingy_kinds *kinds, const struct stingy_chains *chains,
		       const struct stingy_places *places)
{
	struct named *all = NULL, *named, *next;
	char name[NAME_SIZE + 16];

	for (uint32_t i = 0; i < kinds->n_kinds; i++) {
		uint32_t n;

		kinds->kind[i].place = namesake(&kinds->site[kinds->kind[i].site], chains, places);
		stingy_places_print(places, kinds->kind[i].place, name, NAME_SIZE);
		n = count_name(&all, name);
		if (n > 1)
			sprintf(name + strlen(name), "#%" PRIu32, n);
		kinds->kind[i].name = stingy_memory_text(name, strlen(name));
	}
	HASH_ITER(hh, all, named, next)
	{
		HASH_DEL(all, named);
		free(named);
	}
}
