/*
 * stingy top: the figures of running processes, as they change.
 */
#include "commands.h"
#include "follow.h"
#include "processes.h"
#include "terminal.h"
#include "top-view.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_INTERVAL 1.0 /* seconds */
#define LEAST_INTERVAL   0.1
#define MOST_INTERVAL    3600.0

static const char help[] = "usage: stingy top [-d SECONDS] [PID]\n\n"
			   "Shows what the process PID and those that descend from it do under 'stingy run', and goes "
			   "on showing it: what\n"
			   "comes from the arena, how its regions fill, and in which order events are handled. Without "
			   "PID, all processes\n"
			   "that run under it.\n\n"
			   "  -d, --delay SECONDS  from one look to the next; default: 1\n"
			   "  -h, --help           print this and exit\n\n"
			   "Keys: up and down (or k and j) select a process, q quits.\n";

struct top {
	struct stingy_follow follow;
	struct stingy_top_view view;
	pid_t selected; /* 0: none yet */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The process selected may have ended, or have another place in the list. */
static void find_selected(struct top *top)
{
	top->view.selected = stingy_top_view_busiest(&top->follow);
	for (size_t i = 0; i < top->follow.n; i++)
		if (top->follow.process[i]->now.pid == top->selected)
			top->view.selected = i;
	top->selected = top->follow.process[top->view.selected]->now.pid;
}

static void move(struct top *top, enum stingy_terminal_event key)
{
	if (key == STINGY_TERMINAL_UP && top->view.selected > 0)
		top->view.selected--;
	if (key == STINGY_TERMINAL_DOWN && top->view.selected + 1 < top->follow.n)
		top->view.selected++;
	top->selected = top->follow.process[top->view.selected]->now.pid;
}

/* Returns 0, or -1 if the terminal is gone. */
static int draw(struct top *top)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	if (!out)
		return -1;
	stingy_terminal_size(&top->view.rows, &top->view.columns);
	stingy_top_view_print(&top->view, &top->follow, out);
	result = fclose(out) == 0 ? stingy_terminal_show(text, size) : -1;
	free(text);
	return result;
}

/* Until the next look is due. Returns whether to go on. */
static bool attend(struct top *top, double due)
{
	for (;;) {
		double left = due - now();
		enum stingy_terminal_event event = stingy_terminal_wait(left > 0 ? (int)ceil(left * 1000) : 0);

		if (event == STINGY_TERMINAL_QUIT)
			return false;
		if (event == STINGY_TERMINAL_TIMEOUT)
			return true;
		if (event == STINGY_TERMINAL_UP || event == STINGY_TERMINAL_DOWN)
			move(top, event);
		if (event != STINGY_TERMINAL_OTHER && draw(top) < 0)
			return false;
	}
}

/* Returns whether the processes have ended. */
static bool watch(struct top *top)
{
	double at = now();

	do {
		find_selected(top);
		if (draw(top) < 0)
			return false;
		at += top->view.interval;
		if (at < now()) /* after a stop, one look is enough */
			at = now();
		if (!attend(top, at))
			return false;
	} while (stingy_follow_look(&top->follow, now()) > 0);
	return true;
}

static int complain(const struct top *top)
{
	if (top->follow.pid)
		fprintf(stderr, "stingy: process %ld: %s\n", (long)top->follow.pid,
			stingy_live_reader_why(top->follow.found));
	else
		fputs("stingy: no process runs under stingy, of those that this user may look into\n", stderr);
	return STINGY_EXIT_NO;
}

static int run(struct top *top)
{
	bool have_ended;

	if (stingy_follow_look(&top->follow, now()) == 0)
		return complain(top);
	if (stingy_terminal_enter() < 0) {
		fprintf(stderr, "stingy: top needs a terminal%s ('stingy stat' does not)\n",
			errno == ENOTSUP ? " that can do more than TERM says" : "");
		return STINGY_EXIT_BAD_INPUT;
	}
	have_ended = watch(top);
	stingy_terminal_leave();
	if (have_ended)
		fputs("stingy: the processes have ended\n", stderr);
	return STINGY_EXIT_OK;
}

/* Returns 0, or -1 if it is no interval. */
static int parse_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end != text && !*end && *seconds >= LEAST_INTERVAL && *seconds <= MOST_INTERVAL)
		return 0;
	fprintf(stderr, "stingy: not a number of seconds from %g to %g: '%s'\n", LEAST_INTERVAL, MOST_INTERVAL, text);
	return -1;
}

/* Returns 1 to go on, 0 if all is done, -1 on an error that was told. */
static int parse_options(int argc, char **argv, double *interval)
{
	static const struct option options[] = {
		{"delay", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+d:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?' || parse_interval(optarg, interval) < 0)
			return -1;
	}
	if (argc - optind <= 1)
		return 1;
	fprintf(stderr, "stingy: one process at a time: '%s' is too many\n", argv[optind + 1]);
	return -1;
}

int stingy_cmd_top(int argc, char **argv)
{
	struct top top = {.view.interval = DEFAULT_INTERVAL};
	int more = parse_options(argc, argv, &top.view.interval), result;
	pid_t pid = 0;

	if (more <= 0)
		return more < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
	if (optind < argc && (pid = stingy_processes_parse(argv[optind])) < 0) {
		fprintf(stderr, "stingy: not a process number: '%s'\n", argv[optind]);
		return STINGY_EXIT_BAD_INPUT;
	}
	stingy_follow_init(&top.follow, pid);
	result = run(&top);
	stingy_follow_fini(&top.follow);
	return result;
}
