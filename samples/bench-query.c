/*
 * What a question or an announcement of stingy.h costs: bench-query.sh runs it, with the library and without.
 *
 *	bench-query QUESTION [ROUNDS]    prints nanoseconds for one, loop included
 *	bench-query place                prints where its stage is in its file, as a manifest has it
 *
 * Allocates an object of each of KINDS sites first, so that the thread owns an arena and a profile has the sites.
 */
#include "../shim/stingy.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KINDS  8
#define ROUNDS 20000000

static volatile unsigned sink;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A call of malloc, and so a site, of its own. */
#define SITE                                                                                                           \
	do {                                                                                                           \
		void *object = malloc(48);                                                                             \
		__asm__ volatile("" : : "r"(object) : "memory");                                                       \
		free(object);                                                                                          \
	} while (0)

static void use_sites(void)
{
	SITE;
	SITE;
	SITE;
	SITE;
	SITE;
	SITE;
	SITE;
	SITE;
}

static __attribute__((noinline)) void stage(void)
{
	__asm__ volatile("");
}

static __attribute__((noinline)) void other_stage(void)
{
	__asm__ volatile("# other");
}

/* For comparison: what a call costs that does nothing. */
static __attribute__((noinline)) unsigned nothing(const void *function)
{
	__asm__ volatile("" : : "r"(function));
	return 0;
}

static unsigned ask_why(const struct stingy_stage *known)
{
	struct stingy_why why;
	return (unsigned)stingy_dyn_why(known, &why) + why.n_free;
}

#define MEASURE(expression)                                                                                            \
	do {                                                                                                           \
		start = seconds();                                                                                     \
		for (long i = 0; i < rounds; i++)                                                                      \
			sink = (unsigned)(expression);                                                                 \
		return (seconds() - start) * 1e9 / (double)rounds;                                                     \
	} while (0)

/* Questions about a stage by what was found of it are QUESTION:NAME. */
static double measure(const char *question, long rounds)
{
	const void *function = (const void *)stage, *other = (const void *)other_stage;
	const char *name = strchr(question, ':');
	const struct stingy_stage *known = name ? stingy_stage_named(name + 1) : NULL;
	double start;
	if (strcmp(question, "nothing") == 0)
		MEASURE(nothing(function));
	if (strcmp(question, "check") == 0)
		MEASURE(stingy_dyn_check(function));
	if (strcmp(question, "check-unknown") == 0)
		MEASURE(stingy_dyn_check(other));
	if (strcmp(question, "begin") == 0)
		MEASURE((stingy_stage_begin(function, &start), 0));
	if (strcmp(question, "begin-another") == 0)
		MEASURE((stingy_stage_begin(i & 1 ? function : other, &start), 0));
	if (strncmp(question, "count:", 6) == 0)
		MEASURE(stingy_dyn_count(known));
	if (strncmp(question, "priority:", 9) == 0)
		MEASURE(stingy_dyn_priority(stingy_dyn_count(known), 7));
	if (strncmp(question, "why:", 4) == 0)
		MEASURE(ask_why(known));
	errx(2, "what is '%s'?", question);
}

/* The linker lays code out in memory as in the file. */
static void print_place(void)
{
	extern const char __ehdr_start[];
	printf("0+%#zx\n", (size_t)((const char *)(const void *)stage - __ehdr_start));
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 200; i++) /* what else is allocated is little against it */
		use_sites();
	if (argc < 2)
		errx(2, "usage: bench-query QUESTION|place [ROUNDS]");
	if (strcmp(argv[1], "place") == 0)
		print_place();
	else
		printf("%.2f\n", measure(argv[1], argc > 2 ? atol(argv[2]) : ROUNDS));
	return 0;
}
