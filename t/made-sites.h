/*
 * Sets of sites made by tests, and stacks to match with them. Chains are made of real addresses, of the C library's
 * text, as sites are bound to loaded modules; the stack they are found on is made up. Whatever the whole walk finds,
 * the quick one is held against it.
 */
#ifndef MADE_SITES_H
#define MADE_SITES_H

#include "../shim/sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "named-libc.h"

#define PROGRAM   0u
#define LIBC      1u
#define STRANGER  2u /* a module that is not loaded */
#define MODULES   3u
#define ADDRESSES 50000u
#define DEPTH_MAX 4u /* of random chains */

static struct stingy_sites sites;
static size_t memory_size;
static struct stingy_sites_kind kinds[ADDRESSES + 10];
static uint32_t n_kinds;

static void make(void)
{
	if (memory_size)
		munmap(sites.tables[0], memory_size);
	memory_size = stingy_sites_memory(ADDRESSES, MODULES);
	void *at = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	n_kinds = 0;
	stingy_sites_init(&sites, ADDRESSES, MODULES, kinds, at);
	stingy_sites_add_module(&sites, &named[PROGRAM]);
	stingy_sites_add_module(&sites, &named[LIBC]);
	stingy_sites_add_module(&sites, &(struct stingy_manifest_module){.id_len = 20}); /* STRANGER */
}

static uint64_t offset_of(uint32_t place)
{
	return libc_text + 16 + place;
}

static uintptr_t address_of(uint32_t place)
{
	return libc_low + 16 + place;
}

/* The frame of each place has a size of its own. */
static unsigned frame_words(uint32_t place)
{
	return 2 + place % 5;
}

static struct stingy_manifest_site site_of(const uint32_t *places, uint32_t depth)
{
	struct stingy_manifest_site site = {.depth = depth};

	for (uint32_t i = 0; i < depth; i++) {
		site.chain[i] = (struct stingy_address){.module = LIBC, .offset = offset_of(places[i])};
		if (i + 1 < depth)
			site.chain[i].rule = (struct stingy_rule){.cfa = (int32_t)(8 * frame_words(places[i])),
								  .base = STINGY_RULE_SP};
	}
	return site;
}

/* Adds the site, of a kind of its own. */
static int add_site(struct stingy_manifest_site *site, uint32_t region, uint32_t limit)
{
	site->kind = n_kinds;
	kinds[n_kinds++] = (struct stingy_sites_kind){.limit = limit, .region = region, .high = UINT32_MAX};
	return stingy_sites_add(&sites, site);
}

static int add(const uint32_t *places, uint32_t depth, uint32_t region, uint32_t limit)
{
	struct stingy_manifest_site site = site_of(places, depth);

	return add_site(&site, region, limit);
}

/* Which sort of answer the quick walk has given, so often. */
static unsigned long quick_hits, quick_misses, not_quick;

#define REGION_SIZE 128u

/* The quick walk must say what the whole one says, or that it cannot tell. */
static void check_quick(const struct stingy_node *node, const struct stingy_frame *call,
			const struct stingy_stack *stack, const struct stingy_sites_kind *found)
{
	if (node->next_at != 0) {
		assert_true(call->sp + node->next_ends <= stack->high);
		node = stingy_sites_walk(&sites, node, call->sp);
	}
	if (node->quick != 0) {
		assert_int_equal(node->quick, found->limit + 1);
		assert_int_equal(node->region, found->region * REGION_SIZE);
		quick_hits++;
	} else if (node == &stingy_sites_unmanaged) {
		assert_null(found);
		quick_misses++;
	} else {
		not_quick++;
	}
}

/* Matches a stack on which the places are, from the call outwards. */
static const struct stingy_sites_kind *match(const uint32_t *places, uint32_t depth)
{
	uintptr_t words[2 + 6 * (STINGY_DEPTH_MAX + DEPTH_MAX)] = {0};
	struct stingy_stack stack = {(uintptr_t)words, (uintptr_t)words + sizeof(words)};
	struct stingy_frame call = {.ra = address_of(places[0]), .sp = (uintptr_t)(words + 2)};
	size_t at = 2;

	for (uint32_t i = 1; i < depth; i++) {
		at += frame_words(places[i - 1]);
		words[at - 1] = address_of(places[i]);
	}
	const struct stingy_node *first = stingy_sites_find(&sites, STINGY_ROOT_KEY, call.ra);
	if (!first || first == &stingy_sites_unmanaged)
		return NULL;
	uint32_t kind = stingy_sites_match(&sites, first, &call, &stack);
	const struct stingy_sites_kind *found = kind == UINT32_MAX ? NULL : &kinds[kind];
	check_quick(first, &call, &stack, found);
	return found;
}

/* As at the end of a manifest. */
static void settle_and_bind(void)
{
	stingy_sites_settle(&sites, REGION_SIZE, true);
	stingy_sites_bind(&sites);
}

static uint32_t limit_of(const struct stingy_sites_kind *kind)
{
	return kind ? kind->limit : 0;
}

#endif
