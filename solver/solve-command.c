#include "solve-command.h"

#include "advice.h"
#include "amount.h"
#include "cache.h"
#include "interfaces.h"
#include "round.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MILLIONTHS 1e4 /* in a percent */

enum {
	OPTION_STACK = 256,
	OPTION_HIGH,
	OPTION_ARENAS,
	OPTION_SCHEDULE,
	OPTION_REBASE,
	OPTION_FOR,
	OPTION_FROM,
	OPTION_INTERFACE,
	OPTION_EXPLAIN,
	OPTION_JSON,
	OPTION_CHOICE
};

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"cache", required_argument, NULL, 'c'},
	{"share", required_argument, NULL, 's'},
	{"min-share", required_argument, NULL, 'm'},
	{"stack", required_argument, NULL, OPTION_STACK},
	{"high", required_argument, NULL, OPTION_HIGH},
	{"arenas", required_argument, NULL, OPTION_ARENAS},
	{"schedule", required_argument, NULL, OPTION_SCHEDULE},
	{"rebase", required_argument, NULL, OPTION_REBASE},
	{"for", required_argument, NULL, OPTION_FOR},
	{"from", required_argument, NULL, OPTION_FROM},
	{"cover", required_argument, NULL, OPTION_CHOICE},
	{"head-room", required_argument, NULL, OPTION_CHOICE},
	{"confidence", required_argument, NULL, OPTION_CHOICE},
	{"count", required_argument, NULL, OPTION_CHOICE},
	{"objective", required_argument, NULL, OPTION_CHOICE},
	{"gap", required_argument, NULL, OPTION_CHOICE},
	{"time-limit", required_argument, NULL, OPTION_CHOICE},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"explain", no_argument, NULL, OPTION_EXPLAIN},
	{"json", required_argument, NULL, OPTION_JSON},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void print_help(void)
{
	printf("usage: stingy solve [OPTION]... TRACE...\n"
	       "       stingy solve --rebase MANIFEST --for PROGRAM [--from FILE]... [-o FILE]\n\n"
	       "Computes the manifest of a program from the traces that 'stingy profile' recorded.\n\n"
	       "  -o, --output FILE            where the manifest goes; '-', the default, is stdout\n"
	       "      --cache L2|L3|SIZE,WAYS,LINE  the cache to fit into: one of this machine's, or e.g. 1M,8,64;\n"
	       "                               default: the L2 of the machine that was profiled\n"
	       "      --share PERCENT          of the cache for the arena; default: %g, of an L3 so much of a "
	       "processor's part\n"
	       "      --min-share PERCENT      of the allocations, below which an object kind is left out; default: "
	       "%g\n"
	       "      --stack auto|SIZE        of the slab for the main thread's stack, auto: as measured; default: it "
	       "is\n"
	       "                               not placed\n"
	       "      --high SIZE              of a high slab, for what finds no place in the slab, at most;\n"
	       "                               default: 16M\n"
	       "      --arenas NUMBER          threads that get an arena at most, 1 to %d; default: as many as serve\n"
	       "      --schedule auto|off|N    let the events be ordered, not ordered, or N at a time; default: "
	       "ordered if\n"
	       "                               a gain is expected\n"
	       "      --cover PERCENT          of a kind's allocations that its slots must hold; default: %u\n"
	       "      --head-room PERCENT      more instances than the traces ever had live are of no use; default: "
	       "%u\n"
	       "      --count KIND=N           one task holds N objects of the kind at most; may be given again\n"
	       "      --confidence PERCENT     that the traces must give such a bound, in a cycle of stages; default: "
	       "%u\n"
	       "      --objective stages|served|concurrency=STAGE  what is to be gained: cheap first runs of stages "
	       "(the\n"
	       "                               default), touched lines served, or many tasks at one stage\n"
	       "      --gap PERCENT            how far from the best is good enough; default: 0\n"
	       "      --time-limit SECONDS     for the integer program, then the best so far; default: a limit of "
	       "work\n"
	       "      --interface FILE         what FILE declares, in the place of what was declared to the profile: "
	       "stages,\n"
	       "                               wrappers, what to leave out, estimates; may be given again\n"
	       "      --explain                tell on stderr what was decided, why, and what binds\n"
	       "      --json FILE              write all of that there as JSON; '-' is stdout\n"
	       "      --rebase MANIFEST        carry that manifest over to another build of its program\n"
	       "      --for PROGRAM            the new build\n"
	       "      --from FILE              the old build, if it is not where it was; of libraries likewise\n"
	       "  -v, --verbose                tell classes, constraints and solution on stderr\n"
	       "  -h, --help                   print this and exit\n\n"
	       "Exit status: 0 if there is a manifest, 1 if no site of one could be carried over, 2 if there is "
	       "none.\n",
	       STINGY_ADVICE_SHARE / MILLIONTHS, STINGY_SOLVE_MIN_SHARE / MILLIONTHS, STINGY_ARENAS_MAX,
	       STINGY_CHOICES_COVER, STINGY_CHOICES_HEAD_ROOM - 100, STINGY_CHOICES_CONFIDENCE);
}

static int complain(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "stingy: %s '%s': %s\n", option, value, wanted);
	return -1;
}

/* Reads a percentage into millionths. Returns 0, or -1 if it is none. */
static int parse_percent(const char *text, uint32_t *millionths)
{
	double percent;
	char *end;

	errno = 0;
	percent = strtod(text, &end);
	if (errno || end == text || *end || !(percent >= 0 && percent <= 100))
		return -1;
	*millionths = (uint32_t)lround(percent * MILLIONTHS);
	return 0;
}

/* Reads a size into the bytes of a part of an arena, of which it has whole blocks. Returns 0 or -1. */
static int parse_part(const char *text, uint32_t *part)
{
	uint64_t bytes;

	if (stingy_amount_parse(text, &bytes) < 0 || bytes > STINGY_MEMORY_MAX)
		return -1;
	*part = (uint32_t)stingy_round_up(bytes, STINGY_REGION_ALIGN);
	return 0;
}

static int parse_stack(const char *value, struct stingy_solve_options *options)
{
	options->stack = 0;
	options->stack_measured = strcmp(value, "auto") == 0;
	if (options->stack_measured || parse_part(value, &options->stack) == 0)
		return 0;
	return complain("--stack", value, "is neither auto nor a size of at most 2G");
}

/* Returns 0, or -1 if it is no number of arenas. */
static int parse_arenas(const char *text, uint32_t *arenas)
{
	uint64_t number;

	if (stingy_amount_parse(text, &number) < 0 || number < 1 || number > STINGY_ARENAS_MAX)
		return -1;
	*arenas = (uint32_t)number;
	return 0;
}

static int parse_cache(struct stingy_solve_command *command, const char *value)
{
	int named = stingy_cache_named(value, &command->level, &command->options.cache);

	if (named < 0)
		return complain("--cache", value, "this machine does not tell it: give SIZE,WAYS,LINE");
	if (named == 0 && stingy_cache_parse(value, &command->options.cache) < 0)
		return complain("--cache", value,
				"is not a cache (give L2, L3, SIZE or SIZE,WAYS,LINE, for instance 1M,8,64)");
	return 0;
}

/* Returns 0, or -1 if it is no schedule. */
static int parse_schedule(const char *text, struct stingy_schedule_options *schedule)
{
	uint64_t number = 0;

	if (strcmp(text, "auto") == 0)
		schedule->wish = STINGY_SCHEDULE_AUTO;
	else if (strcmp(text, "off") == 0)
		schedule->wish = STINGY_SCHEDULE_OFF;
	else if (stingy_amount_parse(text, &number) < 0 || number < 1 || number > STINGY_TASKS_MAX)
		return -1;
	else
		schedule->wish = STINGY_SCHEDULE_FIXED;
	schedule->tasks = (uint32_t)number;
	return 0;
}

static int add_from(struct stingy_solve_command *command, const char *value)
{
	if (command->rebase.n_from == STINGY_SOLVE_FROM_MAX)
		return complain("--from", value, "is one too many");
	command->from[command->rebase.n_from++] = value;
	return 0;
}

/* name: of a long option. */
static int take_option(struct stingy_solve_command *command, int option, const char *name, const char *value)
{
	switch (option) {
	case 'o':
		command->output = strcmp(value, "-") == 0 ? NULL : value;
		return 0;
	case 'c':
		return parse_cache(command, value);
	case 's':
		command->has_share = true;
		if (parse_percent(value, &command->options.share) < 0 || command->options.share < MILLIONTHS)
			return complain("--share", value, "is not a percentage from 1 to 100");
		return 0;
	case 'm':
		if (parse_percent(value, &command->options.min_share) < 0)
			return complain("--min-share", value, "is not a percentage from 0 to 100");
		return 0;
	case OPTION_STACK:
		return parse_stack(value, &command->options);
	case OPTION_HIGH:
		command->options.is_high_asked = true;
		return parse_part(value, &command->options.high) < 0
			       ? complain("--high", value, "is not a size of at most 2G")
			       : 0;
	case OPTION_ARENAS:
		if (parse_arenas(value, &command->options.arenas) < 0)
			return complain("--arenas", value, "is not a number of arenas from 1 to 64");
		return 0;
	case OPTION_SCHEDULE:
		if (parse_schedule(value, &command->options.schedule) < 0)
			return complain("--schedule", value, "is none of auto, off, and a number of tasks");
		return 0;
	case OPTION_REBASE:
		command->rebase.manifest = value;
		return 0;
	case OPTION_FOR:
		command->rebase.program = value;
		return 0;
	case OPTION_FROM:
		return add_from(command, value);
	case OPTION_CHOICE:
		return stingy_choices_take(&command->options.choices, name, value);
	case OPTION_INTERFACE:
		command->options.interface = &command->interface;
		return stingy_interfaces_read(&command->interface, value);
	case OPTION_EXPLAIN:
		command->explain = true;
		return 0;
	case OPTION_JSON:
		command->json = value;
		return 0;
	default:
		command->verbose = true;
		return 0;
	}
}

/* Returns 1, or -1 after a line: what is carried over takes no traces. */
static int check_rebase(struct stingy_solve_command *command, const char *trace)
{
	command->rebase.from = command->from;
	if (trace)
		return complain("--rebase", trace, "takes no trace");
	if (command->rebase.manifest && command->rebase.program)
		return 1;
	fputs("stingy: --rebase MANIFEST and --for PROGRAM go together\n", stderr);
	return -1;
}

int stingy_solve_command_parse(struct stingy_solve_command *command, int argc, char **argv)
{
	int option, number = 0;

	memset(command, 0, sizeof(*command));
	stingy_solve_defaults(&command->options);
	while ((option = getopt_long(argc, argv, "o:vh", long_options, &number)) != -1) {
		if (option == '?')
			return -1;
		if (option == 'h') {
			print_help();
			return 0;
		}
		if (take_option(command, option, long_options[number].name, optarg) < 0)
			return -1;
	}
	if (command->rebase.manifest || command->rebase.program || command->rebase.n_from)
		return check_rebase(command, argv[optind]);
	if (optind == argc) {
		fputs("stingy: solve needs a trace (see 'stingy solve --help')\n", stderr);
		return -1;
	}
	if (!command->has_share)
		command->options.share = stingy_advice_share(command->level);
	return 1;
}
