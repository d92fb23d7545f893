/*
 * The sites of the manifest, ready for matching: which object kind does this call chain allocate?
 *
 * A trie over chains, from the malloc call outwards. Its nodes know nothing of addresses but of the one that follows
 * where only one can; its edges (node, return address) -> node stand in one hash table, so that a step costs the same
 * whatever the number of sites. The table is made anew when modules with sites come or go. It also remembers return
 * addresses that lead to no site: one that is in the table is known, one that is not may be from a module loaded since,
 * and is worth a look (stingy_sites_learn).
 *
 * Readers take no lock and may run beside one writer; writers exclude each other by a try-lock, never waiting: the
 * loader's lock is taken inside. A reader that meets a change half made misses its site, no more.
 * Memory: one mapping, made by stingy_sites_memory's measure, kept for good.
 */
#ifndef STINGY_SITES_H
#define STINGY_SITES_H

#include "modules.h"
#include "region.h"
#include "walk.h"

/* Return addresses without a site that are remembered; beyond them, unknown means unmanaged. */
#define STINGY_UNMANAGED_MAX 2048u

/* Addresses in all sites together; what a node's number and an address share a word for. */
#define STINGY_NODES_MAX (1u << 17)
#define STINGY_NODE_BITS 47 /* user addresses of x86-64 are below 2^47 */

struct stingy_node {
	uint64_t key;                 /* its number, shifted by STINGY_NODE_BITS */
	struct stingy_region *region; /* where its kind lives; NULL: no site ends here */
	uint32_t limit;               /* bytes: larger allocations are not served */
	uint32_t align;               /* bytes: what every slot of the region has */
	struct stingy_rule rule;      /* to the next return address; STINGY_RULE_NONE: no edge leaves the node */
	/* for stingy_take_fast, derived: */
	uint32_t step;            /* the rule, where it is a stack pointer and a constant and nothing else; else 0 */
	uint32_t quick;           /* limit + 1 where a site ends and the walk too; else 0 */
	uintptr_t only_ra;        /* where exactly one edge leaves the node and can be taken: its address; else 0 */
	struct stingy_node *only; /* where that leads; NULL: there is no edge, or more than one */
	bool is_forked;           /* more than one */
	bool is_bp_used;          /* its rule, or one further out, begins at the frame pointer */
};

/* The node of an address that is known to begin no site. */
extern const struct stingy_node stingy_sites_unmanaged __attribute__((visibility("hidden")));

struct stingy_edge {
	uint64_t key; /* the node's key plus the return address; 0: empty */
	const struct stingy_node *to;
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
	uint64_t mask;             /* of a hash to an edge's distance from the first, in bytes */
	/* what is not for the hot path */
	struct stingy_node *nodes; /* the first is the root */
	struct stingy_edge *tables[2];
	struct stingy_named_edge *named;
	struct stingy_sites_module *modules;
	uint32_t n_nodes, n_modules, n_unmanaged;
	uint32_t n_here;                       /* sites whose outermost address is in a module that is loaded */
	struct stingy_modules_version version; /* of the loader's list that the table was made for */
	bool is_locked;
	bool is_stale;  /* the loader's list has changed since the lock was taken */
	bool is_shared; /* at fork: there were other threads */
	bool is_frozen; /* the loader must not be asked any more */
};

/* Bytes for so many addresses in sites (an upper bound of nodes and edges) and modules. */
size_t stingy_sites_memory(uint32_t addresses, uint32_t modules);

/* Makes an empty set. memory: zeroed, page-aligned, of stingy_sites_memory() bytes. */
void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules, void *memory);

/* Adds the manifest's next module, in its order. */
void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module);

/*
 * Adds a site whose objects go to region. Returns 0, or -1 if the manifest contradicts itself: the same chain twice, or
 * two rules for one address of a chain.
 */
int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site, struct stingy_region *region,
		     uint32_t limit, uint32_t align);

/* To be called when all sites have been added. */
void stingy_sites_settle(struct stingy_sites *sites);

/* Makes the table for the modules that are loaded now, if their list has changed. Takes the loader's lock. */
void stingy_sites_bind(struct stingy_sites *sites);

/* The same, and gives what leads from the root by ra now; remembers ra as unmanaged if nothing does. */
const struct stingy_node *stingy_sites_learn(struct stingy_sites *sites, uintptr_t ra);

/* Whether that is the module, by build-id or by path and size; whether it is its path. One caller at a time. */
bool stingy_sites_is_module(const struct stingy_manifest_module *named, const struct stingy_module *module);
bool stingy_sites_is_path(const struct stingy_manifest_module *named, const struct stingy_module *module);

/*
 * In fork. The loader's lock may be held by another thread, and glibc does not give it back in the child: so none of
 * our threads is inside meanwhile, and the child of a process that had threads never asks the loader again. What it
 * does not know is unmanaged; modules that it loads stay unknown.
 */
void stingy_sites_before_fork(struct stingy_sites *sites);
void stingy_sites_after_fork_in_parent(struct stingy_sites *sites);
void stingy_sites_after_fork_in_child(struct stingy_sites *sites);

/* The distance at which to look for the key first; further ones are an edge apart. The caller applies the mask. */
static inline uint64_t stingy_sites_hash(uint64_t key)
{
	return key * 0xd6e8feb86659fd93u >> 28;
}

/* Where the edge leads that leaves the node by ra; NULL if there is none. */
static inline const struct stingy_node *stingy_sites_find(const struct stingy_sites *sites, uint64_t node_key,
							  uintptr_t ra)
{
	const char *edges = (const char *)__atomic_load_n(&sites->edges, __ATOMIC_RELAXED);
	uint64_t key = node_key + ra;
	for (uint64_t i = stingy_sites_hash(key);; i += sizeof(struct stingy_edge)) {
		const struct stingy_edge *edge = (const struct stingy_edge *)(edges + (i & sites->mask));
		uint64_t at = __atomic_load_n(&edge->key, __ATOMIC_ACQUIRE);
		if (__builtin_expect(at == key, 1))
			return edge->to;
		if (at == 0)
			return NULL;
	}
}

#define STINGY_ROOT_KEY UINT64_C(0)

/*
 * The node in which the longest site that matches the call ends, beginning at node, to which the call's own return
 * address led and from which edges leave; NULL: none does.
 */
const struct stingy_node *stingy_sites_match(const struct stingy_sites *sites, const struct stingy_node *node,
					     const struct stingy_frame *at, const struct stingy_stack *stack);

#endif
