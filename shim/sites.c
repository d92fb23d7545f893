#include "sites.h"

#include <string.h>

/* The table is at most half full. */
static uint32_t table_size(uint32_t addresses)
{
	uint32_t least = 2 * (addresses + STINGY_UNMANAGED_MAX), size = 4096;
	while (size < least)
		size *= 2;
	return size;
}

static size_t align_up(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

size_t stingy_sites_memory(uint32_t addresses, uint32_t modules)
{
	return 2 * table_size(addresses) * sizeof(struct stingy_edge) +
	       align_up((addresses + 1) * sizeof(struct stingy_node)) +
	       align_up(addresses * sizeof(struct stingy_named_edge)) +
	       align_up(modules * sizeof(struct stingy_sites_module));
}

static void *carve(char **memory, size_t bytes)
{
	char *at = *memory;
	*memory += align_up(bytes);
	return at;
}

void stingy_sites_init(struct stingy_sites *sites, uint32_t addresses, uint32_t modules, void *memory)
{
	char *at = memory;
	uint32_t size = table_size(addresses);
	*sites = (struct stingy_sites){
		.shift = 64 - (unsigned)__builtin_ctz(size),
		.mask = size - 1,
		.n_nodes = 1, /* the root */
		.n_unmanaged = 0,
	};
	sites->tables[0] = carve(&at, size * sizeof(struct stingy_edge));
	sites->tables[1] = carve(&at, size * sizeof(struct stingy_edge));
	sites->nodes = carve(&at, (addresses + 1) * sizeof(struct stingy_node));
	sites->named = carve(&at, addresses * sizeof(struct stingy_named_edge));
	sites->modules = carve(&at, modules * sizeof(struct stingy_sites_module));
	sites->edges = sites->tables[0];
}

static void insert(struct stingy_edge *table, const struct stingy_sites *sites, uint32_t from, uintptr_t ra,
		   uint32_t to)
{
	uint32_t i = (uint32_t)(stingy_sites_hash(from, ra) >> sites->shift);
	while (table[i].ra != 0)
		i = (i + 1) & sites->mask;
	table[i].from = from;
	table[i].to = to;
	__atomic_store_n(&table[i].ra, ra, __ATOMIC_RELEASE); /* readers see a whole edge or none */
}

void stingy_sites_add_module(struct stingy_sites *sites, const struct stingy_manifest_module *module)
{
	sites->modules[sites->n_modules++].named = *module;
}

/*
 * While sites are added, table 0 holds the edges under names, not addresses: the key is a mix of module and offset,
 * and what it leads to is the number of the named edge, plus one.
 */
static uintptr_t name_key(uint32_t module, uint64_t offset)
{
	return (((uintptr_t)(module + 1) << 48) ^ offset) | 1; /* 0 would be an empty place */
}

static struct stingy_named_edge *find_named(struct stingy_sites *sites, uint32_t from,
					    const struct stingy_address *address)
{
	uintptr_t key = name_key(address->module, address->offset);
	uint32_t i = (uint32_t)(stingy_sites_hash(from, key) >> sites->shift);
	for (; sites->tables[0][i].ra != 0; i = (i + 1) & sites->mask) {
		struct stingy_named_edge *edge = &sites->named[sites->tables[0][i].to - 1];
		if (edge->from == from && edge->module == address->module && edge->offset == address->offset)
			return edge;
	}
	*(&sites->named[sites->n_named]) = (struct stingy_named_edge){
		.offset = address->offset, .module = address->module, .from = from, .to = sites->n_nodes++};
	insert(sites->tables[0], sites, from, key, ++sites->n_named);
	return &sites->named[sites->n_named - 1];
}

static bool is_same_rule(const struct stingy_rule *a, const struct stingy_rule *b)
{
	return a->base == b->base && a->cfa == b->cfa && a->bp == b->bp;
}

int stingy_sites_add(struct stingy_sites *sites, const struct stingy_manifest_site *site, struct stingy_region *region,
		     uint32_t limit, uint32_t align)
{
	struct stingy_node *node = NULL;
	uint32_t at = STINGY_NODE_ROOT;
	for (uint32_t i = 0; i < site->depth; i++) {
		at = find_named(sites, at, &site->chain[i])->to;
		node = &sites->nodes[at];
		if (i + 1 == site->depth)
			break;
		if (node->rule.base == STINGY_RULE_NONE)
			node->rule = site->chain[i].rule;
		else if (!is_same_rule(&node->rule, &site->chain[i].rule))
			return -1;
	}
	if (!node || node->region)
		return -1;
	node->region = region;
	node->limit = limit;
	node->align = align;
	return 0;
}

static bool is_module(const struct stingy_manifest_module *named, const struct stingy_module *module)
{
	if (named->id_len != 0)
		return module->id_len == named->id_len && memcmp(module->id, named->id, named->id_len) == 0;
	char path[4096];
	return module->id_len == 0 && strcmp(module->path, stingy_text_decode(named->path, path, sizeof(path))) == 0 &&
	       stingy_module_file_size(module) == named->size;
}

static bool is_path(const struct stingy_manifest_module *named, const struct stingy_module *module)
{
	char path[4096];
	return strcmp(module->path, stingy_text_decode(named->path, path, sizeof(path))) == 0;
}

static int place_module(const struct stingy_module *module, void *data)
{
	struct stingy_sites *sites = data;
	for (uint32_t i = module->is_program ? 0 : 1; i < (module->is_program ? 1 : sites->n_modules); i++) {
		struct stingy_sites_module *mine = &sites->modules[i];
		if (is_module(&mine->named, module)) {
			mine->here = *module;
			return 0;
		}
		if (is_path(&mine->named, module))
			mine->is_other_build = true;
	}
	return 0;
}

/* Makes the other table from the named edges, and puts it in force. */
static void rebuild(struct stingy_sites *sites)
{
	struct stingy_edge *table = sites->tables[sites->edges == sites->tables[0]];
	memset(table, 0, (sites->mask + 1) * sizeof(*table));
	sites->n_here = 0;
	for (uint32_t i = 0; i < sites->n_named; i++) {
		const struct stingy_named_edge *edge = &sites->named[i];
		uintptr_t ra = stingy_module_address(&sites->modules[edge->module].here, edge->offset);
		if (ra == 0)
			continue;
		insert(table, sites, edge->from, ra, edge->to);
		sites->n_here += sites->nodes[edge->to].region != NULL;
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
	if (!try_lock(sites))
		return; /* whoever holds it looks at the list too */
	bind_locked(sites);
	unlock(sites);
}

uint32_t stingy_sites_learn(struct stingy_sites *sites, uintptr_t ra)
{
	if (__atomic_load_n(&sites->n_unmanaged, __ATOMIC_RELAXED) >= STINGY_UNMANAGED_MAX || !try_lock(sites))
		return STINGY_NODE_UNMANAGED;
	bind_locked(sites);
	uint32_t to = stingy_sites_find(sites, STINGY_NODE_ROOT, ra);
	if (to == STINGY_NODE_ROOT) {
		to = STINGY_NODE_UNMANAGED;
		insert(sites->edges, sites, STINGY_NODE_ROOT, ra, to);
		sites->n_unmanaged++;
	}
	unlock(sites);
	return to;
}

bool stingy_sites_is_program(const struct stingy_sites *sites)
{
	return sites->modules[0].here.n_segments != 0;
}
