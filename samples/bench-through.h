/*
 * Allocation sites of a known depth, for the benchmarks: through_N calls malloc through N functions, so that N return
 * addresses lie between malloc and whoever asked. No state.
 */
#ifndef BENCH_THROUGH_H
#define BENCH_THROUGH_H

#include <stdlib.h>

typedef void *through_function(size_t size);

/* A function that is not inlined and does not end in a jump: its call has a return address and a frame of its own. */
#define THROUGH(name, inner)                                                                                           \
	static __attribute__((noinline, unused)) void *name(size_t size)                                               \
	{                                                                                                              \
		void *object = inner(size);                                                                            \
		__asm__ volatile("" : : "r"(object));                                                                  \
		return object;                                                                                         \
	}

THROUGH(through_1, malloc)
THROUGH(through_2, through_1)
THROUGH(through_3, through_2)
THROUGH(through_4, through_3)

#endif
