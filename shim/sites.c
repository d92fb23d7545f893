#include "sites.h"

#include "map.h"

#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/single_threaded.h>

const struct stingy_node stingy_sites_unmanaged = {.region = NULL};

/* The table is at most half full. */
static uint32_t table_size(uint32_t addresses)
{
	uint32_t least = 2 * (addresses + STINGY_UNMANAGED_MAX), size = 4096;
	while (size < least)
		size *= 2;
	return size;
}

size_t stingy_sites_memory(uint32_t addresses, uint32_t modules)
{
	return 2 * table_size(addresses) * sizeof(struct stingy_edge) +
	       stingy_lines((addresses + 1) * sizeof(struct stingy_node)) +
	       stingy_lines(addresses * sizeof(struct stingy_named_edge)) +
	       stingy_lines(modules * sizeof(struct stingy_sites_module));
}

void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules, void *memory)
{
	char *at = memory;
	uint32_t size = table_size(addresses);
	*sites = (struct stingy_sites){
		.mask = (size - 1) * sizeof(struct stingy_edge), .n_nodes = 1, /* the root */
	};
	sites->tables[0] = stingy_carve(&at, size * sizeof(struct stingy_edge));
	sites->tables[1] = stingy_carve(&at, size * sizeof(struct stingy_edge));
	sites->nodes = stingy_carve(&at, (addresses + 1) * sizeof(struct stingy_node));
	sites->named = stingy_carve(&at, addresses * sizeof(struct stingy_named_edge));
	sites->modules = stingy_carve(&at, modules * sizeof(struct stingy_sites_module));
	sites->edges = sites->tables[0];
}

/* The edge with the key, or the empty one where it would go. */
static struct stingy_edge *place_of(struct stingy_edge *table, const struct stingy_sites *sites, uint64_t key)
{
	uint64_t i = stingy_sites_hash(key);
	for (;; i += sizeof(*table)) {
		struct stingy_edge *edge = (struct stingy_edge *)((char *)table + (i & sites->mask));
		if (edge->key == 0 || edge->key == key)
			return edge;
	}
}

static void insert(struct stingy_edge *table, const struct stingy_sites *sites, uint64_t key,
		   const struct stingy_node *to)
{
	struct stingy_edge *edge = place_of(table, sites, key);
	edge->to = to;
	__atomic_store_n(&edge->key, key, __ATOMIC_RELEASE); /* readers see a whole edge or none */
}

void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module)
{
	sites->modules[sites->n_modules++].named = *module;
}

/*
 * While sites are added, table 0 finds the edges by name, not by address: the key is the node's, mixed with module and
 * offset. Names that mix to one key take keys in turn. The named edge to node n is the one numbered n - 1.
 */
static uint64_t name_key(uint64_t node_key, const struct stingy_address *address)
{
	return node_key ^ ((uint64_t)address->module << 40) ^ address->offset;
}

static bool is_named(const struct stingy_sites *sites, const struct stingy_node *to, uint32_t from,
		     const struct stingy_address *address)
{
	const struct stingy_named_edge *edge = &sites->named[to - sites->nodes - 1];
	return edge->from == from && edge->module == address->module && edge->offset == address->offset;
}

static struct stingy_node *find_named(struct stingy_sites *sites, const struct stingy_node *from,
				      const struct stingy_address *address)
{
	uint32_t number = (uint32_t)(from - sites->nodes);
	uint64_t key = name_key(from->key, address);
	for (;; key++) {
		if (key == 0)
			continue;
		const struct stingy_edge *edge = place_of(sites->tables[0], sites, key);
		if (edge->key == 0)
			break;
		if (is_named(sites, edge->to, number, address))
			return &sites->nodes[edge->to - sites->nodes];
	}
	struct stingy_node *to = &sites->nodes[sites->n_nodes];
	to->key = (uint64_t)sites->n_nodes << STINGY_NODE_BITS;
	sites->named[sites->n_nodes - 1] = (struct stingy_named_edge){
		.offset = address->offset, .module = address->module, .from = number, .to = sites->n_nodes};
	sites->n_nodes++;
	insert(sites->tables[0], sites, key, to);
	return to;
}

static bool is_same_rule(const struct stingy_rule *a, const struct stingy_rule *b)
{
	return a->base == b->base && a->cfa == b->cfa && a->bp == b->bp;
}

int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site, struct stingy_region *region,
		     uint32_t limit, uint32_t align)
{
	struct stingy_node *node = sites->nodes;
	for (uint32_t i = 0; i < site->depth; i++) {
		node = find_named(sites, node, &site->chain[i]);
		if (i + 1 == site->depth)
			break;
		if (node->rule.base == STINGY_RULE_NONE)
			node->rule = site->chain[i].rule;
		else if (!is_same_rule(&node->rule, &site->chain[i].rule))
			return -1;
	}
	if (node == sites->nodes || node->region)
		return -1;
	node->region = region;
	node->limit = limit;
	node->align = align;
	return 0;
}

/* What makes the walk quick from the node outwards, all that leads from it being settled. */
static void settle_node(struct stingy_node *node)
{
	if (!node->is_bp_used)
		node->rule.bp = 0; /* nobody further out needs the frame pointer: a load less */
	node->is_bp_used = node->is_bp_used || node->rule.base == STINGY_RULE_BP;
	if (node->rule.base == STINGY_RULE_NONE && node->region)
		node->quick = node->limit + 1;
	if (node->rule.base == STINGY_RULE_SP && node->rule.bp == 0)
		node->step = (uint32_t)node->rule.cfa;
}

void stingy_sites_settle(struct stingy_sites *sites)
{
	for (uint32_t i = sites->n_nodes - 1; i > 0; i--) { /* a node stands behind the one that leads to it */
		struct stingy_node *node = &sites->nodes[i];
		struct stingy_node *from = &sites->nodes[sites->named[i - 1].from];
		settle_node(node);
		from->is_bp_used = from->is_bp_used || node->is_bp_used;
		from->is_forked = from->only != NULL;
		from->only = node;
	}
}

bool stingy_sites_is_path(const struct stingy_manifest_module *named, const struct stingy_module *module)
{
	static char path[PATH_MAX];
	return strcmp(module->path, stingy_text_decode(named->path, path, sizeof(path))) == 0;
}

bool stingy_sites_is_module(const struct stingy_manifest_module *named, const struct stingy_module *module)
{
	if (named->id_len != 0)
		return module->id_len == named->id_len && memcmp(module->id, named->id, named->id_len) == 0;
	return module->id_len == 0 && stingy_sites_is_path(named, module) &&
	       stingy_module_file_size(module) == named->size;
}

static int place_module(const struct stingy_module *module, void *data)
{
	struct stingy_sites *sites = data;
	for (uint32_t i = module->is_program ? 0 : 1; i < (module->is_program ? 1 : sites->n_modules); i++) {
		struct stingy_sites_module *mine = &sites->modules[i];
		if (stingy_sites_is_module(&mine->named, module)) {
			mine->here = *module;
			return 0;
		}
		if (stingy_sites_is_path(&mine->named, module))
			mine->is_other_build = true;
	}
	return 0;
}

/* Makes the other table from the named edges, and puts it in force. */
static void rebuild(struct stingy_sites *sites)
{
	struct stingy_edge *table = sites->tables[sites->edges == sites->tables[0]];
	memset(table, 0, sites->mask + sizeof(*table));
	for (uint32_t i = 0; i < sites->n_nodes; i++)
		__atomic_store_n(&sites->nodes[i].only_ra, 0, __ATOMIC_RELAXED);
	sites->n_here = 0;
	for (uint32_t i = 0; i + 1 < sites->n_nodes; i++) {
		const struct stingy_named_edge *edge = &sites->named[i];
		struct stingy_node *from = &sites->nodes[edge->from], *to = &sites->nodes[edge->to];
		uintptr_t ra = stingy_module_address(&sites->modules[edge->module].here, edge->offset);
		if (ra == 0)
			continue;
		insert(table, sites, from->key + ra, to);
		if (!from->is_forked)
			__atomic_store_n(&from->only_ra, ra, __ATOMIC_RELAXED);
		sites->n_here += to->region != NULL;
	}
	sites->n_unmanaged = 0;
	__atomic_store_n(&sites->edges, table, __ATOMIC_RELEASE);
}

static bool is_same_version(struct stingy_modules_version a, struct stingy_modules_version b)
{
	return a.adds == b.adds && a.subs == b.subs;
}

static void bind_locked(struct stingy_sites *sites)
{
	if (sites->is_frozen)
		return;
	struct stingy_modules_version version = stingy_modules_version();
	if (is_same_version(version, sites->version))
		return;
	for (uint32_t i = 0; i < sites->n_modules; i++)
		sites->modules[i].here.n_segments = 0;
	stingy_modules_each(place_module, sites);
	rebuild(sites);
	sites->version = version;
}

static bool try_lock(struct stingy_sites *sites)
{
	return !__atomic_test_and_set(&sites->is_locked, __ATOMIC_ACQUIRE);
}

static void unlock(struct stingy_sites *sites)
{
	__atomic_clear(&sites->is_locked, __ATOMIC_RELEASE);
}

void stingy_sites_bind(struct stingy_sites *sites)
{
	__atomic_store_n(&sites->is_stale, true, __ATOMIC_SEQ_CST);
	/* Whoever holds the lock may have looked at the list before it changed, and looks again. */
	while (__atomic_load_n(&sites->is_stale, __ATOMIC_SEQ_CST) && try_lock(sites)) {
		__atomic_store_n(&sites->is_stale, false, __ATOMIC_SEQ_CST);
		bind_locked(sites);
		unlock(sites);
	}
}

const struct stingy_node *stingy_sites_learn(struct stingy_sites *sites, uintptr_t ra)
{
	if (__atomic_load_n(&sites->n_unmanaged, __ATOMIC_RELAXED) >= STINGY_UNMANAGED_MAX || sites->is_frozen ||
	    !try_lock(sites))
		return &stingy_sites_unmanaged;
	bind_locked(sites);
	const struct stingy_node *to = stingy_sites_find(sites, STINGY_ROOT_KEY, ra);
	if (!to) {
		to = &stingy_sites_unmanaged;
		insert(sites->edges, sites, STINGY_ROOT_KEY + ra, to);
		sites->n_unmanaged++;
	}
	unlock(sites);
	if (__atomic_load_n(&sites->is_stale, __ATOMIC_SEQ_CST))
		stingy_sites_bind(sites);
	return to;
}

const struct stingy_node *stingy_sites_match(const struct stingy_sites *sites, const struct stingy_node *node,
					     const struct stingy_frame *at, const struct stingy_stack *stack)
{
	const struct stingy_node *best = node->region ? node : NULL;
	struct stingy_frame frame = *at;
	while (stingy_walk_step(&frame, &node->rule, stack)) {
		node = stingy_sites_find(sites, node->key, frame.ra);
		if (!node)
			break;
		if (node->region)
			best = node;
	}
	return best;
}

void stingy_sites_before_fork(struct stingy_sites *sites)
{
	while (!try_lock(sites)) /* that thread is with the loader, for a moment */
		sched_yield();
	sites->is_shared = !__libc_single_threaded;
}

void stingy_sites_after_fork_in_parent(struct stingy_sites *sites)
{
	unlock(sites);
}

void stingy_sites_after_fork_in_child(struct stingy_sites *sites)
{
	sites->is_frozen = sites->is_frozen || sites->is_shared;
	unlock(sites);
}
