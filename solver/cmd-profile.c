/*
 * stingy profile: become a program that records its allocations, events and stages.
 */
#define _GNU_SOURCE /* basename */
#include "amount.h"
#include "commands.h"
#include "interfaces.h"
#include "preload.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_MAX_TRACE (UINT64_C(1) << 30) /* bytes */
#define LEAST_MAX_TRACE   (UINT64_C(64) << 10)

enum {
	OPTION_MAX_TRACE = 256,
	OPTION_INTERFACE,
	OPTION_CHECK_WALK,
	OPTION_BATCH,
	OPTION_SYSTEM_CALLS,
	OPTION_ONLY_ALLOCATIONS
};

static const char help[] =
	"usage: stingy profile [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND and records what it allocates, for 'stingy solve'. Each of its processes writes a trace of its\n"
	"own, PREFIX.PID.trace. Put it under the load it is to be good at, then stop it.\n\n"
	"  -o, --output PREFIX    where traces go (default: the name of COMMAND, in the current directory)\n"
	"      --interface FILE   what FILE declares of the program's functions; may be given several times\n"
	"      --max-trace SIZE   at most SIZE bytes a trace; K, M and G are understood (default: 1G)\n"
	"      --batch            let the event loop take many events at a time, as it does by itself\n"
	"      --only-allocations record nothing but allocations: no event loop, requests, system calls\n"
	"      --system-calls=time|full\n"
	"                         of each system call of a stage, its time (the default), or also when it was "
	"blocked,\n"
	"                         page faults and context switches\n"
	"      --check-walk       for debugging: compare every call chain with libunwind's\n"
	"  -h, --help             print this and exit\n";

struct profile {
	const char *output;                      /* a prefix; in a folder if it ends with a slash, or is empty */
	uint64_t max_trace;                      /* bytes */
	char interfaces[STINGY_INTERFACES_SIZE]; /* paths, with colons between them */
	bool batch;
	bool check_walk;
	bool full_calls;
	bool only_allocations;
};

/* Takes one option. Returns 0, or -1 if it cannot be understood; getopt_long or this has said so. */
static int take_option(int option, struct profile *profile)
{
	switch (option) {
	case 'o':
		profile->output = optarg;
		return 0;
	case OPTION_MAX_TRACE:
		if (stingy_amount_parse(optarg, &profile->max_trace) < 0)
			fprintf(stderr, "stingy: not a size: '%s'\n", optarg);
		else if (profile->max_trace < LEAST_MAX_TRACE)
			fprintf(stderr, "stingy: too small for a trace: '%s' (at least 64K)\n", optarg);
		else
			return 0;
		return -1;
	case OPTION_INTERFACE:
		return stingy_interfaces_add(profile->interfaces, optarg);
	case OPTION_BATCH:
		profile->batch = true;
		return 0;
	case OPTION_ONLY_ALLOCATIONS:
		profile->only_allocations = true;
		return 0;
	case OPTION_SYSTEM_CALLS:
		profile->full_calls = strcmp(optarg, "full") == 0;
		if (profile->full_calls || strcmp(optarg, "time") == 0)
			return 0;
		fprintf(stderr, "stingy: --system-calls '%s': is not time or full\n", optarg);
		return -1;
	case OPTION_CHECK_WALK:
		profile->check_walk = true;
		return 0;
	default:
		return -1;
	}
}

/* Writes the absolute prefix of the traces into prefix[PATH_MAX], and sees that traces can be written there. */
static int choose_prefix(const char *output, const char *command, char *prefix)
{
	size_t len = strlen(output);
	bool is_folder = len == 0 || output[len - 1] == '/';
	char relative[PATH_MAX], folder[PATH_MAX];

	if (snprintf(relative, PATH_MAX, "%s%s", output, is_folder ? basename(command) : "") >= PATH_MAX) {
		fprintf(stderr, "stingy: path too long: '%s'\n", output);
		return -1;
	}
	if (stingy_preload_absolute(relative, prefix) < 0)
		return -1;
	snprintf(folder, PATH_MAX, "%.*s", (int)(basename(prefix) - prefix), prefix);
	if (access(folder, W_OK | X_OK) == 0)
		return 0;
	fprintf(stderr, "stingy: cannot write traces into '%s': %s\n", folder, strerror(errno));
	return -1;
}

/* What 'stingy solve PREFIX.*.trace' would take with the new ones, perhaps of a start that failed, is worth a word. */
static void tell_old_traces(const char *prefix)
{
	char pattern[PATH_MAX + 16];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s.*.trace", prefix);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		fprintf(stderr, "stingy: older traces are there already: %zu of %s\n", found.gl_pathc, pattern);
	globfree(&found);
}

static int start(const struct profile *profile, char **command)
{
	char prefix[PATH_MAX], max_trace[24];

	if (choose_prefix(profile->output, command[0], prefix) < 0)
		return STINGY_EXIT_BAD_INPUT;
	snprintf(max_trace, sizeof(max_trace), "%" PRIu64, profile->max_trace);
	if (stingy_preload_set("libstingy-profile.so") < 0 || stingy_preload_setenv("STINGY_TRACE", prefix) < 0 ||
	    stingy_preload_setenv("STINGY_MAX_TRACE", max_trace) < 0 ||
	    stingy_preload_setenv("STINGY_INTERFACE", *profile->interfaces ? profile->interfaces : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_BATCH", profile->batch ? "1" : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_ONLY_ALLOCATIONS", profile->only_allocations ? "1" : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_CALLS", profile->full_calls ? "full" : NULL) < 0 ||
	    stingy_preload_setenv("STINGY_CHECK_WALK", profile->check_walk ? "1" : NULL) < 0)
		return STINGY_EXIT_BAD_INPUT;
	tell_old_traces(prefix);
	fprintf(stderr, "stingy: profiling %s, traces go to %s.PID.trace\n", command[0], prefix);
	return stingy_preload_exec(command);
}

int stingy_cmd_profile(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"max-trace", required_argument, NULL, OPTION_MAX_TRACE},
		{"interface", required_argument, NULL, OPTION_INTERFACE},
		{"batch", no_argument, NULL, OPTION_BATCH},
		{"check-walk", no_argument, NULL, OPTION_CHECK_WALK},
		{"only-allocations", no_argument, NULL, OPTION_ONLY_ALLOCATIONS},
		{"system-calls", required_argument, NULL, OPTION_SYSTEM_CALLS},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct profile profile = {.output = "", .max_trace = DEFAULT_MAX_TRACE};
	int option;

	while ((option = getopt_long(argc, argv, "+o:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return STINGY_EXIT_OK;
		}
		if (take_option(option, &profile) < 0)
			return STINGY_EXIT_BAD_INPUT;
	}
	if (optind < argc)
		return start(&profile, argv + optind);
	fputs("stingy: profile what? (see 'stingy profile --help')\n", stderr);
	return STINGY_EXIT_BAD_INPUT;
}
