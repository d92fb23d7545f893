/*
 * The set of sites and the loader: sites are those of one build of a module. Over fork: who forks waits until no thread
 * of ours is with the loader, whose lock would never be given back in the child; and the child of a process with
 * threads leaves the loader alone.
 */
#define _GNU_SOURCE
#include "../shim/sites.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "named-libc.h"

#define SITE 16u /* bytes from the beginning of the C library's text */

static struct stingy_sites sites;
static const struct stingy_sites_kind kind = {.limit = 16, .high = UINT32_MAX};

static uintptr_t address_of(uint32_t place)
{
	return libc_low + SITE + place;
}

/* One site, of one address. */
static void make(void)
{
	struct stingy_manifest_site site = {.depth = 1, .chain = {{.module = 1, .offset = libc_text + SITE}}};
	size_t size = stingy_sites_memory(10, 2);

	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	stingy_sites_init(&sites, 10, 2, &kind, at);
	stingy_sites_add_module(&sites, &named[0]);
	stingy_sites_add_module(&sites, &named[1]);
	assert_int_equal(stingy_sites_add(&sites, &site), 0);
	stingy_sites_settle(&sites, 128, true);
	stingy_sites_bind(&sites);
}

static bool has_site(void)
{
	const struct stingy_node *node = stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(0));
	return node && node->quick == kind.limit + 1;
}

static int note_libc(const struct stingy_module *module, void *data)
{
	struct stingy_module *libc = data;

	if (!strstr(module->path, "/libc.so.6"))
		return 0;
	*libc = *module;
	libc->path = strdup(module->path);
	return 1;
}

static void test_another_build_is_another_module(void **state)
{
	struct stingy_manifest_module right = named[1];
	struct stingy_module libc = {0};

	(void)state;
	stingy_modules_each(note_libc, &libc);
	assert_non_null(libc.path);
	assert_true(stingy_sites_is_module(&right, &libc));
	named[1].path = (struct stingy_text){libc.path, strlen(libc.path)};
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			named[1].id[0] ^= 1;
		if (i == 2)
			named[1].path = (struct stingy_text){"/somewhere/else", 15};
		assert_int_equal(stingy_sites_is_module(&named[1], &libc), i == 0);
		assert_int_equal(stingy_sites_is_path(&named[1], &libc), i < 2);
		make();
		assert_int_equal(has_site(), i == 0);
		assert_int_equal(sites.n_here, i == 0);
		assert_int_equal(sites.modules[1].is_other_build, i == 1);
	}
	named[1] = right;
	free((void *)(uintptr_t)libc.path);
}

/* What stingy_sites_bind and its like find out to be wrong, if they ask the loader. */
static void make_doubtful(void)
{
	sites.version.adds--;
	sites.n_here = 99;
}

static bool has_asked(void)
{
	return sites.n_here == 1;
}

/* In a child, after the hooks: whether it still asks the loader. That an address is unmanaged it remembers anyway. */
static bool child_asks(void)
{
	int status;

	stingy_sites_before_fork(&sites);
	pid_t pid = fork();
	if (pid == 0) {
		stingy_sites_after_fork_in_child(&sites);
		stingy_sites_learn(&sites, address_of(77));
		if (stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(77)) != &stingy_sites_unmanaged)
			_exit(2);
		make_doubtful();
		stingy_sites_bind(&sites);
		_exit(has_asked());
	}
	stingy_sites_after_fork_in_parent(&sites);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 0, 1);
	return WEXITSTATUS(status);
}

static void *wait_for_the_end(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

/* The lock of a loader that another thread was in is never given back in the child: it must not be asked for. */
static void test_children_of_threads_leave_the_loader_alone(void **state)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	(void)state;
	make();
	assert_true(child_asks());
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_the_end, &barrier), 0);
	assert_false(child_asks());
	assert_true(has_site());
	assert_ptr_equal(stingy_sites_learn(&sites, address_of(78)), &stingy_sites_unmanaged);
	assert_ptr_equal(stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(78)), &stingy_sites_unmanaged);
	pthread_barrier_wait(&barrier);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static int note_loader(const struct stingy_module *module, void *data)
{
	if (strstr(module->path, "/ld-linux") == NULL)
		return 0;
	*(uintptr_t *)data = module->segment[0].low + SITE;
	return 1;
}

/* When the loader itself allocates, modules come: they may call the program's malloc by known addresses only. */
static void test_the_loader_is_met_anew_each_time(void **state)
{
	uintptr_t loader = 0;

	(void)state;
	make();
	stingy_modules_each(note_loader, &loader);
	assert_int_not_equal(loader, 0);
	for (unsigned i = 0; i < 3; i++) {
		make_doubtful();
		assert_ptr_equal(stingy_sites_learn(&sites, loader), &stingy_sites_unmanaged);
		assert_true(has_asked());
		assert_null(stingy_sites_find(&sites, STINGY_ROOT_KEY, loader));
	}
}

static bool is_unlocked_by_yield;

/* Who waits gives the processor away, and whoever gets it then may give the mark back: no matter how long that takes.
 */
int sched_yield(void)
{
	if (is_unlocked_by_yield)
		__atomic_store_n(&sites.latch.held_by, NULL, __ATOMIC_RELEASE);
	return 0;
}

static void test_fork_waits_for_who_is_with_the_loader(void **state)
{
	char other;

	(void)state;
	make();
	sites.latch.held_by = &other;                                                         /* another's mark */
	assert_ptr_equal(stingy_sites_learn(&sites, address_of(1)), &stingy_sites_unmanaged); /* does not wait */
	assert_null(stingy_sites_find(&sites, STINGY_ROOT_KEY, address_of(1)));
	is_unlocked_by_yield = true;
	stingy_sites_before_fork(&sites);
	is_unlocked_by_yield = false;
	assert_ptr_not_equal(sites.latch.held_by, &other);
	stingy_sites_after_fork_in_parent(&sites);
	assert_null(sites.latch.held_by);
}

/* Who has the lock may be waiting for the thread that forks: fork goes ahead, and the child leaves the loader alone. */
static void test_fork_does_not_wait_for_ever(void **state)
{
	char other;

	(void)state;
	make();
	sites.latch.held_by = &other;
	stingy_sites_before_fork(&sites);
	stingy_sites_after_fork_in_parent(&sites);
	assert_ptr_equal(sites.latch.held_by, &other);
	assert_false(sites.is_frozen);
	stingy_sites_before_fork(&sites);
	stingy_sites_after_fork_in_child(&sites);
	assert_true(sites.is_frozen);
	assert_true(has_site());
}

/* A signal handler may fork amid whatever the thread does with the lock, and that goes on afterwards. */
static void test_fork_by_who_has_the_lock(void **state)
{
	(void)state;
	make();
	for (unsigned is_child = 0; is_child < 2; is_child++) {
		void (*after)(struct stingy_sites * sites) =
			is_child ? stingy_sites_after_fork_in_child : stingy_sites_after_fork_in_parent;
		stingy_sites_before_fork(&sites); /* stands for what is interrupted */
		stingy_sites_before_fork(&sites);
		after(&sites);
		assert_non_null(sites.latch.held_by);
		stingy_sites_after_fork_in_parent(&sites);
		assert_null(sites.latch.held_by);
		assert_int_equal(sites.is_frozen, is_child); /* as it may have been with the loader */
	}
}

static void test_modules_that_go_while_another_thread_forks(void **state)
{
	(void)state;
	make();
	stingy_sites_before_fork(&sites);
	make_doubtful();
	stingy_sites_bind(&sites);
	assert_false(has_asked());
	stingy_sites_after_fork_in_parent(&sites);
	assert_true(has_asked());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_build_is_another_module),
		cmocka_unit_test(test_children_of_threads_leave_the_loader_alone),
		cmocka_unit_test(test_the_loader_is_met_anew_each_time),
		cmocka_unit_test(test_fork_waits_for_who_is_with_the_loader),
		cmocka_unit_test(test_fork_does_not_wait_for_ever),
		cmocka_unit_test(test_fork_by_who_has_the_lock),
		cmocka_unit_test(test_modules_that_go_while_another_thread_forks),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
