/*
 * Many threads that allocate, hand objects to each other and free what others made; contents are checked all the time.
 *
 *	threads stress [SEED]   random sizes and entry points; objects change hands through a shared table
 *	threads owners          threads one after the other; each frees what the one before left, the last one in a
 *	                        destructor
 *	threads handover        a thread whose destructor allocates while the next thread has taken over
 *
 * Flags: -pthread. The seed is printed. A failed check aborts.
 */
#define _GNU_SOURCE
#include "../xorshift.h"

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 4
#define ROUNDS  120000
#define OWN     300 /* objects that a thread holds */
#define SHARED  500 /* places in the shared table */
#define OWNERS  12
#define LEFT    100 /* objects that an owner leaves to the next */

/* What every object begins with; the rest of it is filled with the mark. */
struct object {
	size_t size;
	uint32_t mark;
	uint32_t check; /* of the two above */
};

static struct object *shared[SHARED];

static void check(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "threads: %s\n", what);
	abort();
}

static void seal(struct object *object, size_t size, uint32_t mark)
{
	check(object != NULL, "no memory");
	object->size = size;
	object->mark = mark;
	object->check = (uint32_t)size ^ mark ^ 0x5eed;
	memset(object + 1, (int)(mark & 0xff), size - sizeof(*object));
}

static void check_object(const struct object *object)
{
	const unsigned char *at = (const unsigned char *)(object + 1);
	check(object->check == ((uint32_t)object->size ^ object->mark ^ 0x5eed), "an object's head changed");
	for (size_t i = 0; i < object->size - sizeof(*object); i++)
		check(at[i] == (object->mark & 0xff), "an object's contents changed");
}

/* Small ones mostly; one in a thousand is large. */
static size_t random_size(uint32_t *random)
{
	uint32_t kind = next_random(random) % 1000;
	uint32_t most = kind == 0 ? 200000 : kind < 50 ? 5000 : 400;
	return sizeof(struct object) + next_random(random) % most;
}

static __attribute__((noinline)) struct object *make(uint32_t *random)
{
	size_t size = random_size(random);
	struct object *object = NULL;
	switch (next_random(random) % 5) {
	case 0:
		object = calloc(1, size);
		break;
	case 1:
		object = memalign(64, size);
		check((uintptr_t)object % 64 == 0, "an object is not aligned");
		break;
	case 2:
		object = realloc(NULL, size);
		break;
	default:
		object = malloc(size);
		break;
	}
	seal(object, size, next_random(random));
	return object;
}

static struct object *grow_or_shrink(struct object *object, uint32_t *random)
{
	size_t size = random_size(random), kept = object->size < size ? object->size : size;
	struct object head = *object;
	object = realloc(object, size);
	check(object != NULL, "no memory");
	object->size = kept;
	object->check = (uint32_t)kept ^ head.mark ^ 0x5eed;
	check_object(object);
	seal(object, size, next_random(random));
	return object;
}

static void end(struct object *object)
{
	if (!object)
		return;
	check_object(object);
	free(object);
}

/* One thing that a program does with an object. */
static void step(struct object **place, uint32_t *random)
{
	uint32_t kind = next_random(random) % 8;
	if (!*place)
		*place = make(random);
	else if (kind < 3) /* change hands */
		*place = __atomic_exchange_n(&shared[next_random(random) % SHARED], *place, __ATOMIC_ACQ_REL);
	else if (kind < 4)
		*place = grow_or_shrink(*place, random);
	else {
		end(*place);
		*place = kind < 6 ? make(random) : NULL;
	}
}

static void *stress_main(void *seed)
{
	struct object *own[OWN] = {NULL};
	uint32_t random = (uint32_t)(uintptr_t)seed;
	for (unsigned i = 0; i < ROUNDS; i++)
		step(&own[next_random(&random) % OWN], &random);
	for (unsigned i = 0; i < OWN; i++)
		end(own[i]);
	return NULL;
}

static void stress(uint32_t seed)
{
	pthread_t thread[THREADS];
	printf("seed %u\n", seed);
	fflush(stdout);
	for (uint32_t round = 0; round < 2; round++) { /* the second time with other threads */
		for (uint32_t i = 0; i < THREADS; i++)
			check(pthread_create(&thread[i], NULL, stress_main,
					     (void *)(uintptr_t)((seed + round * THREADS + i) * 2654435761u | 1)) == 0,
			      "no thread");
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
	}
	for (unsigned i = 0; i < SHARED; i++)
		end(shared[i]);
}

static pthread_key_t key;

/* Runs when the thread exits, after it has allocated: frees and allocates once more. */
static void at_exit(void *random)
{
	for (unsigned i = 0; i < LEFT / 2; i++)
		end(shared[i]);
	for (unsigned i = 0; i < LEFT / 2; i++)
		shared[i] = make(random);
}

static void *owner_main(void *random)
{
	pthread_setspecific(key, random);
	for (unsigned i = 0; i < LEFT; i++)
		end(shared[i]);
	for (unsigned i = 0; i < LEFT; i++)
		shared[i] = make(random);
	return NULL;
}

static void owners(void)
{
	uint32_t random = 99;
	check(pthread_key_create(&key, at_exit) == 0, "no key");
	for (unsigned i = 0; i < OWNERS; i++) {
		pthread_t thread;
		check(pthread_create(&thread, NULL, owner_main, &random) == 0, "no thread");
		pthread_join(thread, NULL);
	}
	for (unsigned i = 0; i < LEFT; i++)
		end(shared[i]);
	printf("%d owners\n", OWNERS);
}

#define HANDED 10 /* objects each time */

static __attribute__((noinline)) void make_some(void)
{
	struct object *some[HANDED];
	for (unsigned i = 0; i < HANDED; i++) {
		some[i] = malloc(100);
		seal(some[i], 100, i);
	}
	for (unsigned i = 0; i < HANDED; i++)
		end(some[i]);
}

static pthread_barrier_t has_allocated, may_end;

static void *second_main(void *unused)
{
	make_some();
	pthread_barrier_wait(&has_allocated);
	pthread_barrier_wait(&may_end);
	return unused;
}

/* The first thread is on its way out: the second owns the arena now. */
static void at_first_exit(void *second)
{
	check(pthread_create(second, NULL, second_main, NULL) == 0, "no thread");
	pthread_barrier_wait(&has_allocated);
	make_some();
	pthread_barrier_wait(&may_end);
}

static void *first_main(void *second)
{
	pthread_setspecific(key, second);
	make_some();
	return NULL;
}

static void handover(void)
{
	pthread_t first, second;
	check(pthread_barrier_init(&has_allocated, NULL, 2) == 0 && pthread_barrier_init(&may_end, NULL, 2) == 0 &&
		      pthread_key_create(&key, at_first_exit) == 0 &&
		      pthread_create(&first, NULL, first_main, &second) == 0,
	      "no thread");
	pthread_join(first, NULL);
	pthread_join(second, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "owners") == 0)
		owners();
	else if (argc > 1 && strcmp(argv[1], "handover") == 0)
		handover();
	else
		stress(argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : (uint32_t)time(NULL));
	printf("all objects whole\n");
	return 0;
}
