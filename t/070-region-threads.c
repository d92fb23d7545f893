/*
 * A region and threads: the owner takes and gives back slots while others free what it has handed to them, and one
 * looks how many are free; then another thread becomes the owner. No slot is ever in two hands, and none is lost.
 *
 * Each object holds a number that whoever has it checks; a slot given twice would show there, and as a data race.
 */
#include "../shim/region.h"
#include "seed.h"
#include "xorshift.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define SLOT   48u
#define COUNT  100u
#define OFFSET 1024u
#define OTHERS 3u  /* threads that free */
#define BOXES  40u /* places where objects change hands */
#define OWN    60u /* objects that the owner keeps at a time */
#define OWNERS 4u  /* one after the other */
#ifdef __SANITIZE_THREAD__
#define STEPS 20000u
#else
#define STEPS 200000u
#endif

static _Alignas(1024) char arena[OFFSET + SLOT * COUNT + 1024];
static _Alignas(16) char memory[COUNT * 32];
static struct stingy_region region;
static uint32_t *boxes[BOXES]; /* exchanged, never just read */
static bool is_over;

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "# %s\n", what);
	abort();
}

static struct stingy_slot slot_of(const void *object)
{
	return stingy_region_slot(&region, (uint32_t)((const char *)object - arena));
}

/* What an object holds: where it is, so that it fits no other slot, and what it was sealed with. */
static void seal(uint32_t *object, uint32_t mark)
{
	object[0] = (uint32_t)((char *)object - arena);
	for (unsigned i = 1; i < SLOT / sizeof(*object); i++)
		object[i] = mark + i;
}

static void check_object(uint32_t *object)
{
	must(object[0] == (uint32_t)((char *)object - arena), "an object is not where it was made");
	for (unsigned i = 2; i < SLOT / sizeof(*object); i++)
		must(object[i] == object[i - 1] + 1, "an object's contents changed");
	object[0] = 0; /* whoever comes second will see */
}

static uint32_t *take_slot(void)
{
	void *object;
	return stingy_region_pop(&region, arena, &object) ? object : stingy_region_refill(&region);
}

static void give_back(uint32_t *object)
{
	struct stingy_slot slot = slot_of(object);
	check_object(object);
	must(stingy_region_is_given(&region, slot), "an object's slot is not given");
	stingy_region_push(&region, slot);
}

static uint32_t *exchange(uint32_t *object, uint32_t *random)
{
	return __atomic_exchange_n(&boxes[next_random(random) % BOXES], object, __ATOMIC_ACQ_REL);
}

static void *free_others(void *seed)
{
	uint32_t random = (uint32_t)(uintptr_t)seed;
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		uint32_t *object = exchange(NULL, &random);
		if (!object) {
			sched_yield();
			continue;
		}
		check_object(object);
		stingy_region_push_remote(&region, slot_of(object));
	}
	return NULL;
}

static void *look(void *unused)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		must(stingy_region_n_free(&region) <= 2 * COUNT, "more slots are free than can be");
		sched_yield();
	}
	return unused;
}

/* The owner's part, begun with what the one before left in the boxes. */
static void *own(void *seed)
{
	uint32_t random = (uint32_t)(uintptr_t)seed, *own[OWN] = {NULL};
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t **place = &own[next_random(&random) % OWN], what = next_random(&random) % 4;
		if (!*place) {
			*place = take_slot();
			if (*place)
				seal(*place, next_random(&random));
		} else if (what == 0) {
			give_back(*place);
			*place = NULL;
		} else {
			*place = exchange(*place, &random);
		}
	}
	for (unsigned i = 0; i < OWN; i++)
		if (own[i])
			give_back(own[i]);
	return NULL;
}

static pthread_t start(void *(*work)(void *), uint32_t seed)
{
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, work, (void *)(uintptr_t)(seed | 1)), 0);
	return thread;
}

static void test_owners_and_others(void **state)
{
	pthread_t others[OTHERS + 1];

	(void)state;
	assert_true(stingy_region_memory(SLOT, COUNT) <= sizeof(memory));
	stingy_region_init(&region, 0, arena, OFFSET, SLOT, COUNT, memory);
	for (unsigned i = 0; i < OTHERS; i++)
		others[i] = start(free_others, (uint32_t)random());
	others[OTHERS] = start(look, 0);
	for (unsigned i = 0; i < OWNERS; i++) /* the next begins when the last has ended, as serve.c sees to */
		assert_int_equal(pthread_join(start(own, (uint32_t)random()), NULL), 0);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i <= OTHERS; i++)
		assert_int_equal(pthread_join(others[i], NULL), 0);
	for (unsigned i = 0; i < BOXES; i++)
		if (boxes[i])
			give_back(boxes[i]);
	assert_true(stingy_region_is_valid(&region));
	assert_int_equal(stingy_region_n_free(&region), COUNT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_owners_and_others)};

	seed_random((unsigned)time(NULL));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
