/*
 * Whether the sites of a manifest agree with one another, as the library will ask (shim/sites.h): no chain of return
 * addresses twice, and from each address of a chain one way out.
 *
 * Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_SITE_SET_H
#define STINGY_SITE_SET_H

#include "../manifests/manifest.h"

#include <stdint.h>

struct stingy_site_set {
	struct stingy_site_node *nodes; /* by where they are reached from */
	uint32_t n_nodes;
	uint32_t n_addresses; /* of all sites together */
};

void stingy_site_set_init(struct stingy_site_set *set);
void stingy_site_set_fini(struct stingy_site_set *set);

/* Returns 0, or -1 if the site contradicts an earlier one. */
int stingy_site_set_add(struct stingy_site_set *set, const struct stingy_manifest_site *site);

#endif
