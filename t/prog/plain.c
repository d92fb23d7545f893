/*
 * Does what its arguments say, one after the other; for tests of what happens around a program's allocations.
 *
 *	plain STEP...
 *
 *	alloc=N     allocates, fills, checks and frees N objects, ten at a time, by three call chains
 *	keep=N      allocates N objects and keeps them
 *	fork=N      a child allocates N objects and ends; the parent waits for it
 *	close       closes all descriptors from 3 on
 *	chdir=DIR   changes the working directory
 *	forget      has no environment from then on, but an address at which nothing is
 *	secure      prints whether the program runs with more rights than its caller
 *	say=TEXT    prints the text at once
 *	stop        waits for a signal
 *	kill        kills itself
 *	exit=N      exits with that status
 *
 * At the end it prints how many objects it had and how many bytes, and exits with status 0. A failed check aborts.
 */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 10

static unsigned long n_objects, n_bytes;

static __attribute__((noinline)) void *by_malloc(size_t size)
{
	void *object = malloc(size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

static __attribute__((noinline)) void *by_calloc(size_t size)
{
	void *object = calloc(1, size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

static __attribute__((noinline)) void *by_wrapper(size_t size)
{
	void *object = by_malloc(size);
	__asm__ volatile("" : "+r"(object));
	return object;
}

static unsigned char *allocate(unsigned long i, size_t *size)
{
	*size = 16 + i * 24 % 480;
	unsigned char *object = i % 3 == 0 ? by_malloc(*size) : i % 3 == 1 ? by_calloc(*size) : by_wrapper(*size);
	check(object != NULL, "no memory");
	memset(object, (int)(i & 0xff), *size);
	n_objects++;
	n_bytes += *size;
	return object;
}

static void allocate_and_free(unsigned long count)
{
	for (unsigned long done = 0; done < count; done += BATCH) {
		unsigned char *object[BATCH];
		size_t size[BATCH];
		unsigned long n = count - done < BATCH ? count - done : BATCH;
		for (unsigned long i = 0; i < n; i++)
			object[i] = allocate(done + i, &size[i]);
		for (unsigned long i = 0; i < n; i++) {
			for (size_t at = 0; at < size[i]; at++)
				check(object[i][at] == ((done + i) & 0xff), "contents changed");
			free(object[i]);
		}
	}
}

static void keep(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		size_t size;
		unsigned char *object = allocate(i, &size);
		__asm__ volatile("" : : "r"(object) : "memory");
	}
}

static void in_child(unsigned long count)
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	check(pid >= 0, "cannot fork");
	if (pid == 0) {
		allocate_and_free(count);
		exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0, "the child failed");
}

static void do_step(const char *step)
{
	const char *value = strchr(step, '=') ? strchr(step, '=') + 1 : "";
	unsigned long number = strtoul(value, NULL, 10);
	if (strncmp(step, "alloc=", 6) == 0)
		allocate_and_free(number);
	else if (strncmp(step, "keep=", 5) == 0)
		keep(number);
	else if (strncmp(step, "fork=", 5) == 0)
		in_child(number);
	else if (strcmp(step, "close") == 0)
		closefrom(3);
	else if (strncmp(step, "chdir=", 6) == 0)
		check(chdir(value) == 0, "cannot change the directory");
	else if (strcmp(step, "forget") == 0)
		environ = (char **)sizeof(char *);
	else if (strcmp(step, "secure") == 0)
		printf("secure: %lu\n", getauxval(AT_SECURE));
	else if (strncmp(step, "say=", 4) == 0)
		printf("%s\n", value);
	else if (strcmp(step, "stop") == 0)
		pause();
	else if (strcmp(step, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strncmp(step, "exit=", 5) == 0)
		exit((int)number);
	else
		check(0, "no such step");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		do_step(argv[i]);
	printf("%lu objects, %lu bytes\n", n_objects, n_bytes);
	return 0;
}
