#include "sites.h"

#include "map.h"

#include <limits.h>
#include <string.h>
#include <sys/auxv.h>

const struct stingy_node stingy_sites_unmanaged = {.only_ra = STINGY_NO_RA};

/* Bytes from the malloc call beyond which a frame is not for the quick walk: see stingy_serve_can_walk in serve.h. */
#define QUICK_MOST (48u << 10)

static uint32_t power_of_two(uint32_t least)
{
	uint32_t size = 4096;
	while (size < least)
		size *= 2;
	return size;
}

/* Of the table in which so many edges are found by name, while sites are added. */
static uint32_t name_table_size(uint32_t edges)
{
	return power_of_two(edges + edges / 3);
}

/* Of one in which so many edges are found by address: at most half full. */
static uint32_t table_size(uint32_t edges)
{
	return power_of_two(2 * (edges + STINGY_UNMANAGED_LEAST));
}

size_t stingy_sites_memory(uint32_t addresses, uint32_t modules)
{
	return 2 * table_size(addresses) * sizeof(struct stingy_edge) +
	       stingy_lines((addresses + 1) * sizeof(struct stingy_node)) +
	       stingy_lines((addresses + 1) * sizeof(struct stingy_node_rest)) +
	       stingy_lines(addresses * sizeof(struct stingy_named_edge)) +
	       stingy_lines(modules * sizeof(struct stingy_sites_module));
}

void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules,
		       const struct stingy_sites_kind *kinds, void *memory)
{
	char *at = memory;
	uint32_t room = table_size(addresses);
	*sites = (struct stingy_sites){
		.mask = name_table_size(addresses) - 1, .kinds = kinds, .n_nodes = 1, /* the root */
	};
	sites->tables[0] = stingy_carve(&at, room * sizeof(struct stingy_edge));
	sites->tables[1] = stingy_carve(&at, room * sizeof(struct stingy_edge));
	sites->nodes = stingy_carve(&at, (addresses + 1) * sizeof(struct stingy_node));
	sites->rest = stingy_carve(&at, (addresses + 1) * sizeof(struct stingy_node_rest));
	sites->named = stingy_carve(&at, addresses * sizeof(struct stingy_named_edge));
	sites->modules = stingy_carve(&at, modules * sizeof(struct stingy_sites_module));
	sites->edges = sites->tables[0];
}

/* Its low bits spread the edges that leave different nodes by one address. */
static uint64_t key_of(uint32_t number)
{
	return ((uint64_t)number << STINGY_NODE_BITS) + (number * 0x9e3779b1u >> 8);
}

/* The edge with the key, or the empty one where it would go. */
static struct stingy_edge *place_of(struct stingy_edge *table, const struct stingy_sites *sites, uint64_t key)
{
	uint64_t i = key;
	while (table[i & sites->mask].key != 0 && table[i & sites->mask].key != key)
		i++;
	return &table[i & sites->mask];
}

static void insert(struct stingy_edge *table, const struct stingy_sites *sites, uint64_t key,
		   const struct stingy_node *to)
{
	struct stingy_edge *edge = place_of(table, sites, key);
	__atomic_store_n(&edge->to, to, __ATOMIC_RELAXED);
	__atomic_store_n(&edge->key, key, __ATOMIC_RELEASE); /* whoever sees this sees where it leads */
}

void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module)
{
	sites->modules[sites->n_modules++].named = *module;
}

/*
 * While sites are added, table 0 finds the edges by name, not by address: the key is the node's, mixed with module and
 * offset. Names that mix to one key take keys in turn.
 */
static uint64_t name_key(uint32_t from, const struct stingy_address *address)
{
	uint64_t key = (key_of(from) ^ ((uint64_t)address->module << 40) ^ address->offset) * 0x9e3779b97f4a7c15u;
	return key ^ key >> 32; /* whatever bits differ, the low ones do, by which it is found */
}

static bool is_named(const struct stingy_sites *sites, const struct stingy_node *to, uint32_t from,
		     const struct stingy_address *address)
{
	const struct stingy_named_edge *edge = &sites->named[to - sites->nodes - 1];
	return edge->from == from && edge->module == address->module && edge->offset == address->offset;
}

/* The number of the node that the named edge leads to; makes it. */
static uint32_t find_named(struct stingy_sites *sites, uint32_t from, const struct stingy_address *address)
{
	uint64_t key = name_key(from, address);
	for (;; key++) {
		if (key == 0)
			continue;
		const struct stingy_edge *edge = place_of(sites->tables[0], sites, key);
		if (edge->key == 0)
			break;
		if (is_named(sites, edge->to, from, address))
			return (uint32_t)(edge->to - sites->nodes);
	}
	uint32_t to = sites->n_nodes++;
	sites->named[to - 1] = (struct stingy_named_edge){address->offset, address->module, from};
	insert(sites->tables[0], sites, key, &sites->nodes[to]);
	return to;
}

static bool is_same_rule(const struct stingy_rule *a, const struct stingy_rule *b)
{
	return a->base == b->base && a->cfa == b->cfa && a->bp == b->bp;
}

int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site)
{
	uint32_t node = 0;
	for (uint32_t i = 0; i < site->depth; i++) {
		node = find_named(sites, node, &site->chain[i]);
		if (i + 1 == site->depth)
			break;
		struct stingy_rule *rule = &sites->rest[node].rule;
		if (rule->base == STINGY_RULE_NONE)
			*rule = site->chain[i].rule;
		else if (!is_same_rule(rule, &site->chain[i].rule))
			return -1;
	}
	if (node == 0 || sites->rest[node].kind != 0)
		return -1;
	sites->rest[node].kind = site->kind + 1;
	return 0;
}

/* What is known of a node once all that leads from it is settled, and what that means for the one that leads to it. */
static void settle_outwards(struct stingy_sites *sites, uint32_t number)
{
	struct stingy_node_rest *node = &sites->rest[number];
	uint32_t inner = sites->named[number - 1].from;
	struct stingy_node_rest *from = &sites->rest[inner];
	if (!node->is_bp_used)
		node->rule.bp = 0; /* nobody further out needs the frame pointer: a load less */
	node->is_bp_used = node->is_bp_used || node->rule.base == STINGY_RULE_BP;
	from->is_bp_used = from->is_bp_used || node->is_bp_used;
	from->is_forked = from->is_forked || inner + 1 != number;
}

/* Where the next return address is, if that is known beforehand; else 0. */
static uint32_t next_at(const struct stingy_sites *sites, uint32_t number)
{
	const struct stingy_node_rest *rest = &sites->rest[number];
	uint32_t from = sites->named[number - 1].from;
	uint64_t sp = from == 0 ? 0 : sites->nodes[from].next_at + sizeof(uintptr_t);
	if (rest->kind != 0 || rest->rule.base != STINGY_RULE_SP || rest->rule.bp != 0 ||
	    (from != 0 && sites->nodes[from].next_at == 0))
		return 0;
	uint64_t at = sp + (uint64_t)rest->rule.cfa - sizeof(uintptr_t);
	return at < QUICK_MOST ? (uint32_t)at : 0;
}

/* Makes a node for the quick walk, those further in being made. */
static void settle_inwards(struct stingy_sites *sites, uint32_t number, uint32_t region_size, bool is_quick)
{
	const struct stingy_node_rest *rest = &sites->rest[number];
	struct stingy_node *node = &sites->nodes[number];
	*node = (struct stingy_node){.only_ra = STINGY_NO_RA, .fork = rest->is_forked ? key_of(number) : 0};
	node->next_at = next_at(sites, number);
	if (rest->kind == 0)
		return;
	const struct stingy_sites_kind *kind = &sites->kinds[rest->kind - 1];
	node->quick = is_quick && rest->rule.base == STINGY_RULE_NONE ? kind->limit + 1 : 0;
	node->region = kind->region * region_size;
}

void stingy_sites_settle(struct stingy_sites *sites, uint32_t region_size, bool is_quick)
{
	uint32_t n_edges = 0;
	for (uint32_t i = sites->n_nodes - 1; i > 0; i--) /* a node stands behind the one that leads to it */
		settle_outwards(sites, i);
	for (uint32_t i = 1; i < sites->n_nodes; i++) {
		settle_inwards(sites, i, region_size, is_quick);
		n_edges += sites->named[i - 1].from == 0 || sites->rest[sites->named[i - 1].from].is_forked;
	}
	for (uint32_t i = sites->n_nodes - 1; i > 0; i--) {
		struct stingy_node *node = &sites->nodes[i], *from = &sites->nodes[sites->named[i - 1].from];
		if (node->next_at != 0 && node->next_ends < node->next_at + sizeof(uintptr_t))
			node->next_ends = node->next_at + (uint32_t)sizeof(uintptr_t);
		if (from->next_ends < node->next_ends)
			from->next_ends = node->next_ends;
	}
	sites->mask = table_size(n_edges) - 1;
	sites->most_unmanaged = table_size(n_edges) / 2 - n_edges;
	sites->edges = sites->tables[1]; /* empty; so the first to be made is table 0, whose memory is in use */
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
	if (module->bias != 0 && module->bias == getauxval(AT_BASE))
		sites->loader = *module;
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

/* Puts an edge where readers look for it. */
static void bind_edge(struct stingy_sites *sites, struct stingy_edge *table, uint32_t to, uintptr_t ra)
{
	uint32_t from = sites->named[to - 1].from;
	if (from == 0)
		insert(table, sites, STINGY_ROOT_KEY + ra, &sites->nodes[to]);
	else if (sites->rest[from].is_forked)
		insert(table, sites, key_of(from) + ra, &sites->nodes[to]);
	else
		__atomic_store_n(&sites->nodes[from].only_ra, ra, __ATOMIC_RELAXED);
}

/* Makes the other table from the named edges, and puts it in force. */
static void rebuild(struct stingy_sites *sites)
{
	struct stingy_edge *table = sites->tables[sites->edges == sites->tables[0]];
	/* Keys only: a reader that has seen one takes it for granted that there is a node. */
	for (uint64_t i = 0; i <= sites->mask; i++)
		__atomic_store_n(&table[i].key, 0, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < sites->n_nodes; i++)
		__atomic_store_n(&sites->nodes[i].only_ra, STINGY_NO_RA, __ATOMIC_RELAXED);
	sites->n_here = 0;
	for (uint32_t to = 1; to < sites->n_nodes; to++) {
		const struct stingy_named_edge *edge = &sites->named[to - 1];
		uintptr_t ra = stingy_module_address(&sites->modules[edge->module].here, edge->offset);
		if (ra == 0)
			continue;
		bind_edge(sites, table, to, ra);
		sites->n_here += sites->rest[to].kind != 0;
	}
	__atomic_store_n(&sites->n_unmanaged, 0, __ATOMIC_RELAXED);
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

/* Whoever holds the lock may have looked at the list before it changed, and looks again. */
static void bind_if_stale(struct stingy_sites *sites)
{
	while (__atomic_load_n(&sites->is_stale, __ATOMIC_SEQ_CST) && stingy_latch_try(&sites->latch)) {
		__atomic_store_n(&sites->is_stale, false, __ATOMIC_SEQ_CST);
		bind_locked(sites);
		stingy_latch_give_back(&sites->latch);
	}
}

void stingy_sites_bind(struct stingy_sites *sites)
{
	__atomic_store_n(&sites->is_stale, true, __ATOMIC_SEQ_CST);
	bind_if_stale(sites);
}

const struct stingy_node *stingy_sites_learn(struct stingy_sites *sites, uintptr_t ra)
{
	if (stingy_sites_are_full(sites) || !stingy_latch_try(&sites->latch))
		return &stingy_sites_unmanaged;
	bind_locked(sites);
	const struct stingy_node *to = stingy_sites_find(sites, STINGY_ROOT_KEY, ra);
	if (!to && !stingy_module_contains(&sites->loader, ra)) {
		insert(sites->edges, sites, STINGY_ROOT_KEY + ra, &stingy_sites_unmanaged);
		__atomic_store_n(&sites->n_unmanaged, sites->n_unmanaged + 1, __ATOMIC_RELAXED);
	}
	stingy_latch_give_back(&sites->latch);
	bind_if_stale(sites);
	return to ? to : &stingy_sites_unmanaged;
}

/* The node to which the edge leads that leaves the node by ra; NULL: there is none. */
static const struct stingy_node *follow(const struct stingy_sites *sites, const struct stingy_node *node, uintptr_t ra)
{
	if (ra == __atomic_load_n(&node->only_ra, __ATOMIC_RELAXED) && ra != STINGY_NO_RA)
		return node + 1;
	return node->fork ? stingy_sites_find(sites, node->fork, ra) : NULL;
}

uint32_t stingy_sites_match(const struct stingy_sites *sites, const struct stingy_node *node,
			    const struct stingy_frame *at, const struct stingy_stack *stack)
{
	const struct stingy_node_rest *rest = &sites->rest[node - sites->nodes];
	uint32_t best = rest->kind;
	struct stingy_frame frame = *at;
	while (stingy_walk_step(&frame, &rest->rule, stack)) {
		node = follow(sites, node, frame.ra);
		if (!node)
			break;
		rest = &sites->rest[node - sites->nodes];
		if (rest->kind)
			best = rest->kind;
	}
	return best - 1;
}

void stingy_sites_before_fork(struct stingy_sites *sites)
{
	stingy_latch_before_fork(&sites->latch);
}

void stingy_sites_after_fork_in_parent(struct stingy_sites *sites)
{
	if (stingy_latch_after_fork(&sites->latch))
		bind_if_stale(sites);
}

void stingy_sites_after_fork_in_child(struct stingy_sites *sites)
{
	sites->is_frozen = sites->is_frozen || sites->latch.is_shared;
	stingy_latch_after_fork(&sites->latch);
}
