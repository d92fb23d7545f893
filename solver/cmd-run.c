/*
 * stingy run: become a program whose allocator a manifest configures, or whose events are ordered.
 */
#include "commands.h"
#include "preload.h"
#include "ready.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_DRY_RUN = 256, OPTION_ORDER, OPTION_READY, OPTION_REPORT };

static const char help[] =
	"usage: stingy run -m MANIFEST [OPTION]... [--] COMMAND [ARGUMENT]...\n"
	"       stingy run --ready [OPTION]... [--] COMMAND [ARGUMENT]...\n"
	"       stingy run --order [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND with the memory of its requests placed as MANIFEST tells. Whatever the manifest, COMMAND runs "
	"on\n"
	"and computes what it would without it.\n\n"
	"  -m, --manifest MANIFEST  what 'stingy solve' wrote\n"
	"      --ready              the manifest that came with Stingy for this build of COMMAND, if there is one\n"
	"      --order[=N]          let what is under way be finished before more begins, N events at a time; without "
	"N,\n"
	"                           as many as turns out to be best, if it turns out to be any good; --order=off:\n"
	"                           not even if the manifest says so\n"
	"      --dry-run            find and count the allocations of the manifest, but place none of them\n"
	"      --report             print one line of statistics on stderr when the process ends\n"
	"  -h, --help               print this and exit\n";

struct run {
	const char *manifest;
	const char *order; /* "auto", "off", or how many events at a time; NULL: as the manifest says */
	bool ready;        /* find the manifest by the command's build-id */
	bool dry_run;
	bool report;
};

static bool is_order(const char *order)
{
	char *end;

	if (strcmp(order, "auto") == 0 || strcmp(order, "off") == 0)
		return true;
	errno = 0;
	if (*order >= '1' && *order <= '9' && strtol(order, &end, 10) <= INT_MAX && errno == 0 && *end == '\0')
		return true;
	fprintf(stderr, "stingy: not a number of events: '%s'\n", order);
	return false;
}

/* Writes the absolute path of the manifest into path[PATH_MAX], "" if there is to be none. */
static int find_manifest(const struct run *run, const char *command, char *path)
{
	char ready[PATH_MAX];

	*path = '\0';
	if (run->manifest)
		return stingy_preload_absolute(run->manifest, path);
	if (!run->ready)
		return 0;
	return stingy_ready_find(command, ready) < 0 ? -1 : stingy_preload_absolute(ready, path);
}

static int start(const struct run *run, char **command)
{
	char path[PATH_MAX];

	if (find_manifest(run, command[0], path) < 0 || stingy_preload_set("libstingy.so") < 0 ||
	    stingy_preload_setenv("STINGY_MANIFEST", *path ? path : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_SCHEDULE", run->order) < 0 ||
	    stingy_preload_setenv("STINGY_DRY_RUN", run->dry_run ? "1" : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_REPORT", run->report ? "1" : NULL) < 0)
		return STINGY_EXIT_BAD_INPUT;
	/* A server must come up even if its manifest is spoilt: the library says what is wrong with it, and passes. */
	return stingy_preload_exec(command);
}

/* Takes one option. Returns 0, or -1 if it cannot be understood; getopt_long or this has said so. */
static int take_option(int option, struct run *run)
{
	switch (option) {
	case 'm':
		run->manifest = optarg;
		return 0;
	case OPTION_ORDER:
		run->order = optarg ? optarg : "auto";
		return is_order(run->order) ? 0 : -1;
	case OPTION_READY:
		run->ready = true;
		return 0;
	case OPTION_DRY_RUN:
		run->dry_run = true;
		return 0;
	case OPTION_REPORT:
		run->report = true;
		return 0;
	default:
		return -1;
	}
}

int stingy_cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"manifest", required_argument, NULL, 'm'},
		{"order", optional_argument, NULL, OPTION_ORDER},
		{"ready", no_argument, NULL, OPTION_READY},
		{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
		{"report", no_argument, NULL, OPTION_REPORT},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct run run = {.manifest = NULL};
	int option;

	while ((option = getopt_long(argc, argv, "+m:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (take_option(option, &run) < 0)
			return STINGY_EXIT_BAD_INPUT;
	}
	if ((run.manifest || run.ready || run.order) && optind < argc)
		return start(&run, argv + optind);
	fprintf(stderr, "stingy: run %s? (see 'stingy run --help')\n",
		run.manifest || run.ready || run.order ? "what" : "with which manifest");
	return STINGY_EXIT_BAD_INPUT;
}
