/*
 * The sites of the manifest, ready for matching: which object kind does this call chain allocate?
 *
 * A trie over chains, from the malloc call outwards. Most of its nodes have but one way on, to the node behind them in
 * memory, and know the one return address that leads there. The edges from the root and from forks, (node, return
 * address) -> node, stand in one hash table, so that a step costs the same whatever the number of sites. The table is
 * made anew when modules with sites come or go. It also remembers return addresses that lead to no site: one that is
 * in the table is known, one that is not may be from a module loaded since, and is worth a look (stingy_sites_learn).
 * The dynamic loader's own are not remembered: it allocates when it loads modules, of which some may come to malloc by
 * known addresses only.
 *
 * Readers take no lock and may run beside one writer; writers exclude each other by a try-lock, never waiting: the
 * loader's lock is taken inside. A reader that meets a change half made misses its site; one that was held up over two
 * changes may, once in a very long time, be led to another site's node: its object then lies in another region, whose
 * slots are large enough for it, as that is what is compared. To look at the key again would take three instructions
 * of every malloc.
 * Memory: one mapping, made by stingy_sites_memory's measure, kept for good.
 */
#ifndef STINGY_SITES_H
#define STINGY_SITES_H

#include "latch.h"
#include "modules.h"
#include "walk.h"

#include <stdbool.h>
#include <stddef.h>

/* Return addresses without a site for which there is room at least; beyond what there is, unknown means unmanaged. */
#define STINGY_UNMANAGED_LEAST 1024u

/* A node's number and an address share a word. */
#define STINGY_NODE_BITS 47 /* user addresses of x86-64 are below 2^47 */

_Static_assert(STINGY_ADDRESSES_MAX < 1ul << (64 - STINGY_NODE_BITS), "there is a number for each node");

/*
 * No return address, as it is not canonical. Nor a number that programs have about: by a rule that is wrong the walk
 * compares it with anything.
 */
#define STINGY_NO_RA UINT64_C(0x8000000000000001)

/*
 * What the quick walk needs of a node. Where all rules on the way from the root are a stack pointer and a constant, the
 * next return address is at a place known beforehand, counted from the stack pointer at the malloc call.
 */
struct stingy_node {
	uintptr_t only_ra;  /* the one address that leads on, to the next node in memory; or STINGY_NO_RA */
	uint64_t fork;      /* the node's key, where edges leave it that are in the table; else 0 */
	uint32_t quick;     /* bytes: smaller allocations are served here, and the walk ends; 0: not so simple */
	uint32_t region;    /* bytes from an arena's first region to that of its kind */
	uint32_t next_at;   /* bytes from the call's stack pointer to the next return address; 0: not so simple */
	uint32_t next_ends; /* the most that a walk from here may read, likewise */
};

/* The rest of it. */
struct stingy_node_rest {
	struct stingy_rule rule; /* to the next return address; STINGY_RULE_NONE: no edge leaves the node */
	uint32_t kind;           /* that is allocated here, plus 1; 0: no site ends here */
	bool is_forked;          /* more than one edge leaves it */
	bool is_bp_used;         /* its rule, or one further out, begins at the frame pointer */
};

/* The node of an address that is known to begin no site. */
extern const struct stingy_node stingy_sites_unmanaged __attribute__((visibility("hidden")));

struct stingy_edge {
	uint64_t key; /* the node's key plus the return address; 0: empty */
	const struct stingy_node *to;
};

/* An edge as the manifest has it: without an address. The one numbered n leads to the node numbered n + 1. */
struct stingy_named_edge {
	uint64_t offset;
	uint32_t module;
	uint32_t from;
};

/* A module of the manifest, and where it is loaded now. */
struct stingy_sites_module {
	struct stingy_manifest_module named;
	struct stingy_module here; /* n_segments is 0 while it is not loaded; path is not valid */
	bool is_other_build;       /* a module of this path is loaded, but another build of it */
};

/* What is allocated at a site. */
struct stingy_sites_kind {
	uint32_t limit;  /* bytes: larger allocations are not served */
	uint32_t region; /* number of its region */
	uint32_t high;   /* number of the region for what does not fit there; UINT32_MAX: none */
};

struct stingy_sites {
	struct stingy_edge *edges; /* the hash table in force; the other half of its mapping is for the next one */
	uint64_t mask;             /* of a hash: edges in the table, minus 1 */
	/* what is not for the hot path */
	struct stingy_node *nodes; /* the first is the root */
	struct stingy_node_rest *rest;
	struct stingy_edge *tables[2];
	struct stingy_named_edge *named;
	struct stingy_sites_module *modules;
	const struct stingy_sites_kind *kinds;
	uint32_t n_nodes, n_modules;
	uint32_t n_unmanaged, most_unmanaged;  /* return addresses without a site that are remembered, and can be */
	uint32_t n_here;                       /* sites whose outermost address is in a module that is loaded */
	struct stingy_modules_version version; /* of the loader's list that the table was made for */
	struct stingy_module loader;           /* itself; n_segments is 0 if it is not known; path is not valid */
	struct stingy_latch latch;             /* of those who write; inside, the loader is asked */
	bool is_stale;                         /* the loader's list has changed since the latch was taken */
	bool is_frozen;                        /* the loader must not be asked any more */
};

/* Bytes for so many addresses in sites (an upper bound of nodes and edges) and modules. */
size_t stingy_sites_memory(uint32_t addresses, uint32_t modules);

/* Makes an empty set. memory: zeroed, page-aligned, of stingy_sites_memory() bytes. kinds stay the caller's. */
void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules,
		       const struct stingy_sites_kind *kinds, void *memory);

/* Adds the manifest's next module, in its order. */
void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module);

/*
 * Adds a site; its kind must be known by now. Returns 0, or -1 if the manifest contradicts itself: the same chain
 * twice, or two rules for one address of a chain.
 */
int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site);

/*
 * To be called when all sites have been added. region_size: bytes from one region to the next. is_quick: whether sites
 * may be served by the quick way at all.
 */
void stingy_sites_settle(struct stingy_sites *sites, uint32_t region_size, bool is_quick);

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
 * does not know is unmanaged, and remembered as that; modules that it loads stay unknown. Where a signal handler forks
 * amid one of the functions above, that one goes on in both processes.
 */
void stingy_sites_before_fork(struct stingy_sites *sites);
void stingy_sites_after_fork_in_parent(struct stingy_sites *sites);
void stingy_sites_after_fork_in_child(struct stingy_sites *sites);

#define STINGY_ROOT_KEY UINT64_C(0)

/*
 * Where the edge leads that leaves the node with the key by ra; NULL if there is none. Return addresses differ in their
 * low bits enough to be their own hash; so do node keys.
 */
static inline const struct stingy_node *stingy_sites_find(const struct stingy_sites *sites, uint64_t node_key,
							  uintptr_t ra)
{
	const struct stingy_edge *edges = __atomic_load_n(&sites->edges, __ATOMIC_RELAXED);
	uint64_t key = node_key + ra;
	for (uint64_t i = key;; i++) {
		const struct stingy_edge *edge = &edges[i & sites->mask];
		uint64_t at = __atomic_load_n(&edge->key, __ATOMIC_ACQUIRE);
		if (__builtin_expect(at == key, 1)) {
			const struct stingy_node *to = __atomic_load_n(&edge->to, __ATOMIC_RELAXED);
			if (!to && node_key == STINGY_ROOT_KEY)
				__builtin_unreachable(); /* callers need not ask; else ra may be anything, and key 0 */
			return to;
		}
		if (at == 0)
			return NULL;
	}
}

/* Whether no more addresses without a site can be remembered: what is not known is taken for one. */
static inline bool stingy_sites_are_full(const struct stingy_sites *sites)
{
	return __atomic_load_n(&sites->n_unmanaged, __ATOMIC_RELAXED) >= sites->most_unmanaged;
}

/* Whether the call whose stack pointer is sp came by the one address that leads on from the node. */
static inline bool stingy_sites_is_only(const struct stingy_node *node, uintptr_t sp)
{
	uintptr_t ra = *(const uintptr_t *)(sp + node->next_at);
	return ra == __atomic_load_n(&node->only_ra, __ATOMIC_RELAXED);
}

/*
 * Walks one step from the node, from which edges leave; where there is none for this call, to stingy_sites_unmanaged.
 * Also where it has been led to another site's node (see above) from which more may be read than from this one.
 */
static inline const struct stingy_node *stingy_sites_step(const struct stingy_sites *sites,
							  const struct stingy_node *node, uintptr_t sp)
{
	if (__builtin_expect(stingy_sites_is_only(node, sp), 1))
		return node + 1;
	if (node->fork == 0)
		return &stingy_sites_unmanaged;
	const struct stingy_node *to = stingy_sites_find(sites, node->fork, *(const uintptr_t *)(sp + node->next_at));
	return to && to->next_ends <= node->next_ends ? to : &stingy_sites_unmanaged;
}

/*
 * Walks from a node with a next_at outwards, as far as it can be done by places known beforehand. sp: the stack pointer
 * just after the malloc call; what is in the thread's stack from there on to next_ends can be read. The first steps are
 * written out for where there is but one way on: a step is cheaper than a jump.
 */
static inline __attribute__((always_inline)) const struct stingy_node *
stingy_sites_walk(const struct stingy_sites *sites, const struct stingy_node *node, uintptr_t sp)
{
	if (__builtin_expect(stingy_sites_is_only(node, sp), 1)) {
		if (node[1].next_at == 0)
			return node + 1;
		if (__builtin_expect(stingy_sites_is_only(node + 1, sp), 1)) {
			if (node[2].next_at == 0)
				return node + 2;
			if (__builtin_expect(stingy_sites_is_only(node + 2, sp), 1)) {
				if (node[3].next_at == 0)
					return node + 3;
				node++;
			}
			node++;
		}
		node++;
	}
	do
		node = stingy_sites_step(sites, node, sp);
	while (node->next_at != 0);
	return node;
}

/*
 * The number of the kind of the longest site that matches the call, beginning at node, to which the call's own return
 * address led; UINT32_MAX: none does.
 */
uint32_t stingy_sites_match(const struct stingy_sites *sites, const struct stingy_node *node,
			    const struct stingy_frame *at, const struct stingy_stack *stack);

#endif
