/* live-reader: this process plays one that runs under the shim, and looks at itself from outside. */
#define _GNU_SOURCE
#include "../solver/live-reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_REGIONS 3u /* of each arena */
#define N_ARENAS  2u
#define N_STAGES  2u

/* What the shim maps; the regions do not follow at once, since regions_at says where. */
struct mapping {
	struct stingy_live live;
	char gap[64];
	struct {
		struct stingy_live_region region;
		char more[32];
	} each[N_REGIONS * N_ARENAS];
	struct stingy_live_stage stage[STINGY_LIVE_THREADS][N_STAGES + 1];
};

static struct stingy_live_reader reader;

static void fill(struct mapping *mapping)
{
	struct stingy_live *live = &mapping->live;

	live->magic = STINGY_LIVE_MAGIC;
	live->version = STINGY_LIVE_VERSION;
	live->state = STINGY_LIVE_SERVING;
	live->pages = STINGY_PAGES_TRANSPARENT;
	live->n_threads = 2;
	live->n_regions = N_REGIONS;
	live->n_arenas = N_ARENAS;
	live->regions_at = offsetof(struct mapping, each);
	live->region_size = sizeof(mapping->each[0]);
	live->stages = (struct stingy_live_stages){.at = offsetof(struct mapping, stage), .count = N_STAGES};
	live->thread[0] = (struct stingy_live_counters){.served = 100, .unmanaged = 7, .fell_back = {1, 2, 3, 4, 5}};
	live->thread[1] = (struct stingy_live_counters){.served = 10, .unmanaged = 1, .fell_back = {10, 0, 0, 0, 1}};
	live->thread[2].served = 1000000; /* of no thread: must not count */
	strcpy(live->manifest, "/etc/a b.manifest");
	for (uint32_t i = 0; i < N_REGIONS * N_ARENAS; i++)
		mapping->each[i].region = (struct stingy_live_region){
			.state = 1000 * STINGY_LIVE_ONE_SERVED + i,
			.slot = 64,
			.count = 10,
			.n_fresh = 2,
			.full = i,
		};
	mapping->stage[0][0] = (struct stingy_live_stage){.runs = 5, .batches = {1, 2}};
	mapping->stage[1][0] =
		(struct stingy_live_stage){.runs = 70, .batches = {[1] = 3, [STINGY_LIVE_BATCHES - 1] = 4}};
	mapping->stage[1][N_STAGES].runs = 9;
	mapping->stage[2][1].runs = 1000000; /* of no thread */
}

static int map(void **state)
{
	int fd = memfd_create(STINGY_LIVE_NAME, MFD_CLOEXEC);
	struct mapping *mapping;

	if (fd < 0 || ftruncate(fd, sizeof(*mapping)) < 0)
		return -1;
	mapping = mmap(NULL, sizeof(*mapping), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (mapping == MAP_FAILED)
		return -1;
	fill(mapping);
	*state = mapping;
	return 0;
}

static int unmap(void **state)
{
	return munmap(*state, sizeof(struct mapping));
}

static void test_absent(void **state)
{
	(void)state;
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_ABSENT);
}

static void test_found(void **state)
{
	struct stingy_live_counters sum;
	char program[PATH_MAX];

	(void)state;
	assert_non_null(realpath("/proc/self/exe", program));
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	assert_int_equal(reader.pid, getpid());
	assert_string_equal(reader.program, program);
	assert_string_equal(reader.live.manifest, "/etc/a b.manifest");
	for (uint32_t i = 0; i < N_REGIONS; i++) {
		const struct stingy_live_reader_region *region = &reader.region[i];

		assert_int_equal(region->slot, 64);
		assert_int_equal(region->count, 10);
		assert_int_equal(region->peak, 2 * 8);
		assert_int_equal(region->in_use, 2 * 8 - i - (i + N_REGIONS)); /* but for those on the stacks */
		assert_int_equal(region->served, 2 * 1000);
		assert_int_equal(region->full, i + i + N_REGIONS);
	}
	sum = stingy_live_reader_sum(&reader);
	assert_int_equal(sum.served, N_REGIONS * N_ARENAS * 1000 + 110);
	assert_int_equal(sum.unmanaged, 8);
	assert_int_equal(sum.fell_back[STINGY_FELL_SIZE], 11);
	assert_int_equal(sum.fell_back[STINGY_FELL_ALIGN], 2);
	assert_int_equal(sum.fell_back[STINGY_FELL_FULL], 3);
	assert_int_equal(sum.fell_back[STINGY_FELL_THREAD], 4);
	assert_int_equal(sum.fell_back[STINGY_FELL_NO_ARENA], 6);
	stingy_live_reader_fini(&reader);
}

static void test_strings_are_terminated(void **state)
{
	struct mapping *mapping = *state;

	memset(mapping->live.manifest, 'm', sizeof(mapping->live.manifest));
	memset(mapping->live.note, 'n', sizeof(mapping->live.note));
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	assert_int_equal(strlen(reader.live.manifest), sizeof(reader.live.manifest) - 1);
	assert_int_equal(strlen(reader.live.note), sizeof(reader.live.note) - 1);
	stingy_live_reader_fini(&reader);
}

static void assert_refused(struct stingy_live *live, const struct stingy_live *good)
{
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_UNKNOWN);
	*live = *good;
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	stingy_live_reader_fini(&reader);
}

static void test_stages(void **state)
{
	(void)state;
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	assert_non_null(reader.stage);
	assert_int_equal(reader.stage[0].runs, 75);
	assert_int_equal(reader.stage[0].batches[0], 1);
	assert_int_equal(reader.stage[0].batches[1], 5);
	assert_int_equal(reader.stage[0].batches[STINGY_LIVE_BATCHES - 1], 4);
	assert_int_equal(reader.stage[1].runs, 0);
	assert_int_equal(reader.stage[N_STAGES].runs, 9);
	stingy_live_reader_fini(&reader);
	assert_null(reader.stage);
}

static void test_no_stages(void **state)
{
	((struct mapping *)*state)->live.stages.count = 0;
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	assert_null(reader.stage);
}

/* A thread that finds all counters taken says so before it takes that back. */
static void test_too_many_threads(void **state)
{
	struct mapping *mapping = *state;

	mapping->live.n_threads = STINGY_LIVE_THREADS + 1;
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_FOUND);
	assert_int_equal(stingy_live_reader_sum(&reader).served, N_REGIONS * N_ARENAS * 1000 + 110 + 1000000);
	stingy_live_reader_fini(&reader);
}

/* What does not add up is refused, one field at a time. */
static void test_damage(void **state)
{
	struct stingy_live *live = &((struct mapping *)*state)->live;
	const struct stingy_live good = *live;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t length = (sizeof(struct mapping) + page - 1) / page * page;

	live->magic++;
	assert_refused(live, &good);
	live->version++;
	assert_refused(live, &good);
	live->state = STINGY_LIVE_DRY_RUN + 1;
	assert_refused(live, &good);
	live->pages = STINGY_PAGES_SMALL + 1;
	assert_refused(live, &good);
	live->n_regions = STINGY_REGIONS_MAX + 1;
	assert_refused(live, &good);
	live->n_arenas = STINGY_ARENAS_MAX + 1;
	assert_refused(live, &good);
	live->region_size = sizeof(struct stingy_live_region) - 1;
	assert_refused(live, &good);
	live->region_size = UINT64_MAX / N_REGIONS / N_ARENAS + 1;
	assert_refused(live, &good);
	live->regions_at = sizeof(*live) - 1;
	assert_refused(live, &good);
	live->regions_at = UINT64_MAX;
	assert_refused(live, &good);
	live->regions_at = length - N_REGIONS * N_ARENAS * live->region_size + 1;
	assert_refused(live, &good);
	live->stages.count = STINGY_STAGES_MAX + 1;
	assert_refused(live, &good);
	live->stages.at = sizeof(*live) - 1;
	assert_refused(live, &good);
	live->stages.at = UINT64_MAX;
	assert_refused(live, &good);
	live->stages.at = length - sizeof(((struct mapping *)NULL)->stage) + 1;
	assert_refused(live, &good);
}

/* A mapping of that name, but too short to hold the structure. */
static void test_short_mapping(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create(STINGY_LIVE_NAME, MFD_CLOEXEC);
	void *mapping = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);

	(void)state;
	assert_true(page < sizeof(struct stingy_live));
	assert_ptr_not_equal(mapping, MAP_FAILED);
	assert_int_equal(stingy_live_reader_read(&reader, getpid()), STINGY_LIVE_UNKNOWN);
	assert_int_equal(munmap(mapping, page), 0);
	close(fd);
}

static void test_no_process(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(stingy_live_reader_read(&reader, pid), STINGY_LIVE_NO_PROCESS);
}

static void test_reasons(void **state)
{
	(void)state;
	for (int found = STINGY_LIVE_FOUND; found < STINGY_LIVE_RESULTS; found++)
		assert_non_null(stingy_live_reader_why(found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test_setup_teardown(test_found, map, unmap),
		cmocka_unit_test_setup_teardown(test_strings_are_terminated, map, unmap),
		cmocka_unit_test_setup_teardown(test_stages, map, unmap),
		cmocka_unit_test_setup_teardown(test_no_stages, map, unmap),
		cmocka_unit_test_setup_teardown(test_too_many_threads, map, unmap),
		cmocka_unit_test_setup_teardown(test_damage, map, unmap),
		cmocka_unit_test(test_short_mapping),
		cmocka_unit_test(test_no_process),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
