#define _GNU_SOURCE /* qsort_r */
#include "kinds.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define RARE        3u  /* allocations: fewer are no reason for a longer key */
#define STAGE_SHARE 10u /* percent of the objects that must be live in a stage for it to tell kinds apart */

/* What must be equal in all chains of a site. */
struct signature {
	bool managed;
	enum stingy_class class; /* if managed */
	unsigned step;           /* of the size */
	uint64_t stages;         /* set of those in which it is live, if it does not live for good */
};

/* A chain that allocates. */
struct atom {
	uint32_t chain;
	bool rare;
	bool lost;       /* never to be managed, whatever it is together with */
	uint64_t weight; /* allocations */
	uint64_t bytes;  /* that one task holds of it; of what is final, all that there is */
	struct signature signature;
};

struct leaf {
	struct stingy_site site;
	struct signature signature;
	uint64_t bytes;      /* as an atom's */
	uint32_t first, end; /* its atoms */
};

struct splitting {
	const struct stingy_chains *chains;
	const struct stingy_places *places;
	const struct stingy_census *census;
	unsigned cover; /* percent */
	struct atom *atom;
	uint32_t n_atoms;
	struct leaf *leaf; /* managed ones only */
	uint32_t n_leaves;
	size_t leaf_room;
};

static struct signature signature_of(const struct splitting *splitting, const struct stingy_unit *unit)
{
	enum stingy_class class = stingy_class_of(splitting->census, unit);

	if (!stingy_class_is_managed(class))
		return (struct signature){.managed = false};
	return (struct signature){
		.managed = true,
		.class = class,
		.step = stingy_sizes_step(stingy_sizes_cover(&unit->served->sizes, splitting->cover)),
		.stages = class == STINGY_CLASS_FINAL ? 0 : stingy_unit_stages(unit, STAGE_SHARE),
	};
}

static int compare_signatures(const struct signature *a, const struct signature *b)
{
	if (a->managed != b->managed)
		return a->managed ? 1 : -1;
	if (a->class != b->class)
		return a->class > b->class ? 1 : -1;
	if (a->step != b->step)
		return a->step > b->step ? 1 : -1;
	return (a->stages > b->stages) - (a->stages < b->stages);
}

/* Whether some of its objects never end: were it served, its slots would be gone for good. */
static bool keeps_slots(const struct stingy_unit *unit)
{
	return unit->setup_left || unit->fate[STINGY_FATE_LEFT];
}

static struct atom atom_of(const struct splitting *splitting, uint32_t chain)
{
	const struct stingy_unit *unit = &splitting->census->unit[chain];
	struct atom atom = {.chain = chain, .weight = unit->serving + unit->setup};

	atom.signature = signature_of(splitting, unit);
	atom.lost = unit->unseen_ends > 0 || unit->is_pool || unit->is_left_out;
	atom.rare = atom.weight < RARE && !atom.lost && (atom.signature.managed || !keeps_slots(unit));
	if (atom.signature.managed)
		atom.bytes =
			stingy_sizes_cover(&unit->served->sizes, splitting->cover) *
			(atom.signature.class == STINGY_CLASS_FINAL ? unit->max_live
								    : stingy_unit_per_task(unit, STINGY_COVER_TASKS));
	return atom;
}

static int compare_atoms(const void *a, const void *b, void *data)
{
	const struct splitting *splitting = data;
	const struct atom *x = a, *y = b;

	return stingy_chains_compare(splitting->chains, splitting->places, x->chain, y->chain);
}

static void take_atoms(struct splitting *splitting)
{
	const struct stingy_census *census = splitting->census;

	splitting->atom = stingy_memory_new(splitting->chains->n_chains, sizeof(*splitting->atom));
	for (uint32_t i = 0; i < splitting->chains->n_chains; i++)
		if (splitting->chains->chain[i].depth && census->unit[i].serving + census->unit[i].setup)
			splitting->atom[splitting->n_atoms++] = atom_of(splitting, i);
	qsort_r(splitting->atom, splitting->n_atoms, sizeof(*splitting->atom), compare_atoms, splitting);
}

static bool agree(const struct splitting *splitting, uint32_t first, uint32_t end)
{
	const struct atom *model = NULL;

	for (uint32_t i = first; i < end; i++) {
		const struct atom *atom = &splitting->atom[i];

		if (atom->rare)
			continue;
		if (model && compare_signatures(&model->signature, &atom->signature) != 0)
			return false;
		model = atom;
	}
	return true;
}

static int compare_atom_signatures(const void *a, const void *b)
{
	const struct atom *const *x = a, *const *y = b;
	int result = compare_signatures(&(*x)->signature, &(*y)->signature);

	return result ? result : (*x > *y) - (*x < *y);
}

/* Of the n atoms, in the order of their signatures, the one whose signature has the most allocations. */
static const struct atom *heaviest(const struct atom *const *atom, uint32_t n)
{
	const struct atom *first = atom[0], *best = atom[0];
	uint64_t weight = 0, most = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (compare_signatures(&first->signature, &atom[i]->signature) != 0) {
			first = atom[i];
			weight = 0;
		}
		weight += atom[i]->weight;
		/* Signatures hold numbers that are only this run's: among equals, the order of the chains decides. */
		if (weight > most || (weight == most && first < best)) {
			most = weight;
			best = first;
		}
	}
	return best;
}

/* The signature with the most allocations among the managed atoms, if those have most of all and none is lost. */
static struct signature majority(const struct splitting *splitting, uint32_t first, uint32_t end)
{
	const struct atom **managed = stingy_memory_new(end - first, sizeof(const struct atom *));
	struct signature result = {.managed = false};
	uint64_t weight = 0, all = 0;
	bool safe = true;
	uint32_t n = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct atom *atom = &splitting->atom[i];

		all += atom->weight;
		safe = safe && !atom->lost;
		if (!atom->signature.managed)
			continue;
		weight += atom->weight;
		managed[n++] = atom;
	}
	if (safe && weight * 2 > all) {
		qsort(managed, n, sizeof(const struct atom *), compare_atom_signatures);
		result = heaviest(managed, n)->signature;
	}
	free(managed);
	return result;
}

static void add_leaf(struct splitting *splitting, uint32_t first, uint32_t end, uint32_t depth)
{
	struct leaf leaf = {.signature = majority(splitting, first, end), .first = first, .end = end};

	if (!leaf.signature.managed)
		return;
	leaf.site.chain = splitting->atom[first].chain;
	leaf.site.depth = depth;
	for (uint32_t i = first; i < end; i++) {
		leaf.site.serving += splitting->atom[i].weight;
		leaf.bytes += splitting->atom[i].bytes;
	}
	STINGY_GROW(splitting->leaf, &splitting->leaf_room, (size_t)splitting->n_leaves + 1);
	splitting->leaf[splitting->n_leaves++] = leaf;
}

/* The atom's frame at the depth, or STINGY_NO_MODULE if no key could hold it. */
static uint32_t frame_at(const struct splitting *splitting, uint32_t atom, uint32_t depth)
{
	const struct stingy_chain *chain = &splitting->chains->chain[splitting->atom[atom].chain];

	if (depth >= chain->depth || splitting->places->place[chain->place[depth]].module == STINGY_NO_MODULE)
		return STINGY_NO_MODULE;
	return chain->place[depth];
}

/* Whether most of the allocations stay in sight if the key grows to one more frame than depth. */
static bool can_grow(const struct splitting *splitting, uint32_t first, uint32_t end, uint32_t depth)
{
	uint64_t in_sight = 0, all = 0;

	if (depth >= STINGY_DEPTH_MAX)
		return false;
	if (depth && !stingy_place_leads_on(&splitting->places->place[frame_at(splitting, first, depth - 1)]))
		return false;
	for (uint32_t i = first; i < end; i++) {
		all += splitting->atom[i].weight;
		if (frame_at(splitting, i, depth) != STINGY_NO_MODULE)
			in_sight += splitting->atom[i].weight;
	}
	return in_sight * 2 > all;
}

/* The atoms from first to end share their first depth frames. */
static void split(struct splitting *splitting, uint32_t first, uint32_t end, uint32_t depth)
{
	uint32_t next;

	if (depth && (agree(splitting, first, end) || !can_grow(splitting, first, end, depth))) {
		add_leaf(splitting, first, end, depth);
		return;
	}
	for (; first < end; first = next) {
		uint32_t frame = frame_at(splitting, first, depth);

		for (next = first + 1; next < end && frame_at(splitting, next, depth) == frame; next++)
			;
		if (frame != STINGY_NO_MODULE)
			split(splitting, first, next, depth + 1);
	}
}

static int compare_leaves(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	int result = compare_signatures(&x->signature, &y->signature);

	return result ? result : (x->first > y->first) - (x->first < y->first);
}

static int compare_sites(const void *a, const void *b, void *data)
{
	const struct splitting *splitting = data;
	const struct stingy_site *x = a, *y = b;

	return stingy_chains_compare(splitting->chains, splitting->places, x->chain, y->chain);
}

static void add_site(struct stingy_kinds *kinds, const struct splitting *splitting, struct leaf *leaf)
{
	leaf->site.kind = kinds->n_kinds - 1;
	for (uint32_t i = leaf->first; i < leaf->end; i++)
		kinds->kind_of[splitting->atom[i].chain] = leaf->site.kind;
	kinds->site[kinds->n_sites++] = leaf->site;
}

/* Leaves come by signature: those that agree and together stay bounded are one kind. */
static void group(struct stingy_kinds *kinds, struct splitting *splitting, uint64_t task_bytes)
{
	uint64_t bytes = 0;

	if (!splitting->n_leaves)
		return;
	qsort(splitting->leaf, splitting->n_leaves, sizeof(*splitting->leaf), compare_leaves);
	for (uint32_t i = 0; i < splitting->n_leaves; i++) {
		struct leaf *leaf = &splitting->leaf[i];
		bool alike = i && compare_signatures(&leaf->signature, &leaf[-1].signature) == 0;

		bytes = alike ? bytes + leaf->bytes : leaf->bytes;
		if (!alike || bytes > task_bytes) {
			bytes = leaf->bytes;
			kinds->n_kinds++;
		}
		add_site(kinds, splitting, leaf);
	}
	qsort_r(kinds->site, kinds->n_sites, sizeof(*kinds->site), compare_sites, splitting);
}

/* Numbers the kinds anew, in the order of their first sites: signatures hold numbers that are only this run's. */
static void renumber(struct stingy_kinds *kinds, const struct splitting *splitting)
{
	uint32_t *number = stingy_memory_new(kinds->n_kinds, sizeof(*number));
	uint32_t n_numbered = 0;

	for (uint32_t i = 0; i < kinds->n_sites; i++) {
		uint32_t *mine = &number[kinds->site[i].kind];

		if (!*mine)
			*mine = ++n_numbered; /* one more than the number, so that 0 is none yet */
		kinds->site[i].kind = *mine - 1;
	}
	for (uint32_t i = 0; i < splitting->n_atoms; i++) {
		uint32_t *kind = &kinds->kind_of[splitting->atom[i].chain];

		if (*kind != STINGY_NO_UNIT)
			*kind = number[*kind] - 1;
	}
	free(number);
}

static void summarize(struct stingy_kinds *kinds, const struct splitting *splitting)
{
	kinds->kind = stingy_memory_new(kinds->n_kinds, sizeof(*kinds->kind));
	for (uint32_t i = 0; i < kinds->n_sites; i++) {
		struct stingy_kind *kind = &kinds->kind[kinds->site[i].kind];

		if (kind->n_sites++ == 0 || kinds->site[i].serving > kinds->site[kind->site].serving)
			kind->site = i;
	}
	for (uint32_t i = 0; i < splitting->n_leaves; i++) {
		const struct leaf *leaf = &splitting->leaf[i];

		kinds->kind[kinds->kind_of[splitting->atom[leaf->first].chain]].class = leaf->signature.class;
	}
}

void stingy_kinds_init(struct stingy_kinds *kinds, const struct stingy_census *census,
		       const struct stingy_chains *chains, const struct stingy_places *places, unsigned cover,
		       uint64_t task_bytes)
{
	struct splitting splitting = {.chains = chains, .places = places, .census = census, .cover = cover};

	memset(kinds, 0, sizeof(*kinds));
	kinds->kind_of = stingy_memory_new(chains->n_chains, sizeof(*kinds->kind_of));
	for (uint32_t i = 0; i < chains->n_chains; i++)
		kinds->kind_of[i] = STINGY_NO_UNIT;
	take_atoms(&splitting);
	split(&splitting, 0, splitting.n_atoms, 0);
	kinds->site = stingy_memory_new(splitting.n_leaves, sizeof(*kinds->site));
	group(kinds, &splitting, task_bytes);
	renumber(kinds, &splitting);
	summarize(kinds, &splitting);
	free(splitting.atom);
	free(splitting.leaf);
}

void stingy_kinds_fini(struct stingy_kinds *kinds)
{
	for (uint32_t i = 0; i < kinds->n_kinds; i++)
		free(kinds->kind[i].name);
	free(kinds->kind);
	free(kinds->site);
	free(kinds->kind_of);
	memset(kinds, 0, sizeof(*kinds));
}
