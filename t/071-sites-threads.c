/*
 * The set of sites and threads: readers beside a table that is made anew all the time, and threads that learn. Whoever
 * reads finds the site that is there or none, or, if it was held up for long, another of the set: always a node.
 *
 * Sites are addresses of the C library's text, which comes and goes (by its build-id) as a module would that is loaded
 * and unloaded.
 */
#define _GNU_SOURCE
#include "../shim/sites.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "named-libc.h"

#define SITES   300u
#define STEP    16u /* bytes between two places in the text */
#define READERS 3u
#ifdef __SANITIZE_THREAD__
#define CHANGES 60u
#else
#define CHANGES 200u
#endif

static struct stingy_sites sites;
static bool is_over;

static uintptr_t address_of(uint32_t place)
{
	return libc_low + STEP * (place + 1);
}

static uint64_t offset_of(uint32_t place)
{
	return libc_text + STEP * (place + 1);
}

static void add(uint32_t place)
{
	struct stingy_manifest_site site = {.depth = 1, .chain = {{.module = 1, .offset = offset_of(place)}}};

	assert_int_equal(stingy_sites_add(&sites, &site), 0);
}

/* A set of all sites, bound; and which node is each one's. */
static const struct stingy_node *node_of[SITES];

static void make(void)
{
	static const struct stingy_sites_kind kind = {.limit = 16, .high = UINT32_MAX};
	size_t size = stingy_sites_memory(SITES, 2);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	stingy_sites_init(&sites, SITES, 2, &kind, at);
	stingy_sites_add_module(&sites, &named[0]);
	stingy_sites_add_module(&sites, &named[1]);
	for (uint32_t i = 0; i < SITES; i++)
		add(i);
	stingy_sites_settle(&sites, 128, true);
	stingy_sites_bind(&sites);
	for (uint32_t i = 0; i < SITES; i++) {
		node_of[i] = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(i));
		assert_non_null(node_of[i]);
	}
	__atomic_store_n(&is_over, false, __ATOMIC_RELAXED);
}

/* Readers abort, as cmocka's assertions are for the thread that runs the test. */
static void check_found(uint32_t place, const struct stingy_node *node)
{
	if (node == NULL || node == &stingy_sites_unmanaged || (node > sites.nodes && node <= sites.nodes + SITES))
		return;
	fprintf(stderr, "# place %u: no node\n", place);
	abort();
}

static void count(unsigned long *found, bool is_found)
{
	__atomic_store_n(found, *found + is_found, __ATOMIC_RELAXED);
}

static void *find_all(void *found)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		for (uint32_t place = 0; place < 2 * SITES; place++) {
			const struct stingy_node *node = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(place));

			check_found(place, node);
			count(found, place < SITES && node == node_of[place]);
		}
	return NULL;
}

static void *learn_all(void *found)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		for (uint32_t place = 0; place < 2 * SITES; place++) {
			const struct stingy_node *node = stingy_sites_learn(&sites, address_of(place));

			check_found(place, node);
			count(found, place < SITES && node == node_of[place]);
		}
	return NULL;
}

/* As if the module had gone, or come back. */
static void change(void)
{
	stingy_sites_before_fork(&sites); /* nobody binds meanwhile */
	sites.modules[1].named.id[0] ^= 1;
	sites.version.adds--;
	stingy_sites_after_fork_in_parent(&sites);
	stingy_sites_bind(&sites);
}

static void run(void *(*work)(void *))
{
	pthread_t thread[READERS];
	unsigned long found[READERS] = {0};

	make();
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, i ? work : find_all, &found[i]), 0);
	for (unsigned i = 0; i < READERS; i++)
		while (__atomic_load_n(&found[i], __ATOMIC_RELAXED) == 0)
			sched_yield();
	for (unsigned i = 0; i < CHANGES; i++) {
		change();
		if (i % 16 == 0)
			sched_yield();
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	for (uint32_t i = 0; i < SITES; i++) /* all there again, as it was changed an even number of times */
		assert_ptr_equal(stingy_sites_learn(&sites, address_of(i)), node_of[i]);
	assert_int_equal(sites.n_here, SITES);
}

static void test_readers_beside_a_rebuild(void **state)
{
	(void)state;
	run(find_all);
}

static void test_threads_that_learn(void **state)
{
	(void)state;
	run(learn_all);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_beside_a_rebuild),
		cmocka_unit_test(test_threads_that_learn),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
