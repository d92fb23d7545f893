/* Live statistics as the reader would hand them over, made up; and a manifest with names for what is in them. */
#ifndef STINGY_TEST_MADE_LIVE_H
#define STINGY_TEST_MADE_LIVE_H

#include "../solver/live-reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char made_live_text[] = "stingy-manifest 1\n"
				     "cache size=1048576 ways=8 line=64\n"
				     "slab size=65536\n"
				     "module 0 id=00ff path=/usr/sbin/server\n"
				     "region 0 offset=0 slot=512 count=10\n"
				     "region 1 offset=8192 slot=64 count=20\n"
				     "kind 0 region=0 size=512 name=first\n"
				     "kind 1 region=0 size=500 name=say%20\"a\\b\"\n"
				     "kind 2 region=1 size=64 name=std::map<int>\n"
				     "site 0 kind=0 0+0x1000\n"
				     "site 1 kind=1 0+0x2000\n"
				     "site 2 kind=2 0+0x3000\n"
				     "stage 0 function=0+0x4000 name=read_request\n"
				     "end\n";

/* Writes the manifest into a new file whose name is put into path[256]. */
static inline void made_live_manifest(char *path)
{
	FILE *out;
	int fd;

	strcpy(path, "/tmp/stingy-made-live.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	assert_non_null(out);
	assert_true(fputs(made_live_text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* A process that serves, under the manifest at path; the stages are stingy_live_reader_fini's to free. */
static inline void made_live_reader(struct stingy_live_reader *reader, pid_t pid, const char *path)
{
	struct stingy_live *live = &reader->live;

	memset(reader, 0, sizeof(*reader));
	reader->pid = pid;
	strcpy(reader->program, "/usr/sbin/server");
	live->state = STINGY_LIVE_SERVING;
	live->pages = STINGY_PAGES_TRANSPARENT;
	live->n_arenas = live->n_owned = 1;
	live->n_threads = 1;
	live->sites = live->sites_here = 3;
	live->n_regions = 2;
	live->thread[0] = (struct stingy_live_counters){.unmanaged = 50, .fell_back[STINGY_FELL_FULL] = 7};
	live->order[0] = (struct stingy_live_order){.state = STINGY_ORDERING_ON,
						    .bound = 16,
						    .crowd = 100,
						    .connections = 2500,
						    .tasks = 13,
						    .duels = 9,
						    .won = 3,
						    .saved = 23,
						    .turns = {1000, 400},
						    .events = {9000, 600}};
	live->stages.count = 1;
	snprintf(live->manifest, sizeof(live->manifest), "%s", path);
	reader->region[0] = (struct stingy_live_reader_region){
		.offset = 0, .slot = 512, .count = 10, .in_use = 4, .peak = 10, .served = 900, .full = 7};
	reader->region[1] = (struct stingy_live_reader_region){
		.offset = 8192, .slot = 64, .count = 20, .in_use = 20, .peak = 20, .served = 43};
	reader->resident = reader->huge = 2048;
	reader->stage = calloc(2, sizeof(*reader->stage));
	assert_non_null(reader->stage);
	reader->stage[0] = (struct stingy_live_stage){.runs = 77, .batches = {3, 4}};
}

#endif
