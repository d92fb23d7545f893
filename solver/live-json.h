/*
 * Live statistics that `stingy stat --json` printed, read back: of the processes that it found.
 *
 * What is not there is zero, so that files of other versions can be read as far as they go; what is not of
 * its kind counts as not there. Nothing of it is trusted: numbers are bounded, unknown words count as the first. Heap
 * memory, from init to fini; one thread.
 */
#ifndef STINGY_LIVE_JSON_H
#define STINGY_LIVE_JSON_H

#include "live-reader.h"

struct stingy_live_json_process {
	struct stingy_live_reader reader; /* counters of all threads are those of the first one; no stages */
	char **kinds;                     /* by region: names of what it holds, with commas between; never NULL */
};

struct stingy_live_json {
	struct stingy_live_json_process *process;
	size_t n;
	char error[256]; /* why init failed, in words */
};

/* Returns 0, or -1: error says why. fini is in order in any case. */
int stingy_live_json_init(struct stingy_live_json *json, const char *path);
void stingy_live_json_fini(struct stingy_live_json *json);

#endif
