/*
 * The sites of the manifest, ready for matching: which object kind does this call chain allocate?
 *
 * A trie over chains, from the malloc call outwards. Its nodes know nothing of addresses; its edges (node, return
 * address) -> node stand in one hash table, so that a step costs the same whatever the number of sites. The table is
 * made anew when modules with sites come or go. It also remembers return addresses that lead to no site: one that is
 * in the table is known, one that is not may be from a module loaded since, and is worth a look (stingy_sites_learn).
 *
 * Readers take no lock and may run beside one writer; writers exclude each other by a try-lock, never waiting: the
 * loader's lock is taken inside. A reader that meets a change half made misses its site, no more. Memory: one mapping,
 * made by stingy_sites_init, kept for good.
 */
#ifndef STINGY_SITES_H
#define STINGY_SITES_H

#include "modules.h"
#include "region.h"
#include "walk.h"

/* Return addresses without a site that are remembered; beyond them, unknown means unmanaged. */
#define STINGY_UNMANAGED_MAX 2048u

#define STINGY_NODE_ROOT      0u         /* also: no edge */
#define STINGY_NODE_UNMANAGED UINT32_MAX /* the address is known to begin no site */

struct stingy_node {
	struct stingy_rule rule;      /* to the next return address; STINGY_RULE_NONE: no edge leaves the node */
	struct stingy_region *region; /* where its kind lives; NULL: no site ends here */
	uint32_t limit;               /* bytes: larger allocations are not served */
	uint32_t align;               /* bytes: what every slot of the region has */
};

struct stingy_edge {
	uintptr_t ra; /* 0: empty */
	uint32_t from, to;
};

/* An edge as the manifest has it: without an address. */
struct stingy_named_edge {
	uint64_t offset;
	uint32_t module;
	uint32_t from, to;
};

/* A module of the manifest, and where it is loaded now. */
struct stingy_sites_module {
	struct stingy_manifest_module named;
	struct stingy_module here; /* n_segments is 0 while it is not loaded; path is not valid */
	bool is_other_build;       /* a module of this path is loaded, but another build of it */
};

struct stingy_sites {
	struct stingy_edge *edges; /* the hash table in force; the other half of its mapping is for the next one */
	struct stingy_node *nodes;
	unsigned shift; /* of a 64-bit hash to an index */
	uint32_t mask;
	/* what is not for the hot path */
	struct stingy_edge *tables[2];
	struct stingy_named_edge *named;
	struct stingy_sites_module *modules;
	uint32_t n_nodes, n_named, n_modules, n_unmanaged;
	uint32_t n_here;                       /* sites whose outermost address is in a module that is loaded */
	struct stingy_modules_version version; /* of the loader's list that the table was made for */
	bool is_locked;
};

/* Bytes for so many addresses in sites (an upper bound of nodes and edges) and modules. */
size_t stingy_sites_memory(uint32_t addresses, uint32_t modules);

/* Makes an empty set. memory: zeroed, page-aligned, of stingy_sites_memory() bytes. */
void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules, void *memory);

/* Adds the manifest's next module, in its order. */
void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module);

/*
 * Adds a site whose objects go to region. Returns 0, or -1 if the manifest contradicts itself: the same chain twice,
 * or two rules for one address of a chain.
 */
int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site, struct stingy_region *region,
		     uint32_t limit, uint32_t align);

/* Makes the table for the modules that are loaded now, if their list has changed. Takes the loader's lock. */
void stingy_sites_bind(struct stingy_sites *sites);

/* The same, and gives what leads from the root by ra now; remembers ra as unmanaged if nothing does. */
uint32_t stingy_sites_learn(struct stingy_sites *sites, uintptr_t ra);

/* Whether the program that runs is the manifest's module 0. To be asked after stingy_sites_bind. */
bool stingy_sites_is_program(const struct stingy_sites *sites);

/* After fork, in the child: another thread may have held the lock. */
static inline void stingy_sites_after_fork(struct stingy_sites *sites)
{
	sites->is_locked = false;
}

static inline uint64_t stingy_sites_hash(uint32_t from, uintptr_t ra)
{
	return (ra + (uint64_t)from * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
}

/* Where the edge (from, ra) leads; STINGY_NODE_ROOT if there is none. */
static inline uint32_t stingy_sites_find(const struct stingy_sites *sites, uint32_t from, uintptr_t ra)
{
	const struct stingy_edge *edges = __atomic_load_n(&sites->edges, __ATOMIC_RELAXED);
	uint32_t i = (uint32_t)(stingy_sites_hash(from, ra) >> sites->shift);
	for (;; i = (i + 1) & sites->mask) {
		const struct stingy_edge *edge = &edges[i];
		uintptr_t at = __atomic_load_n(&edge->ra, __ATOMIC_ACQUIRE);
		if (at == ra && edge->from == from)
			return edge->to;
		if (at == 0)
			return STINGY_NODE_ROOT;
	}
}

/*
 * The node in which the longest site that matches the call ends, beginning at node first, to which the call's own
 * return address led; NULL: none does.
 */
static inline const struct stingy_node *stingy_sites_match(const struct stingy_sites *sites, uint32_t first,
							   const struct stingy_call *call,
							   const struct stingy_stack *stack)
{
	const struct stingy_node *node = &sites->nodes[first];
	if (__builtin_expect(node->rule.base == STINGY_RULE_NONE, 1))
		return node->region ? node : NULL;
	const struct stingy_node *best = node->region ? node : NULL;
	struct stingy_frame frame = stingy_walk_begin(call);
	while (stingy_walk_step(&frame, &node->rule, stack)) {
		uint32_t next = stingy_sites_find(sites, (uint32_t)(node - sites->nodes), frame.ra);
		if (next == STINGY_NODE_ROOT)
			break;
		node = &sites->nodes[next];
		if (node->region)
			best = node;
		if (node->rule.base == STINGY_RULE_NONE)
			break;
	}
	return best;
}

#endif
