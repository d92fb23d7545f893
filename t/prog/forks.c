/*
 * Forks where it is least expected, with objects that the child must find as they were.
 *
 *	forks MODE
 *
 *	amid     a signal comes while fork is being prepared, and its handler forks
 *	crowded  with as many mappings as the kernel allows, and with a few fewer
 *
 * The output is the same whatever is preloaded.
 */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBJECTS 200
#define SIZE    100u /* bytes */
#define FORKS   20
#define PAGE    4096u /* bytes */

static unsigned char *objects[OBJECTS];
static int is_amid; /* the next fork is to be interrupted */

static __attribute__((noinline)) void make(unsigned i)
{
	objects[i] = malloc(SIZE);
	check(objects[i] != NULL, "no memory");
	memset(objects[i], (int)i, SIZE);
}

static void check_all(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		for (unsigned at = 0; at < SIZE; at++)
			check(objects[i][at] == (unsigned char)i, "an object's contents changed");
}

/* The number of the child's end, which is 0 if all was well. */
static int fork_once(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		check_all();
		for (unsigned i = 0; i < OBJECTS; i++) {
			free(objects[i]);
			make(i);
		}
		check_all();
		_exit(0);
	}
	check(pid > 0 && waitpid(pid, &status, 0) == pid, "no child");
	check_all();
	return status;
}

static void handle(int number)
{
	check(number == SIGALRM && fork_once() == 0, "the handler's child failed");
}

static void interrupt(void)
{
	if (!is_amid)
		return;
	is_amid = 0;
	raise(SIGALRM);
}

/* Before any constructor: of the handlers that prepare a fork the first to be known is the last to run. */
static void know_first(void)
{
	pthread_atfork(interrupt, NULL, NULL);
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = know_first;

static void run_amid(void)
{
	const struct sigaction action = {.sa_handler = handle};
	check(sigaction(SIGALRM, &action, NULL) == 0, "no handler");
	for (unsigned i = 0; i < FORKS; i++) {
		is_amid = 1;
		check(fork_once() == 0, "a child failed");
		check(!is_amid, "fork was not interrupted");
	}
}

/* Every other page is another mapping than its neighbours. */
static void run_crowded(void)
{
	size_t n = 2 * FORKS;
	FILE *most = fopen("/proc/sys/vm/max_map_count", "r");
	check(most != NULL && fscanf(most, "%zu", &n) == 1 && n < 1000000, "no limit");
	fclose(most);
	n += 2 * FORKS;
	char *pages = mmap(NULL, n * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(pages != MAP_FAILED, "no addresses");
	size_t last = 1;
	while (last < n && mprotect(pages + last * PAGE, PAGE, PROT_NONE) == 0)
		last += 2;
	check(last < n, "there is no limit");
	for (unsigned i = 0; i < FORKS; i++) {
		check(fork_once() == 0, "a child failed");
		last -= 2;
		mprotect(pages + last * PAGE, PAGE, PROT_READ);
	}
	munmap(pages, n * PAGE);
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";
	for (unsigned i = 0; i < OBJECTS; i++)
		make(i);
	if (strcmp(mode, "amid") == 0)
		run_amid();
	else if (strcmp(mode, "crowded") == 0)
		run_crowded();
	else
		check(0, "no such mode");
	for (unsigned i = 0; i < OBJECTS; i++)
		free(objects[i]);
	printf("%d forks\n", FORKS);
	return 0;
}
