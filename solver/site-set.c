#include "site-set.h"

#include "hash.h"

#include <stdbool.h>

/* Padding must not make keys differ: there is none. */
struct key {
	uint64_t offset;
	uint32_t module;
	uint32_t from; /* number of the node further in; 0: the malloc call */
};

struct stingy_site_node {
	struct key key;
	uint32_t number; /* from 1 */
	bool has_rule, has_site;
	struct stingy_rule rule;
	UT_hash_handle hh;
};

void stingy_site_set_init(struct stingy_site_set *set)
{
	*set = (struct stingy_site_set){.nodes = NULL};
}

void stingy_site_set_fini(struct stingy_site_set *set)
{
	struct stingy_site_node *node, *next;

	HASH_ITER(hh, set->nodes, node, next)
	{
		HASH_DEL(set->nodes, node);
		free(node);
	}
}

static struct stingy_site_node *get(struct stingy_site_set *set, uint32_t from, const struct stingy_address *address)
{
	struct key key = {.offset = address->offset, .module = address->module, .from = from};
	struct stingy_site_node *node;

	HASH_FIND(hh, set->nodes, &key, sizeof(key), node);
	if (!node) {
		node = stingy_memory_new(1, sizeof(*node));
		node->key = key;
		node->number = ++set->n_nodes;
		HASH_ADD(hh, set->nodes, key, sizeof(key), node);
	}
	return node;
}

/* The rule leads out from the node, as that of every other chain by it does. */
static int lead_out(struct stingy_site_node *node, const struct stingy_rule *rule)
{
	if (!node->has_rule)
		node->rule = *rule;
	node->has_rule = true;
	return node->rule.base == rule->base && node->rule.cfa == rule->cfa && node->rule.bp == rule->bp ? 0 : -1;
}

int stingy_site_set_add(struct stingy_site_set *set, const struct stingy_manifest_site *site)
{
	struct stingy_site_node *node = NULL;

	set->n_addresses += site->depth;
	for (uint32_t i = 0; i < site->depth; i++) {
		if (node && lead_out(node, &site->chain[i - 1].rule) < 0)
			return -1;
		node = get(set, node ? node->number : 0, &site->chain[i]);
	}
	if (!node || node->has_site)
		return -1;
	node->has_site = true;
	return 0;
}
