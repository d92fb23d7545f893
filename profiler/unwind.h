/*
 * What libunwind teaches the walker. The only file that knows libunwind.
 *
 * The rule of a return address is found by asking libunwind to step once from a made-up machine state: registers that
 * point to places of our own making. The step then shows, by where it looks and what it computes, how that frame is
 * laid out; two made-up states tell a stack pointer plus a constant from a frame pointer plus a constant. Nothing
 * depends on the stack at hand, so a rule holds for every later visit, or there is none.
 *
 * libunwind is opened with dlopen and kept to ourselves: it exports _Unwind_*, which would catch the program's C++
 * exceptions if it were a needed library of ours. The generic library for x86-64 is used, which takes
 * its tables from where we say: no loader's lock inside, no system calls to validate memory.
 *
 * It may allocate; the caller guards against re-entry, and holds no lock. Any thread.
 */
#ifndef STINGY_UNWIND_H
#define STINGY_UNWIND_H

#include "../manifests/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stingy_unwind_tables {
	uintptr_t eh_frame_hdr; /* address; 0: none */
	uintptr_t low, high;    /* the addresses that the tables are for */
};

struct stingy_unwind_answer {
	struct stingy_rule rule;
	uintptr_t function; /* address of the first byte of the function that contains ra; 0: unknown */
	uintptr_t end;      /* address behind its last byte */
};

/* Opens libunwind. Returns 0, or -1 after saying why; then no rule is ever known. */
int stingy_unwind_init(void);

/* The rule of ra, and its function, from the tables of its module. */
struct stingy_unwind_answer stingy_unwind_learn(uintptr_t ra, const struct stingy_unwind_tables *tables);

/* Finds the tables for an address; data is the caller's. Returns whether there are any. */
typedef bool stingy_unwind_find(uintptr_t address, struct stingy_unwind_tables *tables, void *data);

/*
 * Walks from the caller of this function outwards as libunwind does, from the real registers, and stores the return
 * addresses beginning with first (inner frames are left out) into chain. Returns how many, at most max; *ended is
 * whether the outermost frame was reached. For comparing with the walk by rules: slow.
 */
size_t stingy_unwind_walk(uintptr_t first, uintptr_t *chain, size_t max, bool *ended, stingy_unwind_find *find,
			  void *data);

#endif
