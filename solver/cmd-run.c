/*
 * stingy run: become a program whose allocator a manifest configures.
 */
#include "commands.h"
#include "preload.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

enum { OPTION_DRY_RUN = 256, OPTION_REPORT };

static const char help[] =
	"usage: stingy run -m MANIFEST [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND with the memory of its requests placed as MANIFEST tells. Whatever the manifest, COMMAND runs "
	"on\n"
	"and computes what it would without it.\n\n"
	"  -m, --manifest MANIFEST  what 'stingy solve' wrote\n"
	"      --dry-run            find and count the allocations of the manifest, but place none of them\n"
	"      --report             print one line of statistics on stderr when the process ends\n"
	"  -h, --help               print this and exit\n";

struct run {
	const char *manifest;
	bool dry_run;
	bool report;
};

static int start(const struct run *run, char **command)
{
	char path[PATH_MAX];

	if (stingy_preload_absolute(run->manifest, path) < 0 || stingy_preload_set("libstingy.so") < 0 ||
	    stingy_preload_setenv("STINGY_MANIFEST", path) < 0 ||
	    stingy_preload_setenv("STINGY_DRY_RUN", run->dry_run ? "1" : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_REPORT", run->report ? "1" : NULL) < 0)
		return STINGY_EXIT_BAD_INPUT;
	/* A server must come up even if its manifest is spoilt: the library says what is wrong with it, and passes. */
	return stingy_preload_exec(command);
}

int stingy_cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"manifest", required_argument, NULL, 'm'},
		{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
		{"report", no_argument, NULL, OPTION_REPORT},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct run run = {.manifest = NULL};
	int option;

	while ((option = getopt_long(argc, argv, "+m:h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			run.manifest = optarg;
			break;
		case OPTION_DRY_RUN:
			run.dry_run = true;
			break;
		case OPTION_REPORT:
			run.report = true;
			break;
		case 'h':
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		default:
			return STINGY_EXIT_BAD_INPUT;
		}
	}
	if (run.manifest && optind < argc)
		return start(&run, argv + optind);
	fprintf(stderr, "stingy: run %s? (see 'stingy run --help')\n", run.manifest ? "what" : "with which manifest");
	return STINGY_EXIT_BAD_INPUT;
}
