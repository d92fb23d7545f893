/*
 * A program that asks all questions of the public header, and prints the answers.
 *
 *	asker                   of its own stages, as it allocates and frees, in threads and in a child
 *	asker MODULE            of a stage in a module that comes and goes
 *	asker --batches         announces runs, in two threads, and waits for a line; then in a child
 *
 * Stages are called by function, by name or by number: a manifest has them in the order of the table below. Without a
 * library, and for what a library does not know, the answers are as the header says. Flags: -pthread.
 */
#include "../../shim/stingy.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 4

typedef void *allocating(void);

static void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static __attribute__((noinline)) void *get_request(void)
{
	return hide(malloc(100));
}

static __attribute__((noinline)) void *get_reply(void)
{
	return hide(malloc(300));
}

/* For the other stages of the manifest, which nobody runs. */
static __attribute__((noinline)) void *get_both(void)
{
	return get_request() == get_reply() ? NULL : hide(NULL);
}

static __attribute__((noinline)) void *get_nothing(void)
{
	return hide(NULL);
}

static const struct {
	const char *name;
	allocating *function;
} stages[] = {{"request", get_request}, {"a reply", get_reply}, {"both", get_both}, {"nothing", get_nothing}};

#define N_STAGES (sizeof(stages) / sizeof(stages[0]))

static void print_count(unsigned n)
{
	if (n == STINGY_MANY)
		printf("many");
	else
		printf("%u", n);
}

static void ask_stage(const char *name, const struct stingy_stage *stage, int checked)
{
	static const char *const answers[] = {"full", "fits", "takes nothing", "not served", "unknown", "no library"};
	unsigned n;
	struct stingy_why why;
	memset(&why, 0xff, sizeof(why));
	errno = 77;
	n = stingy_dyn_count(stage);
	int fits = stingy_dyn_why(stage, &why);
	printf("  %s: ", name);
	print_count(n);
	printf(", %s", answers[why.answer]);
	if (why.answer == STINGY_FULL || why.answer == STINGY_FITS)
		printf(": %u of region %u (%s), %u free", why.n_needed, why.region, why.kinds, why.n_free);
	else if (why.region || why.n_free || why.n_needed || why.kinds[0])
		printf(", but something else is set");
	if (fits != (n != 0) || checked != fits || errno != 77)
		printf(", but inconsistent");
	putchar('\n');
}

static void ask(const char *when)
{
	printf("%s\n", when);
	for (unsigned i = 0; i < N_STAGES; i++)
		ask_stage(stages[i].name, stingy_stage_numbered(i), stingy_dyn_check((const void *)stages[i].function));
	/* Without a function, it cannot be asked for by one. */
	ask_stage("no function", stingy_stage_numbered(4), stingy_dyn_count(stingy_stage_numbered(4)) != 0);
	fflush(stdout);
}

/* Whether all ways to look a stage up give the same, and what is none gives none. */
static void look_up(void)
{
	for (unsigned i = 0; i < N_STAGES; i++) {
		const struct stingy_stage *stage = stingy_stage_of((const void *)stages[i].function);
		printf("%s is %s\n", stages[i].name,
		       stage != stingy_stage_named(stages[i].name) || stage != stingy_stage_numbered(i) ? "ambiguous"
		       : stage                                                                          ? "known"
													: "unknown");
	}
	printf("main is %s\n", stingy_stage_of((const void *)look_up) ? "known" : "unknown");
	printf("no function is %s\n", stingy_stage_of(NULL) ? "known" : "unknown");
	printf("nobody is %s\n", stingy_stage_named("nobody") ? "known" : "unknown");
	printf("no name is %s\n", stingy_stage_named("") ? "known" : "unknown");
	printf("number 5 is %s\n", stingy_stage_numbered(5) ? "known" : "unknown");
	printf("number 4294967295 is %s\n", stingy_stage_numbered(4294967295u) ? "known" : "unknown");
}

static void *free_in_thread(void *object)
{
	free(object);
	return NULL;
}

/* Asks before and after it has got an arena of its own, if there is one left. */
static void *ask_in_thread(void *unused)
{
	void *request;
	(void)unused;
	ask("in a thread");
	request = get_request();
	ask("in a thread with a request");
	free(request);
	return NULL;
}

static void in_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, argument) != 0 || pthread_join(thread, NULL) != 0)
		abort();
}

static void in_child(void (*function)(void *), void *argument)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		function(argument);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		abort();
}

static void ask_in_child(void *object)
{
	ask("in a child");
	free(object);
	ask("in a child that has freed");
}

static void ask_own(void)
{
	void *request[REQUESTS], *reply[3];
	look_up();
	ask("at first");
	for (unsigned i = 0; i < 3; i++)
		request[i] = get_request();
	reply[0] = get_reply();
	ask("with 3 requests and a reply");
	request[3] = get_request();
	reply[1] = get_reply();
	reply[2] = get_reply();
	ask("with 4 requests and 3 replies");
	in_child(ask_in_child, request[1]);
	in_thread(ask_in_thread, NULL);
	in_thread(free_in_thread, reply[2]);
	ask("when a thread has freed a reply");
	for (unsigned i = 0; i < REQUESTS; i++)
		free(request[i]);
	free(reply[0]);
	free(reply[1]);
	ask("at the end");
}

static void ask_module(const char *path)
{
	const struct stingy_stage *stage = NULL;
	for (int i = 0; i < 2; i++) {
		void *module = dlopen(path, RTLD_NOW), *function = module ? dlsym(module, "chain_module") : NULL;
		if (!function)
			abort();
		stage = stingy_stage_of(function);
		ask_stage(i ? "loaded again" : "loaded", stage, stingy_dyn_check(function));
		stingy_stage_begin(function, "a task"); /* so that a profile has it */
		void *(*run)(size_t, unsigned);
		memcpy(&run, &function, sizeof(run));
		free(run(100, 0));
		stingy_stage_end(function, "a task");
		dlclose(module);
		printf("  unloaded: %s\n", stingy_stage_of(function) ? "known" : "unknown");
	}
	ask_stage("still asked", stage, stage ? 0 : 1);
}

static void run_times(const void *function, unsigned n)
{
	for (; n; n--) {
		stingy_stage_begin(function, "a task");
		stingy_stage_end(function, "a task");
	}
}

static void *announce_in_thread(void *unused)
{
	(void)unused;
	run_times((const void *)get_request, 40000);
	run_times((const void *)get_reply, 1);
	run_times((const void *)get_request, 8);
	run_times((const void *)get_reply, 1);
	return NULL;
}

static void wait_for_line(void)
{
	printf("%ld\n", (long)getpid());
	fflush(stdout);
	while (getchar() != '\n')
		if (feof(stdin))
			abort();
}

static void announce_in_child(void *unused)
{
	(void)unused;
	run_times((const void *)get_request, 3);
	run_times((const void *)get_reply, 1);
	wait_for_line();
}

static void announce(void)
{
	run_times(NULL, 1);
	run_times((const void *)get_request, 7);
	run_times((const void *)get_reply, 1);
	run_times((const void *)get_request, 1);
	run_times((const void *)hide, 3);
	run_times((const void *)get_request, 2);
	run_times((const void *)get_reply, 2);
	in_thread(announce_in_thread, NULL);
	wait_for_line();
	in_child(announce_in_child, NULL);
}

int main(int argc, char **argv)
{
	setvbuf(stdin, NULL, _IONBF, 0); /* what a child reads is not read twice */
	if (argc < 2)
		ask_own();
	else if (strcmp(argv[1], "--batches") == 0)
		announce();
	else
		ask_module(argv[1]);
	return 0;
}
