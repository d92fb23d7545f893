/* stages: what runs take; by function, as modules come and go, and in threads at once; by name and number. */
#include "../shim/stages.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_STAGES  600u /* more than are cached */
#define STRIDE    64u  /* bytes from one function to the next */
#define BASE      UINT64_C(0x7f0000000000)
#define OTHER     UINT64_C(0x7f1000000000)
#define N_THREADS 4u
#define N_ROUNDS  1000000u
#define SHARING   64u /* stages from one to the next whose functions share a place in the cache */

static struct stingy_stages stages;
static struct stingy_sites_module modules[2];
static struct stingy_sites sites = {.modules = modules, .n_modules = 2};
static void *memory;

static struct stingy_text text_of(const char *text)
{
	return (struct stingy_text){text, strlen(text)};
}

static struct stingy_manifest_schedule *task; /* NULL: it is not told what a task takes */

static void make(const struct stingy_manifest_stage *from, uint32_t n, const struct stingy_sites_kind *kinds)
{
	struct stingy_stages_counts counts = {0};

	for (uint32_t i = 0; i < n; i++)
		stingy_stages_count(&counts, &from[i]);
	if (task)
		stingy_stages_count_task(&counts, task);
	memory = calloc(1, stingy_stages_memory(&counts));
	assert_non_null(memory);
	stingy_stages_init(&stages, &counts, memory);
	for (uint32_t i = 0; i < n; i++)
		stingy_stages_add(&stages, &from[i], kinds);
	if (task)
		stingy_stages_add_task(&stages, task, kinds);
	assert_int_equal(stages.n, n);
}

static int end(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

/* Puts a module at an address, or, with 0, nowhere. */
static void place(unsigned module, uintptr_t address)
{
	modules[module].here.n_segments = address ? 1 : 0;
	modules[module].here.segment[0] = (struct stingy_segment){address, address + N_STAGES * STRIDE, 0};
	sites.version.adds += address != 0;
	sites.version.subs += address == 0;
}

/* Half of the stages in each module; names and needs are of no interest. */
static int begin(void **state)
{
	struct stingy_manifest_stage *from = calloc(N_STAGES, sizeof(*from));

	(void)state;
	assert_non_null(from);
	for (uint32_t i = 0; i < N_STAGES; i++) {
		from[i].module = i % 2;
		from[i].offset = (uint64_t)i * STRIDE;
		from[i].name = text_of("");
	}
	make(from, N_STAGES, NULL);
	free(from);
	place(0, BASE);
	place(1, OTHER);
	return 0;
}

static void test_needs(void **state)
{
	const struct stingy_sites_kind kinds[] = {{.region = 5}, {.region = 7}, {.region = 5}};
	struct stingy_manifest_stage from[3] = {{.module = UINT32_MAX}, {.module = UINT32_MAX}, {.module = UINT32_MAX}};
	const struct stingy_need *needs;

	(void)state;
	from[0].n_allocates = 3;
	memcpy(from[0].allocates, ((struct stingy_allocates[]){{0, 1}, {1, 4}, {2, 2}}),
	       3 * sizeof(from[0].allocates[0]));
	from[2].n_allocates = 2;
	memcpy(from[2].allocates, ((struct stingy_allocates[]){{0, UINT32_MAX}, {2, 1}}),
	       2 * sizeof(from[2].allocates[0]));
	for (unsigned i = 0; i < 3; i++)
		from[i].name = text_of("");
	make(from, 3, kinds);
	needs = stages.stage[0].needs;
	assert_int_equal(stages.stage[0].n_needs, 2);
	assert_int_equal(needs[0].region, 5);
	assert_int_equal(needs[0].count, 1 + 2);
	assert_int_equal(needs[1].region, 7);
	assert_int_equal(needs[1].count, 4);
	assert_int_equal(stages.stage[1].n_needs, 0);
	assert_int_equal(stages.stage[2].n_needs, 1);
	assert_int_equal(stages.stage[2].needs[0].count, UINT32_MAX); /* not 0 */
}

/* The task is as good as a stage, but none of those that can be asked for. */
static void test_task(void **state)
{
	const struct stingy_sites_kind kinds[] = {{.region = 5}, {.region = 7}, {.region = 5}};
	struct stingy_manifest_stage from = {.module = UINT32_MAX, .name = text_of("only"), .n_allocates = 1};
	struct stingy_manifest_schedule schedule = {.n_takes = 3, .takes = {{1, 2}, {0, 3}, {2, 4}}};

	(void)state;
	task = &schedule;
	from.allocates[0] = (struct stingy_allocates){1, 9};
	make(&from, 1, kinds);
	task = NULL;
	assert_int_equal(stages.task.n_needs, 2);
	assert_int_equal(stages.task.needs[0].region, 7);
	assert_int_equal(stages.task.needs[0].count, 2);
	assert_int_equal(stages.task.needs[1].region, 5);
	assert_int_equal(stages.task.needs[1].count, 3 + 4);
	assert_int_equal(stages.stage[0].n_needs, 1);
	assert_int_equal(stages.stage[0].needs[0].count, 9);
	assert_string_equal(stages.stage[0].name, "only");
	assert_null(stingy_stages_numbered(&stages, 1));
}

static void test_names(void **state)
{
	const char *const name[] = {"", "a%20b", "c", "c"};
	struct stingy_manifest_stage from[4] = {{.module = UINT32_MAX}};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		from[i].name = text_of(name[i]);
	make(from, 4, NULL);
	assert_ptr_equal(stingy_stages_named(&stages, "a b"), &stages.stage[1]);
	assert_ptr_equal(stingy_stages_named(&stages, "c"), &stages.stage[2]);
	assert_null(stingy_stages_named(&stages, "a%20b"));
	assert_null(stingy_stages_named(&stages, "a"));
	assert_null(stingy_stages_named(&stages, ""));
	assert_ptr_equal(stingy_stages_numbered(&stages, 3), &stages.stage[3]);
	assert_null(stingy_stages_numbered(&stages, 4));
	assert_null(stingy_stages_numbered(&stages, UINT32_MAX));
}

/* What is in the cache and what is not; twice, so that each was. */
static void assert_found(const struct stingy_stage *stage, uintptr_t function)
{
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(stingy_stages_find(&stages, &sites, function), stage);
	assert_ptr_equal(stingy_stages_search(&stages, &sites, function), stage);
}

static void test_functions(void **state)
{
	(void)state;
	assert_found(&stages.stage[4], BASE + 4 * STRIDE);
	assert_found(&stages.stage[5], OTHER + 5 * STRIDE);
	assert_found(NULL, BASE + 5 * STRIDE); /* the other module's */
	assert_found(NULL, BASE + 4 * STRIDE + 1);
	assert_found(NULL, 0);
	assert_found(NULL, 1);
	assert_found(NULL, UINTPTR_MAX);
}

/* One module goes, the other takes its place, and the first comes back: each time the answer is that of now. */
static void test_modules_come_and_go(void **state)
{
	(void)state;
	place(1, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_found(&stages.stage[4], BASE + 4 * STRIDE);
		assert_found(NULL, BASE + 5 * STRIDE);
		place(0, 0);
		assert_found(NULL, BASE + 4 * STRIDE);
		place(1, BASE);
		assert_found(NULL, BASE + 4 * STRIDE);
		assert_found(&stages.stage[5], BASE + 5 * STRIDE);
		place(1, 0);
		place(0, BASE);
	}
}

/* Threads that look for functions which share a place in the cache. Returns how often the answer was another's. */
static void *look(void *argument)
{
	uintptr_t n_wrong = 0, thread = (uintptr_t)argument;

	for (uint32_t i = 0; i < N_ROUNDS; i++) {
		uint32_t number = (uint32_t)((i + thread) % 2 * SHARING);
		uintptr_t function = BASE + (uint64_t)number * STRIDE;
		n_wrong += stingy_stages_find(&stages, &sites, function) != &stages.stage[number];
	}
	return (void *)n_wrong;
}

static void test_threads(void **state)
{
	pthread_t thread[N_THREADS];

	(void)state;
	for (uintptr_t i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, look, (void *)i), 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		void *n_wrong;
		assert_int_equal(pthread_join(thread[i], &n_wrong), 0);
		assert_null(n_wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_needs, end),
		cmocka_unit_test_teardown(test_task, end),
		cmocka_unit_test_teardown(test_names, end),
		cmocka_unit_test_setup_teardown(test_functions, begin, end),
		cmocka_unit_test_setup_teardown(test_modules_come_and_go, begin, end),
		cmocka_unit_test_setup_teardown(test_threads, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
