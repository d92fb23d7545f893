/*
 * What a malloc and a free cost: bench-malloc.sh and bench-sites.sh run it under one allocator after the other.
 *
 *	bench-malloc DEPTH SIZE lifo|fifo [ROUNDS]
 *
 * Each round allocates BATCH objects of SIZE bytes through DEPTH functions (1, 2 or 4), touches each, and frees them in
 * the order given or its reverse. Prints nanoseconds for a pair of malloc and free, loop and touch included: those that
 * the processor spent on this process, so that who else runs disturbs less.
 */
#include "bench-through.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCH  16
#define ROUNDS 400000

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A site of its own, the first in the profile: whether the measured one is managed or not, this thread owns an arena.
 */
static __attribute__((noinline)) void become_owner(void)
{
	void *object = malloc(1);
	__asm__ volatile("" : : "r"(object)); /* else the compiler leaves out both */
	free(object);
}

static void run_round(through_function *allocate, size_t size, int is_fifo)
{
	char *object[BATCH];
	for (int i = 0; i < BATCH; i++) {
		object[i] = allocate(size);
		if (!object[i])
			err(1, "malloc");
		*(volatile char *)object[i] = 1;
	}
	for (int i = 0; i < BATCH; i++)
		free(object[is_fifo ? i : BATCH - 1 - i]);
}

int main(int argc, char **argv)
{
	become_owner();
	if (argc < 4)
		errx(2, "usage: bench-malloc 1|2|4 SIZE lifo|fifo [ROUNDS]");
	int depth = atoi(argv[1]);
	through_function *allocate = depth == 1 ? through_1 : depth == 2 ? through_2 : through_4;
	size_t size = strtoul(argv[2], NULL, 10);
	int is_fifo = strcmp(argv[3], "fifo") == 0;
	long rounds = argc > 4 ? atol(argv[4]) : ROUNDS;
	double start = seconds();
	for (long i = 0; i < rounds; i++)
		run_round(allocate, size, is_fifo);
	printf("%.2f\n", (seconds() - start) * 1e9 / (double)(rounds * BATCH));
	return 0;
}
