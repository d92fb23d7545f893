/* Regions: what is given and taken back, by one thread and by many, and over fork. */
#include "../shim/region.h"
#include "seed.h"

#include "../manifests/manifest.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "region-free.h"

#define NUMBER    7u /* of the region under test, in messages */
#define COUNT_MAX 4096u
#define ROOM      (8u << 20) /* bytes for slots */
#define OFFSET    1024u      /* of the region in the arena, where it does not matter */
#define OFFSETS   40u        /* KiB up to which the region may begin, where it does */
#define UNTOUCHED 0x5a

static _Alignas(4096) char arena[OFFSETS * 1024 + ROOM];
static char *const slots = arena + OFFSET;
/* At most two places a slot, and those of the last KiB. */
static _Alignas(16) char memory[COUNT_MAX * (sizeof(struct stingy_slot) + 2 * sizeof(uint32_t)) + 1024];
static size_t memory_size; /* of the region under test */

static void make_at(uint32_t offset, uint32_t slot, uint32_t count)
{
	memory_size = stingy_region_memory(slot, count);
	assert_true(memory_size <= sizeof(memory));
	memset(memory, 0, memory_size);
	memset(memory + memory_size, UNTOUCHED, sizeof(memory) - memory_size);
	stingy_region_init(&region, NUMBER, arena, offset, slot, count, memory);
	assert_true(stingy_region_is_valid(&region));
}

/* Nothing is written beyond what was asked for. */
static void assert_in_its_memory(void)
{
	for (size_t i = memory_size; i < sizeof(memory); i++)
		assert_int_equal(memory[i], UNTOUCHED);
}

/* As the owner thread allocates. */
static void *pop(void)
{
	void *object = NULL;

	return stingy_region_pop(&region, arena, &object) ? object : stingy_region_refill(&region);
}

static uint32_t n_free(void)
{
	return stingy_live_region_free(&region.live) + region.live.n_fresh;
}

static void make(uint32_t slot, uint32_t count)
{
	make_at(OFFSET, slot, count);
}

/* Takes all that is on the stack, then one more, for which what others have freed is collected; gives all back. */
static void collect(void)
{
	static void *object[COUNT_MAX + 1];
	uint32_t n = 0;

	while (stingy_region_pop(&region, arena, &object[n]))
		n++;
	if ((object[n] = stingy_region_refill(&region)) != NULL)
		n++;
	while (n > 0)
		push(object[--n]);
}

static void test_gives_each_slot_once(void **state)
{
	static const uint32_t sizes[] = {16, 48, 64, 112, 512, 1008, 4096, 5008, 65536};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint32_t count = ROOM / sizes[i] < 100 ? ROOM / sizes[i] : 100;

		make(sizes[i], count);
		for (uint32_t n = 0; n < count; n++) /* from the lowest address up */
			assert_ptr_equal(pop(), slots + (size_t)n * sizes[i]);
		assert_null(pop());
		assert_null(pop());
		assert_true(stingy_region_is_valid(&region));
		assert_int_equal(stingy_live_region_served(&region.live), count);
		assert_int_equal(region.live.n_fresh, 0);
		assert_in_its_memory();
		assert_int_equal(stingy_region_n_free(&region), 0);
	}
}

static void test_last_freed_comes_first(void **state)
{
	(void)state;
	make(48, 10);
	void *a = pop(), *b = pop(), *c = pop();
	push(a);
	push(c);
	assert_ptr_equal(pop(), c);
	assert_ptr_equal(pop(), a);
	push(b);
	assert_ptr_equal(pop(), b);
	assert_int_equal(n_free(), 7);
	assert_int_equal(region.live.n_fresh, 7);
	assert_int_equal(stingy_live_region_served(&region.live), 6);
}

/* Of all addresses in the region's KiBs only those where a slot begins that is given are objects. */
static void assert_found(uint32_t offset, uint32_t slot, uint32_t count, uint32_t n_given)
{
	uint32_t end = (slot * count + STINGY_REGION_ALIGN - 1) / STINGY_REGION_ALIGN * STINGY_REGION_ALIGN;
	uint32_t step = count > 64 ? 1 + below(61) : 1; /* not every byte of the large ones */

	for (uint32_t in = 0; in < end; in += step) {
		struct stingy_slot at = stingy_region_slot(&region, offset + in);

		assert_in_range(at.place, region.first_place, region.first_place + region.n_places - 1);
		assert_int_equal(stingy_region_is_given(&region, at), in % slot == 0 && in / slot < n_given);
	}
}

/* The place comes from a shift: each slot of each size, wherever the region begins, must have one of its own. */
static void test_finds_the_slot_of_an_address(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		uint32_t slot = 16 * (1 + below(600)), most = ROOM / slot;
		uint32_t count = 1 + below(most < COUNT_MAX ? most : COUNT_MAX);
		uint32_t offset = (1 + below(OFFSETS - 1)) * 1024, n_given = 1 + below(count);

		make_at(offset, slot, count);
		for (uint32_t i = 0; i < n_given; i++)
			assert_ptr_equal(pop(), arena + offset + i * slot);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(stingy_region_is_given(&region, slot_of(arena + offset + i * slot)),
					 i < n_given);
		assert_found(offset, slot, count, n_given);
		for (uint32_t i = 0; i < n_given; i++)
			if (i % 2)
				push(arena + offset + i * slot);
			else
				push_remote(arena + offset + i * slot);
		assert_int_equal(stingy_region_n_free(&region), count);
		collect(); /* which finds the slot of a place */
		assert_int_equal(n_free(), count);
		assert_true(stingy_region_is_valid(&region));
		assert_found(offset, slot, count, 0);
	}
}

static void test_random_use(void **state)
{
	static void *object[COUNT_MAX];
	uint32_t n = 0;

	(void)state;
	make(112, 1000);
	for (unsigned round = 0; round < 200000; round++) {
		if (below(2)) {
			void *at = pop();

			assert_int_equal(at == NULL, n == 1000);
			if (at)
				object[n++] = at;
		} else if (n > 0) {
			uint32_t i = below(n);

			push(object[i]);
			object[i] = object[--n];
		}
		assert_int_equal(n_free(), 1000 - n);
		if (round % 10000 == 0)
			assert_true(stingy_region_is_valid(&region));
	}
}

static void *free_remotely(void *objects)
{
	for (void **object = objects; *object; object++)
		push_remote(*object);
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
	for (unsigned i = 0; i < 5; i++)
		object[i] = pop();
	run_thread(object + 2); /* the last three */
	assert_int_equal(n_free(), 0);
	assert_int_equal(stingy_region_n_free(&region), 3);
	assert_true(stingy_region_is_valid(&region));
	for (unsigned i = 0; i < 3; i++) {
		assert_true((char *)pop() >= slots + 2 * 64);
		assert_int_equal(n_free(), 2 - i);
		assert_int_equal(stingy_region_n_free(&region), 2 - i);
		assert_true(stingy_region_is_valid(&region));
	}
	assert_null(pop());
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
		push_remote(object);
	}
	return NULL;
}

static void hand_over(unsigned box, unsigned n)
{
	unsigned *object;

	while (!(object = pop()))
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
		void *own = pop();
		if (own)
			push(own);
	}
	for (unsigned box = 0; box < 2; box++)
		assert_int_equal(pthread_join(thread[box], NULL), 0);
	collect();
	assert_int_equal(n_free(), 30);
	assert_true(stingy_region_is_valid(&region));
}

/* What fork may copy: slots freed by others, and one that was off the stack but not yet marked. */
static void test_rebuild_finds_all_that_is_free(void **state)
{
	void *object[11] = {NULL};

	(void)state;
	make(32, 10);
	for (unsigned i = 0; i < 10; i++)
		object[i] = pop();
	for (unsigned i = 0; i < 4; i++)
		push(object[i]);
	run_thread(object + 7);
	region.live.state--;
	assert_false(stingy_region_is_valid(&region));
	stingy_region_rebuild(&region);
	assert_true(stingy_region_is_valid(&region));
	assert_int_equal(n_free(), 7); /* but for 4, 5 and 6 */
	for (unsigned i = 0; i < 7; i++) {
		char *at = pop();
		assert_true(at < slots + 4 * 32 || at >= slots + 7 * 32);
	}
	assert_null(pop());
	push(object[5]);
	assert_ptr_equal(pop(), object[5]);
}

/* What was never given is not looked at, and where nothing lives nothing is known of what was. */
static void test_reset(void **state)
{
	(void)state;
	make(48, 10);
	void *a = pop(), *b = pop();
	push(a);
	push_remote(b);
	stingy_region_reset(&region);
	assert_true(stingy_region_is_valid(&region));
	assert_int_equal(region.live.n_fresh, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_ptr_equal(pop(), slots + i * 48);
	assert_null(pop());
}

/* Ten slots, all given and given back: on the stack, the first on top. */
static void make_all_free(void)
{
	void *object[10];

	make(32, 10);
	for (unsigned i = 0; i < 10; i++)
		object[i] = pop();
	for (unsigned i = 10; i-- > 0;)
		push(object[i]);
	assert_true(stingy_region_is_valid(&region));
}

static void test_is_valid_sees_damage(void **state)
{
	uint32_t *given;

	(void)state;
	make_all_free();
	region.stack[3] = slot_of(slots + 10 * 32);
	assert_false(stingy_region_is_valid(&region));
	make_all_free();
	region.stack[3].offset += 16;
	assert_false(stingy_region_is_valid(&region));
	make_all_free();
	region.stack[3].place++;
	assert_false(stingy_region_is_valid(&region));
	make_all_free();
	given = &region.given[slot_of(slots + 9 * 32).place];
	*given = OFFSET + 9 * 32; /* and on the stack */
	assert_false(stingy_region_is_valid(&region));
	*given = OFFSET + 8 * 32;
	assert_false(stingy_region_is_valid(&region));
	*given = STINGY_SLOT_REMOTE;
	assert_false(stingy_region_is_valid(&region));
	*given = STINGY_SLOT_FRESH;
	assert_false(stingy_region_is_valid(&region));
	*given = STINGY_SLOT_FREE;
	assert_true(stingy_region_is_valid(&region));
	region.live.n_fresh = 11;
	assert_false(stingy_region_is_valid(&region));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gives_each_slot_once),
		cmocka_unit_test(test_last_freed_comes_first),
		cmocka_unit_test(test_finds_the_slot_of_an_address),
		cmocka_unit_test(test_random_use),
		cmocka_unit_test(test_collects_what_others_freed),
		cmocka_unit_test(test_owner_and_others_at_once),
		cmocka_unit_test(test_rebuild_finds_all_that_is_free),
		cmocka_unit_test(test_is_valid_sees_damage),
		cmocka_unit_test(test_reset),
	};

	seed_random((unsigned)time(NULL));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
