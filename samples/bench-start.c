/*
 * What the preloaded library adds to the start of a program: this one, which does nothing by itself.
 *
 *	bench-start                          the empty program
 *	bench-start first                    the same with one allocation
 *	bench-start measure empty|first RUNS LIBRARY MANIFEST...
 *
 * measure runs it RUNS times without the library, with it alone, and with it under each manifest, in turn. It prints
 * a line for each: microseconds that the processor spent on the process, from its spawn to its end, as median and
 * quartiles, and what that is more than without the library. A start waits for nothing: it takes as long.
 */
#define _GNU_SOURCE
#include <err.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define CASES_MAX 16

struct one_case {
	char title[32];
	char preload[PATH_MAX + 16], manifest[PATH_MAX + 16]; /* of its environment */
	char *environment[3];
	double *times; /* microseconds */
};

static double microseconds(const struct timeval *time)
{
	return (double)time->tv_sec * 1e6 + (double)time->tv_usec;
}

static double time_of(char **argv, char **environment)
{
	pid_t pid;
	int status;
	struct rusage used;
	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environment) != 0)
		err(1, "posix_spawn");
	if (wait4(pid, &status, 0, &used) != pid || status != 0)
		errx(1, "the program failed");
	return microseconds(&used.ru_utime) + microseconds(&used.ru_stime);
}

static void make_case(struct one_case *one, const char *library, const char *manifest, int runs)
{
	char **next = one->environment;
	const char *name = manifest && strrchr(manifest, '/') ? strrchr(manifest, '/') + 1 : manifest;
	snprintf(one->title, sizeof(one->title), "%s", name ? name : library ? "no manifest" : "no library");
	snprintf(one->preload, sizeof(one->preload), "LD_PRELOAD=%s", library ? library : "");
	snprintf(one->manifest, sizeof(one->manifest), "STINGY_MANIFEST=%s", manifest ? manifest : "");
	if (library)
		*next++ = one->preload;
	if (manifest)
		*next++ = one->manifest;
	one->times = calloc((size_t)runs, sizeof(*one->times));
	if (!one->times)
		err(1, "calloc");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void report(struct one_case *cases, int n, int runs)
{
	for (int i = 0; i < n; i++) {
		double *times = cases[i].times;
		qsort(times, (size_t)runs, sizeof(*times), compare);
		printf("%-14s %8.1f  %8.1f..%-8.1f %+8.1f\n", cases[i].title, times[runs / 2], times[runs / 4],
		       times[runs * 3 / 4], times[runs / 2] - cases[0].times[runs / 2]);
	}
}

static void measure(char *what, int runs, const char *library, char **manifests, int n_manifests)
{
	static struct one_case cases[CASES_MAX];
	char name[] = "bench-start", *argv[] = {name, what, NULL};
	int n = n_manifests + 2;
	if (runs < 1 || n > CASES_MAX)
		errx(2, "no runs, or too many manifests");
	for (int i = 0; i < n; i++)
		make_case(&cases[i], i > 0 ? library : NULL, i > 1 ? manifests[i - 2] : NULL, runs);
	for (int run = 0; run < runs; run++)
		for (int i = 0; i < n; i++)
			cases[i].times[run] = time_of(argv, cases[i].environment);
	report(cases, n, runs);
}

static __attribute__((noinline)) int allocate(void)
{
	void *object = malloc(64);
	__asm__ volatile("" : : "r"(object)); /* else the compiler leaves out both */
	free(object);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return 0;
	if (argc == 2 && strcmp(argv[1], "first") == 0)
		return allocate();
	if (argc < 5 || strcmp(argv[1], "measure") != 0)
		errx(2, "usage: bench-start [first | measure empty|first RUNS LIBRARY MANIFEST...]");
	char *what = strcmp(argv[2], "first") == 0 ? argv[2] : NULL;
	measure(what, atoi(argv[3]), argv[4], argv + 5, argc - 5);
	return 0;
}
