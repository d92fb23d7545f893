/*
 * How an allocator scales: workers that allocate and free at one site, together or in pairs.
 *
 *	bench-threads threads|processes|pass WORKERS [ROUNDS]
 *
 * threads     each worker is a thread that allocates BATCH objects and frees them, ROUNDS times
 * processes   the same, each a process
 * pass        every second worker is a thread that allocates, and the one behind it frees, through a ring of its own
 *
 * Prints millions of pairs of malloc and free a second, of all workers together, from their common start to the end of
 * the last.
 */
#define _GNU_SOURCE
#include "bench-through.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH       16
#define SIZE        256 /* bytes */
#define ROUNDS      200000
#define WORKERS_MAX 64
#define RING        256 /* objects on their way from one thread to the other */

/* Shared by all workers, processes too. Ends of a ring have a cache line each. */
static struct shared {
	pthread_barrier_t begin, end;
	double began[WORKERS_MAX], ended[WORKERS_MAX]; /* seconds; whoever asks may get the processor late */
	struct ring {
		unsigned long given __attribute__((aligned(64)));
		unsigned long taken __attribute__((aligned(64)));
		void *object[RING] __attribute__((aligned(64)));
	} ring[WORKERS_MAX / 2];
} * shared;

static long rounds = ROUNDS;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *make(void)
{
	char *object = through_2(SIZE);
	if (!object)
		err(1, "malloc");
	*(volatile char *)object = 1;
	return object;
}

static void alone(unsigned number)
{
	void *object[BATCH];
	(void)number;
	for (long i = 0; i < rounds; i++) {
		for (int n = 0; n < BATCH; n++)
			object[n] = make();
		for (int n = BATCH; n-- > 0;)
			free(object[n]);
	}
}

static void give(struct ring *ring, void *object)
{
	while (ring->given - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == RING)
		sched_yield();
	ring->object[ring->given % RING] = object;
	__atomic_store_n(&ring->given, ring->given + 1, __ATOMIC_RELEASE);
}

static void *take(struct ring *ring)
{
	while (__atomic_load_n(&ring->given, __ATOMIC_ACQUIRE) == ring->taken)
		sched_yield();
	void *object = ring->object[ring->taken % RING];
	__atomic_store_n(&ring->taken, ring->taken + 1, __ATOMIC_RELEASE);
	return object;
}

static void in_pair(unsigned number)
{
	struct ring *ring = &shared->ring[number / 2];
	for (long i = 0; i < rounds * BATCH; i++) {
		if (number % 2 == 0)
			give(ring, make());
		else
			free(take(ring));
	}
}

static struct mode {
	const char *name;
	void (*work)(unsigned number);
	bool is_processes;
	unsigned workers_of_a_pair; /* how many it takes for a malloc and its free */
} modes[] = {
	{"threads", alone, false, 1},
	{"processes", alone, true, 1},
	{"pass", in_pair, false, 2},
};
static const struct mode *mode;

static void *work(void *data)
{
	unsigned number = (unsigned)(uintptr_t)data;
	pthread_barrier_wait(&shared->begin);
	shared->began[number] = seconds();
	mode->work(number);
	shared->ended[number] = seconds();
	pthread_barrier_wait(&shared->end);
	return NULL;
}

static void start(unsigned number)
{
	pthread_t thread;
	pid_t pid = mode->is_processes ? fork() : 0;
	if (pid < 0)
		err(1, "fork");
	if (mode->is_processes && pid == 0) {
		work((void *)(uintptr_t)number);
		_exit(0);
	}
	if (!mode->is_processes && pthread_create(&thread, NULL, work, (void *)(uintptr_t)number) != 0)
		errx(1, "no thread");
}

static void prepare(unsigned workers)
{
	pthread_barrierattr_t attributes;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (pthread_barrier_init(&shared->begin, &attributes, workers + 1) != 0 ||
	    pthread_barrier_init(&shared->end, &attributes, workers + 1) != 0)
		errx(1, "no barrier");
}

static double time_taken(unsigned workers)
{
	double began = shared->began[0], ended = shared->ended[0];
	for (unsigned i = 1; i < workers; i++) {
		began = shared->began[i] < began ? shared->began[i] : began;
		ended = shared->ended[i] > ended ? shared->ended[i] : ended;
	}
	return ended - began;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			mode = &modes[i];
	unsigned workers = mode ? (unsigned)atoi(argv[2]) : 0;
	if (workers == 0 || workers > WORKERS_MAX || workers % mode->workers_of_a_pair != 0)
		errx(2, "usage: bench-threads threads|processes|pass WORKERS [ROUNDS]");
	if (argc > 3)
		rounds = atol(argv[3]);
	prepare(workers);
	for (unsigned i = 0; i < workers; i++)
		start(i);
	pthread_barrier_wait(&shared->begin);
	pthread_barrier_wait(&shared->end);
	unsigned n_makers = workers / mode->workers_of_a_pair;
	printf("%.2f\n", (double)n_makers * (double)rounds * BATCH / time_taken(workers) * 1e-6);
	return 0;
}
