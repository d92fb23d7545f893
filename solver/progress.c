#include "progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 1.0        /* seconds before anything is shown */
#define CLEAR    "\r\033[K" /* the line */

static struct {
	bool is_wanted, is_shown;
	const char *word;
	uint64_t done, all;
	int percent; /* that is shown; -1: none */
	struct timespec begun;
} progress;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - progress.begun.tv_sec) + (double)(now.tv_nsec - progress.begun.tv_nsec) / 1e9;
}

void stingy_progress_begin(void)
{
	progress.is_wanted = isatty(STDERR_FILENO);
	clock_gettime(CLOCK_MONOTONIC, &progress.begun);
}

void stingy_progress_part(const char *word, uint64_t bytes)
{
	progress.word = word;
	progress.done = 0;
	progress.all = bytes;
	progress.percent = -1;
}

void stingy_progress_advance(uint64_t bytes)
{
	int percent;

	if (!progress.is_wanted || !progress.all)
		return;
	progress.done += bytes;
	percent = (int)(100 * (progress.done < progress.all ? progress.done : progress.all) / progress.all);
	if (percent == progress.percent || seconds() < PATIENCE)
		return;
	fprintf(stderr, CLEAR "stingy: %s %d%%", progress.word, percent);
	progress.percent = percent;
	progress.is_shown = true;
}

void stingy_progress_end(void)
{
	if (progress.is_shown)
		fputs(CLEAR, stderr);
	progress.is_wanted = progress.is_shown = false;
}
