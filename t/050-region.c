/* Regions: what is given and taken back, by one thread and by many, over fork, and what ends the program. */
#include "../shim/region.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NUMBER    7u /* of the region under test, in messages */
#define COUNT_MAX 4096u
#define ROOM      (8u << 20) /* bytes for slots */

static _Alignas(4096) char slots[ROOM];
static _Alignas(16) char memory[COUNT_MAX * 16];
static struct stingy_region region;
static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void make(uint32_t slot, uint32_t count)
{
	assert_true(stingy_region_memory(count) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	stingy_region_init(&region, NUMBER, slots, 1024, slot, count, memory);
	assert_true(stingy_region_is_valid(&region));
}

static void test_gives_each_slot_once(void **state)
{
	static const uint32_t sizes[] = {16, 48, 64, 112, 512, 1008, 4096, 5008, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint32_t count = ROOM / sizes[i] < 100 ? ROOM / sizes[i] : 100;

		make(sizes[i], count);
		for (uint32_t n = 0; n < count; n++) /* from the lowest address up */
			assert_ptr_equal(stingy_region_pop(&region), slots + (size_t)n * sizes[i]);
		assert_null(stingy_region_pop(&region));
		assert_null(stingy_region_pop(&region));
		assert_true(stingy_region_is_valid(&region));
		assert_int_equal(region.live.served, count);
		assert_int_equal(region.live.low, 0);
		assert_int_equal(stingy_region_n_free(&region), 0);
	}
}

static void test_last_freed_comes_first(void **state)
{
	(void)state;
	make(48, 10);
	void *a = stingy_region_pop(&region), *b = stingy_region_pop(&region), *c = stingy_region_pop(&region);
	stingy_region_push(&region, a);
	stingy_region_push(&region, c);
	assert_ptr_equal(stingy_region_pop(&region), c);
	assert_ptr_equal(stingy_region_pop(&region), a);
	stingy_region_push(&region, b);
	assert_ptr_equal(stingy_region_pop(&region), b);
	assert_int_equal(region.live.n_free, 7);
	assert_int_equal(region.live.low, 7);
	assert_int_equal(region.live.served, 6);
}

/* The slot's number comes from a multiplication: it must be right at both ends of every slot of every size. */
static void test_finds_the_slot_of_an_address(void **state)
{
	(void)state;
	print_message("# seed %u\n", random_state);
	for (unsigned round = 0; round < 300; round++) {
		uint32_t slot = 16 * (1 + next_random() % 600), most = ROOM / slot;
		uint32_t count = 1 + next_random() % (most < COUNT_MAX ? most : COUNT_MAX);
		void *object[8];
		unsigned n = 0;

		make(slot, count);
		for (uint32_t i = 0; i < count; i++) {
			char *at = stingy_region_pop(&region);

			assert_int_equal(stingy_region_slot(&region, at), i);
			if (n < 8 && (i == count - 1 || next_random() % 50 == 0))
				object[n++] = at;
		}
		while (n > 0)
			stingy_region_push(&region, object[--n]);
		assert_true(stingy_region_is_valid(&region));
	}
}

static void test_random_use(void **state)
{
	static void *object[COUNT_MAX];
	uint32_t n = 0;

	(void)state;
	print_message("# seed %u\n", random_state);
	make(112, 1000);
	for (unsigned round = 0; round < 200000; round++) {
		if (next_random() % 2) {
			void *at = stingy_region_pop(&region);

			assert_int_equal(at == NULL, n == 1000);
			if (at)
				object[n++] = at;
		} else if (n > 0) {
			uint32_t i = next_random() % n;

			stingy_region_push(&region, object[i]);
			object[i] = object[--n];
		}
		assert_int_equal(region.live.n_free, 1000 - n);
		if (round % 10000 == 0)
			assert_true(stingy_region_is_valid(&region));
	}
}

static void *free_remotely(void *objects)
{
	for (void **object = objects; *object; object++)
		stingy_region_push_remote(&region, *object);
	return NULL;
}

static void run_thread(void *objects)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, free_remotely, objects), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_collects_what_others_freed(void **state)
{
	void *object[6] = {NULL};

	(void)state;
	make(64, 5);
	assert_false(stingy_region_collect(&region));
	for (unsigned i = 0; i < 5; i++)
		object[i] = stingy_region_pop(&region);
	run_thread(object + 2); /* the last three */
	assert_int_equal(region.live.n_free, 0);
	assert_int_equal(stingy_region_n_free(&region), 3);
	assert_true(stingy_region_is_valid(&region));
	assert_null(stingy_region_pop(&region));
	assert_true(stingy_region_collect(&region));
	assert_false(stingy_region_collect(&region));
	assert_int_equal(region.live.n_free, 3);
	assert_true(stingy_region_is_valid(&region));
	for (unsigned i = 0; i < 3; i++)
		assert_true((char *)stingy_region_pop(&region) >= slots + 2 * 64);
	assert_null(stingy_region_pop(&region));
}

/* The owner hands objects to two threads that free them, through a place each; the contents say whose they are. */
#define HANDED 20000u

static void *mailbox[2];

static void *free_mail(void *box)
{
	for (unsigned n = 0; n < HANDED; n++) {
		unsigned *object;

		while (!(object = __atomic_exchange_n((void **)box, NULL, __ATOMIC_ACQUIRE)))
			sched_yield();
		if (*object != n)
			abort();
		stingy_region_push_remote(&region, object);
	}
	return NULL;
}

static void hand_over(unsigned box, unsigned n)
{
	unsigned *object;

	while (!(object = stingy_region_pop(&region)))
		if (!stingy_region_collect(&region))
			sched_yield();
	*object = n;
	void *none = NULL;
	while (!__atomic_compare_exchange_n(&mailbox[box], &none, object, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
		none = NULL;
		sched_yield();
	}
}

static void test_owner_and_others_at_once(void **state)
{
	pthread_t thread[2];

	(void)state;
	make(16, 30);
	for (unsigned box = 0; box < 2; box++)
		assert_int_equal(pthread_create(&thread[box], NULL, free_mail, &mailbox[box]), 0);
	for (unsigned n = 0; n < HANDED; n++) {
		hand_over(0, n);
		hand_over(1, n);
		void *own = stingy_region_pop(&region);
		if (own)
			stingy_region_push(&region, own);
	}
	for (unsigned box = 0; box < 2; box++)
		assert_int_equal(pthread_join(thread[box], NULL), 0);
	stingy_region_collect(&region);
	assert_int_equal(region.live.n_free, 30);
	assert_true(stingy_region_is_valid(&region));
}

/* What fork may copy: slots freed by others, and one that was off the stack but not yet marked. */
static void test_rebuild_finds_all_that_is_free(void **state)
{
	void *object[11] = {NULL};

	(void)state;
	make(32, 10);
	for (unsigned i = 0; i < 10; i++)
		object[i] = stingy_region_pop(&region);
	for (unsigned i = 0; i < 4; i++)
		stingy_region_push(&region, object[i]);
	run_thread(object + 7);
	region.live.n_free--;
	assert_false(stingy_region_is_valid(&region));
	stingy_region_rebuild(&region);
	assert_true(stingy_region_is_valid(&region));
	assert_int_equal(region.live.n_free, 7); /* but for 4, 5 and 6 */
	assert_false(stingy_region_collect(&region));
	for (unsigned i = 0; i < 7; i++) {
		char *at = stingy_region_pop(&region);
		assert_true(at < slots + 4 * 32 || at >= slots + 7 * 32);
	}
	assert_null(stingy_region_pop(&region));
	stingy_region_push(&region, object[5]);
	assert_ptr_equal(stingy_region_pop(&region), object[5]);
}

static void test_is_valid_sees_damage(void **state)
{
	(void)state;
	make(32, 10);
	region.stack[3] = 10;
	assert_false(stingy_region_is_valid(&region));
	make(32, 10);
	region.state[9] = STINGY_SLOT_LIVE;
	assert_false(stingy_region_is_valid(&region));
	make(32, 10);
	region.state[9] = STINGY_SLOT_REMOTE + 1;
	assert_false(stingy_region_is_valid(&region));
	make(32, 10);
	region.live.low = 11;
	assert_false(stingy_region_is_valid(&region));
}

/* Runs the function in a child; it must be stopped by SIGABRT, and its one line on stderr is put into said. */
static void assert_stopped(void (*bad)(void), char *said, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		bad();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_ptr_equal(strchr(said, '\n'), said + used - 1);
}

static void free_twice(void)
{
	stingy_region_push(&region, slots + 2 * 48);
	stingy_region_push(&region, slots + 2 * 48);
}

static void free_remote_twice(void)
{
	stingy_region_push_remote(&region, slots + 2 * 48);
	stingy_region_push_remote(&region, slots + 2 * 48);
}

static void free_remote_then_here(void)
{
	stingy_region_push_remote(&region, slots + 2 * 48);
	stingy_region_push(&region, slots + 2 * 48);
}

static void free_never_given(void)
{
	stingy_region_push(&region, slots + 9 * 48);
}

static void free_inside(void)
{
	stingy_region_push(&region, slots + 2 * 48 + 16);
}

static void free_inside_by_a_byte(void)
{
	stingy_region_push_remote(&region, slots + 3 * 48 - 1);
}

static void free_behind(void)
{
	stingy_region_push(&region, slots + 10 * 48);
}

static void free_far_behind(void)
{
	stingy_region_push(&region, slots + ROOM - 48);
}

static void test_bad_frees_end_the_program(void **state)
{
	static const struct {
		void (*bad)(void);
		const char *says;
		size_t at;
	} table[] = {
		{free_twice, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_remote_twice, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_remote_then_here, "double free of %p (slot 2 of region 7)", 2 * 48},
		{free_never_given, "double free of %p (slot 9 of region 7)", 9 * 48},
		{free_inside, "%p is inside slot 2 of region 7, not its start", 2 * 48 + 16},
		{free_inside_by_a_byte, "%p is inside slot 2 of region 7, not its start", 3 * 48 - 1},
		{free_behind, "%p is in no slot (behind region 7)", 10 * 48},
		{free_far_behind, "%p is in no slot (behind region 7)", ROOM - 48},
	};

	(void)state;
	make(48, 10);
	for (unsigned i = 0; i < 4; i++)
		stingy_region_pop(&region);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char said[1000], wanted[1000] = "stingy: free(): ";
		size_t len = strlen(wanted);

		snprintf(wanted + len, sizeof(wanted) - len, table[i].says, (void *)(slots + table[i].at));
		assert_stopped(table[i].bad, said, sizeof(said));
		strcat(wanted, "\n");
		assert_string_equal(said, wanted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gives_each_slot_once),           cmocka_unit_test(test_last_freed_comes_first),
		cmocka_unit_test(test_finds_the_slot_of_an_address),   cmocka_unit_test(test_random_use),
		cmocka_unit_test(test_collects_what_others_freed),     cmocka_unit_test(test_owner_and_others_at_once),
		cmocka_unit_test(test_rebuild_finds_all_that_is_free), cmocka_unit_test(test_is_valid_sees_damage),
		cmocka_unit_test(test_bad_frees_end_the_program),
	};

	random_state = (uint32_t)time(NULL) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
