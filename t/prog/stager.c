/*
 * An event-driven program that asks and tells by the public header: stages, tasks, and whether a run would fit.
 *
 *	stager                 stages of the program
 *	stager MODULE OTHER    a stage in a module that comes, goes, and comes again; OTHER comes in its place
 *
 * Prints the answers. Without a library, and for what a library does not know, they are all yes.
 * Flags: -pthread.
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

#define TASKS 6

struct task {
	char *request;
	char *reply;
};

static struct task tasks[TASKS];

static void *hide(void *object)
{
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

/* The stages; one run allocates one object of its kind. */
static void read_request(struct task *task)
{
	stingy_stage_begin((const void *)read_request, task);
	task->request = hide(malloc(100));
	memset(task->request, 'q', 100);
	stingy_stage_end((const void *)read_request, task);
}

static void write_reply(struct task *task)
{
	stingy_stage_begin((const void *)write_reply, task);
	task->reply = hide(malloc(300));
	memset(task->reply, 'r', 300);
	stingy_stage_end((const void *)write_reply, task);
}

static void end_task(struct task *task)
{
	free(task->request);
	free(task->reply);
	task->request = task->reply = NULL;
	stingy_task_end(task);
}

/* Not a stage that anybody announced. */
static void idle(struct task *task)
{
	(void)task;
}

static void ask(const char *when)
{
	errno = 77;
	int first = stingy_dyn_check((const void *)read_request), second = stingy_dyn_check((const void *)write_reply);
	printf("%s: read_request %d, write_reply %d, idle %d, nothing %d, errno %s\n", when, first, second,
	       stingy_dyn_check((const void *)idle), stingy_dyn_check(NULL), errno == 77 ? "kept" : "changed");
}

static void *free_one(void *object)
{
	free(object);
	return NULL;
}

static void free_elsewhere(void *object)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, free_one, object) != 0)
		abort();
	pthread_join(thread, NULL);
}

static void in_child(void)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		ask("in a child");
		end_task(&tasks[1]);
		ask("in a child that has freed");
		exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		abort();
}

/* Asks for the module's stage, and runs it once. */
static void *run_module(const char *path, const char *when)
{
	void *(*stage)(size_t, unsigned);
	void *module = dlopen(path, RTLD_NOW), *found = module ? dlsym(module, "chain_module") : NULL;
	if (!found)
		abort();
	memcpy(&stage, &found, sizeof(found));
	stingy_dyn_check(found);
	free(hide(malloc(30))); /* at a new place: only then is the list of modules looked at */
	printf("%s: %d\n", when, stingy_dyn_check(found));
	stingy_stage_begin(found, &tasks[0]);
	free(stage(100, 0));
	stingy_stage_end(found, &tasks[0]);
	printf("%s, when it has run: %d\n", when, stingy_dyn_check(found));
	dlclose(module);
	printf("%s, and gone: %d\n", when, stingy_dyn_check(found));
	return found;
}

static void run_modules(const char *path, const char *other)
{
	printf("nothing: %d\n", stingy_dyn_check(NULL));
	run_module(path, "a module");
	void *there = run_module(path, "the module again");
	void *here = run_module(other, "another module");
	fprintf(stderr, "the other comes %s\n", here == there ? "in its place" : "elsewhere");
	run_module(path, "the first once more");
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		run_modules(argv[1], argv[2]);
		return 0;
	}
	ask("at first");
	for (unsigned i = 0; i < TASKS; i++) {
		read_request(&tasks[i]);
		write_reply(&tasks[i]);
		if (i == 2 || i == 3)
			ask(i == 2 ? "with 3 tasks" : "with 4 tasks");
	}
	ask("with 6 tasks");
	in_child();
	free_elsewhere(tasks[0].request);
	tasks[0].request = NULL;
	ask("after another thread freed a request");
	for (unsigned i = 0; i < TASKS; i++)
		end_task(&tasks[i]);
	ask("at the end");
	return 0;
}
