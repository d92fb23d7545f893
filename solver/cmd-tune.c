/*
 * stingy tune: from a server to the line that runs it in production: profiles it for a while, solves, checks, and says
 * whether it is worth it.
 */
#define _GNU_SOURCE /* basename, program_invocation_name */
#include "amount.h"
#include "cache.h"
#include "child.h"
#include "commands.h"
#include "compose.h"
#include "explain.h"
#include "memory.h"
#include "output.h"
#include "preload.h"
#include "quote.h"
#include "trace-count.h"
#include "worth.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY 0.25 /* seconds */
#define END_WITHIN 30.0 /* seconds: what an orderly end may take */

enum { OPTION_SECONDS = 256, OPTION_REQUESTS, OPTION_CACHE, OPTION_LEAVE };

static const char help[] =
	"usage: stingy tune [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Profiles the server COMMAND, for which it is to be put under its usual load meanwhile, computes a manifest, "
	"and\n"
	"says whether it is worth it to run the server under it, why, and how. Writes PREFIX.manifest, and "
	"PREFIX.drop-in\n"
	"for systemd.\n\n"
	"      --seconds N             profile for N seconds\n"
	"      --requests N            profile until N requests have come\n"
	"                              without either: until ^C, or until the server ends\n"
	"  -o, --output PREFIX         where files go (default: the name of COMMAND, in the current directory)\n"
	"      --cache SIZE,WAYS,LINE  the cache to fit into; default: this machine's L2\n"
	"      --leave                 leave the server running, under the profile, when there is enough of it\n"
	"  -h, --help                  print this and exit\n\n"
	"Exit status: 0 if it is worth it, 1 if not, 2 if that could not be found out.\n";

struct tune {
	char **command;
	const char *output;
	char prefix[PATH_MAX]; /* absolute */
	char manifest[PATH_MAX];
	char unit[PATH_MAX];
	double seconds;    /* 0: no such bound */
	uint64_t requests; /* 0: no such bound */
	bool leaves;
	struct stingy_cache cache;
	struct stingy_trace_count counts;
	uint64_t n_requests; /* that have come */
};

/* In the new process: what 'stingy profile' does. */
static int start_profile(void *data)
{
	const struct tune *tune = data;
	char name[] = "stingy", output[] = "-o", end[] = "--";
	char *const first[] = {name, output, (char *)tune->prefix, end};
	const size_t n_first = sizeof(first) / sizeof(first[0]);
	size_t n_words = 0;
	char **argument;

	while (tune->command[n_words])
		n_words++;
	argument = stingy_memory_new(n_first + n_words + 1, sizeof(*argument));
	memcpy(argument, first, sizeof(first));
	memcpy(argument + n_first, tune->command, n_words * sizeof(*argument));
	optind = 0; /* getopt begins anew */
	return stingy_cmd_profile((int)(n_first + n_words), argument);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void tell_progress(const struct tune *tune, double passed, const char *end)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rstingy: %.0f seconds, %" PRIu64 " requests%s", passed, tune->n_requests, end);
}

static bool is_enough(const struct tune *tune, double passed)
{
	return (tune->seconds > 0 && passed >= tune->seconds) ||
	       (tune->requests > 0 && tune->n_requests >= tune->requests);
}

/* Until there is enough of it, somebody says so, or the server is gone. */
static void profile(struct tune *tune, struct stingy_child *child)
{
	double began = now(), passed = 0;
	bool is_told = false;

	fprintf(stderr, "stingy: put it under its usual load%s\n",
		tune->seconds > 0 || tune->requests > 0 ? "" : ", and press ^C when that has been on it for a while");
	while (!is_told && !child->is_gone && !is_enough(tune, passed)) {
		double left = tune->seconds > 0 ? tune->seconds - passed : LOOK_EVERY;

		is_told = stingy_child_wait(child, left < LOOK_EVERY ? left : LOOK_EVERY);
		tune->n_requests = stingy_trace_count_look(&tune->counts);
		passed = now() - began;
		tell_progress(tune, passed, "");
	}
	tell_progress(tune, passed, "\n");
	if (child->is_gone)
		fprintf(stderr, "stingy: the server has ended\n");
}

/* Whatever its profile is worth, a program that could not be started must be heard of. Returns 0 or -1. */
static int has_started(const struct stingy_child *child)
{
	if (!child->has_ended || !WIFEXITED(child->status))
		return 0;
	return WEXITSTATUS(child->status) == STINGY_EXIT_NOT_FOUND ||
			       WEXITSTATUS(child->status) == STINGY_EXIT_CANNOT_RUN
		       ? -1
		       : 0;
}

static int record(struct tune *tune)
{
	struct stingy_child child;

	stingy_trace_count_init(&tune->counts, tune->prefix);
	if (stingy_child_init(&child, start_profile, tune) < 0) {
		fprintf(stderr, "stingy: cannot start a process: %s\n", strerror(errno));
		return -1;
	}
	profile(tune, &child);
	if (has_started(&child) < 0)
		return -1;
	if (tune->leaves && !child.is_gone)
		fprintf(stderr, "stingy: left running under the profile: process %ld\n", (long)child.pid);
	else if (!stingy_child_end(&child, END_WITHIN))
		fprintf(stderr, "stingy: the server did not end within %.0f seconds of SIGTERM: killed\n", END_WITHIN);
	tune->n_requests = stingy_trace_count_look(&tune->counts);
	return 0;
}

static void print_command(const struct tune *tune, FILE *out)
{
	for (char **word = tune->command; *word; word++) {
		putc(' ', out);
		stingy_quote_shell(out, *word);
	}
	putc('\n', out);
}

/* Whether there is anything to run it with. */
static bool takes_manifest(const struct stingy_worth *worth)
{
	return worth->answer != STINGY_WORTH_ORDER && worth->answer != STINGY_WORTH_NOTHING;
}

/*
 * This command, as a shell finds it that stands elsewhere: by its name if it came from the path, else by its place. A
 * build that is tried before it is installed is not in the path.
 */
static void print_stingy(FILE *out)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (!strchr(program_invocation_name, '/') || len <= 0) {
		fputs("stingy", out);
		return;
	}
	path[len] = '\0';
	stingy_quote_shell(out, path);
}

/* The drop-in of a unit. Returns 0 or -1. */
static int write_unit(const struct tune *tune, const struct stingy_worth *worth)
{
	char library[PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *out;
	int result;

	if (stingy_preload_find("libstingy.so", library) < 0)
		return -1;
	out = open_memstream(&text, &size);
	if (!out)
		return -1;
	fputs("# For a unit of systemd. What stingy tune said: ", out);
	stingy_worth_print_answer(worth, out);
	fputs("\n# To use it, put it into /etc/systemd/system/UNIT.service.d/stingy.conf, then\n"
	      "#   systemctl daemon-reload && systemctl restart UNIT\n"
	      "# To take it out again, remove that file, then the same. The service must be allowed to read both "
	      "files\n"
	      "# named here: not below /root or /home. /etc/stingy is a good place for the manifest.\n"
	      "[Service]\nEnvironment=",
	      out);
	stingy_quote_unit(out, "LD_PRELOAD", library);
	if (takes_manifest(worth)) {
		fputs("\nEnvironment=", out);
		stingy_quote_unit(out, "STINGY_MANIFEST", tune->manifest);
	}
	fputs("\nEnvironment=", out);
	stingy_quote_unit(out, "STINGY_SCHEDULE", "auto");
	putc('\n', out);
	result = fclose(out) == 0 ? stingy_output_put(tune->unit, text, size) : -1;
	free(text);
	return result;
}

static void print_advice(const struct tune *tune, const struct stingy_worth *worth)
{
	fputs("\nis it worth it?  ", stdout);
	stingy_worth_print_answer(worth, stdout);
	fputs("\nwhy:             ", stdout);
	stingy_worth_print_reason(worth, stdout);
	fputs(worth->answer == STINGY_WORTH_FITS ? "\nif you want to:  " : "\nin production:   ", stdout);
	print_stingy(stdout);
	fputs(" run --order", stdout);
	if (takes_manifest(worth)) {
		fputs(" -m ", stdout);
		stingy_quote_shell(stdout, tune->manifest);
	}
	fputs(" --", stdout);
	print_command(tune, stdout);
	printf("with systemd:    %s\n", tune->unit);
	fputs("then look:       ", stdout);
	print_stingy(stdout);
	fputs(" top\n", stdout);
}

/* Whether the manifest is good here, which it need not be if a cache was named: 'stingy check' prints its findings. */
static void check(const struct tune *tune)
{
	char name[] = "stingy", option[] = "-m", end[] = "--";
	char *argument[] = {name, option, (char *)tune->manifest, end, tune->command[0], NULL};

	optind = 0;
	stingy_cmd_check(5, argument);
}

/* With a solved model: files and advice. Returns an exit status. */
static int conclude(const struct tune *tune, const struct stingy_solve *solve)
{
	struct stingy_account account;
	struct stingy_worth worth;
	size_t size = 0;
	char *text = stingy_compose(solve, &size);
	int result = text ? stingy_output_put(tune->manifest, text, size) : -1;

	free(text);
	if (result < 0)
		return STINGY_EXIT_BAD_INPUT;
	stingy_explain(solve, false, stderr);
	stingy_account_init(&account, solve);
	stingy_worth_init(&worth, &account);
	stingy_account_fini(&account);
	if (worth.answer != STINGY_WORTH_NOTHING)
		check(tune);
	if (write_unit(tune, &worth) < 0)
		return STINGY_EXIT_BAD_INPUT;
	print_advice(tune, &worth);
	return stingy_worth_is_advised(&worth) ? STINGY_EXIT_OK : STINGY_EXIT_NO;
}

static int solve(const struct tune *tune)
{
	struct stingy_solve_options options;
	struct stingy_solve solved;
	int status = STINGY_EXIT_BAD_INPUT;
	const char **paths;
	uint32_t n;

	stingy_solve_defaults(&options);
	options.cache = tune->cache;
	paths = stingy_trace_count_paths(&tune->counts, &n);
	if (n == 0) {
		fprintf(stderr, "stingy: '%s' left no trace: does the loader obey LD_PRELOAD there?\n",
			tune->command[0]);
	} else {
		stingy_solve_init(&solved, &options);
		if (stingy_solve_run(&solved, paths, n) < 0)
			fprintf(stderr, "stingy: %s\n", solved.error);
		else
			status = conclude(tune, &solved);
		stingy_solve_fini(&solved);
	}
	free(paths);
	return status;
}

/* Where files go. Returns 0, or -1 after a line on stderr. */
static int choose_paths(struct tune *tune)
{
	size_t len = strlen(tune->output);
	bool is_folder = len == 0 || tune->output[len - 1] == '/';
	char relative[PATH_MAX];

	if (snprintf(relative, PATH_MAX, "%s%s", tune->output, is_folder ? basename(tune->command[0]) : "") <
		    PATH_MAX &&
	    stingy_preload_absolute(relative, tune->prefix) == 0 &&
	    snprintf(tune->manifest, PATH_MAX, "%s.manifest", tune->prefix) < PATH_MAX &&
	    snprintf(tune->unit, PATH_MAX, "%s.drop-in", tune->prefix) < PATH_MAX)
		return 0;
	fprintf(stderr, "stingy: path too long: '%s'\n", tune->output);
	return -1;
}

static int complain(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "stingy: %s '%s': is not %s\n", option, value, wanted);
	return -1;
}

static int take_option(struct tune *tune, int option, const char *value)
{
	char *end;

	switch (option) {
	case 'o':
		tune->output = value;
		return 0;
	case OPTION_SECONDS:
		tune->seconds = strtod(value, &end);
		if (end == value || *end || !(tune->seconds > 0 && tune->seconds <= 1e6))
			return complain("--seconds", value, "a number of seconds");
		return 0;
	case OPTION_REQUESTS:
		if (stingy_amount_parse(value, &tune->requests) < 0 || tune->requests == 0)
			return complain("--requests", value, "a number of requests");
		return 0;
	case OPTION_CACHE:
		if (stingy_cache_parse(value, &tune->cache) < 0)
			return complain("--cache", value, "a cache (give SIZE,WAYS,LINE, for instance 1M,8,64)");
		return 0;
	case OPTION_LEAVE:
		tune->leaves = true;
		return 0;
	default:
		return -1;
	}
}

/* Returns 1 to go on, 0 if all is done, -1 on an error that was told. */
static int parse_options(struct tune *tune, int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, OPTION_SECONDS},
		{"requests", required_argument, NULL, OPTION_REQUESTS},
		{"output", required_argument, NULL, 'o'},
		{"cache", required_argument, NULL, OPTION_CACHE},
		{"leave", no_argument, NULL, OPTION_LEAVE},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+o:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (take_option(tune, option, optarg) < 0)
			return -1;
	}
	if (optind == argc) {
		fputs("stingy: tune what? (see 'stingy tune --help')\n", stderr);
		return -1;
	}
	return 1;
}

int stingy_cmd_tune(int argc, char **argv)
{
	struct tune tune = {.output = ""};
	int more = parse_options(&tune, argc, argv), status = STINGY_EXIT_BAD_INPUT;

	if (more <= 0)
		return more < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
	tune.command = argv + optind;
	if (choose_paths(&tune) < 0)
		return STINGY_EXIT_BAD_INPUT;
	if (record(&tune) == 0)
		status = solve(&tune);
	stingy_trace_count_fini(&tune.counts);
	return status;
}
