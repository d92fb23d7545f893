/*
 * The part of a solve that looks at the traces it is given: reads them, decides of which program the manifest is to be
 * and for which cache, and says what is wrong with them where that cannot be.
 *
 * solve.c's own; others call stingy_solve_run. The functions return 0, or -1 with solve->error set.
 */
#ifndef STINGY_SOLVE_INPUTS_H
#define STINGY_SOLVE_INPUTS_H

#include "solve.h"

/* Sets solve->error, made harmless for a terminal. Returns -1. */
int stingy_solve_fail(struct stingy_solve *solve, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads the traces in the order of their paths, each path once. */
int stingy_solve_read(struct stingy_solve *solve, const char *const *paths, uint32_t n_paths);

/* The program that allocates most while serving, over all its traces; if none does, the one that does most at all. */
int stingy_solve_choose_program(struct stingy_solve *solve);

/* Whether the program allocates while serving: else there is nothing to solve. */
int stingy_solve_blame_if_idle(struct stingy_solve *solve);

/* The user's cache; else the smallest that the program's traces tell of; else this machine's. */
int stingy_solve_choose_cache(struct stingy_solve *solve);

/* What the traces tell of the main thread's stack, and how much of the slab it gets: that, or what the user gave. */
void stingy_solve_choose_stack(struct stingy_solve *solve);

#endif
