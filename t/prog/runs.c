/*
 * An event loop whose runs use known amounts of the stack, or make known system calls.
 *
 *	runs stack [thread]   300 events in turn: 1 KiB, 10 KiB and 40 KiB of the stack; in the main thread or another
 *	runs calls            50 events, each of them opens, looks at, reads and closes a file; every tenth one sleeps
 *	runs announced        as stack, but each run is announced as a stage (stingy.h), by three names
 *	runs inside           as stack, in a coroutine whose stack lies in the main thread's, above what is in use
 *	runs told             what the library tells of 20 calls, in band
 */
#define _GNU_SOURCE
#include "../../shim/stingy.h"
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define EVENTS 300

static int way; /* of runs: which */

/* The array is written to at its far end only, as a buffer would be that is not filled. */
#define USE(name, size)                                                                                                \
	static __attribute__((noinline)) void name(void)                                                               \
	{                                                                                                              \
		char room[size];                                                                                       \
		room[0] = 1;                                                                                           \
		__asm__ volatile("" : : "r"(room) : "memory");                                                         \
		void *object = malloc(16);                                                                             \
		__asm__ volatile("" : "+r"(object) : : "memory");                                                      \
		free(object);                                                                                          \
	}
USE(use_little, 1 << 10)
USE(use_some, 10 << 10)
USE(use_much, 40 << 10)

static void (*const stack_runs[])(void) = {use_little, use_some, use_much};

static __attribute__((noinline)) void make_calls(int event)
{
	struct stat st;
	char byte;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && fstat(fd, &st) == 0 && pread(fd, &byte, 1, 1) == 1 && close(fd) == 0, "the program's file");
	if (event % 10 == 0)
		check(nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL) == 0, "sleep");
}

static void run(int event)
{
	if (way == 'c') {
		make_calls(event);
		return;
	}
	void (*use)(void) = stack_runs[event % 3];
	if (way == 'a')
		stingy_stage_begin((const void *)use, &way);
	use();
	if (way == 'a')
		stingy_stage_end((const void *)use, &way);
}

static __attribute__((noinline)) void *loop(void *data)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), source = eventfd(0, EFD_CLOEXEC), events = way == 'c' ? 50 : EVENTS;
	struct epoll_event event = {.events = EPOLLIN, .data.fd = source};
	check(epoll >= 0 && source >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, source, &event) == 0, "epoll");
	check(eventfd_write(source, 1) == 0, "eventfd");
	for (int i = 0; i <= events; i++) {
		check(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
		if (i < events)
			run(i);
	}
	return data;
}

/* Prints nothing that depends on how long anything takes. */
static int tell(void)
{
	struct stingy_system_calls calls;
	int is_told = stingy_system_calls(&calls);
	for (int i = 0; i < 20; i++)
		check(lseek(STDERR_FILENO, 0, SEEK_CUR) >= -1, "lseek");
	if (!is_told) {
		puts("nobody tells");
		return 0;
	}
	printf("%lu calls, the last is %s\n", calls.n_calls, calls.number == SYS_lseek ? "lseek" : "another");
	check(nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL) == 0, "sleep");
	printf("sleep: %s for 5 ms, blocked %s, switched %s\n", calls.last.ns >= 5000000 ? "took time" : "no time",
	       calls.last.blocked_ns >= 4000000 ? "most of it" : "hardly", calls.last.switches ? "context" : "nothing");
	printf("sums: %s\n", calls.n_calls == 21 && calls.sum.ns > calls.last.ns ? "of all" : "wrong");
	stingy_system_calls(NULL);
	lseek(STDERR_FILENO, 0, SEEK_CUR);
	printf("switched off: %lu calls\n", calls.n_calls);
	return 0;
}

static ucontext_t outside, inside;

static void start_inside(void)
{
	loop(NULL);
}

/* What lies below the coroutine's stack, in the same frame, must be as it was. */
static int loop_inside(void)
{
	struct {
		char used[128 << 10];
		char stack[56 << 10]; /* less than what is painted at once */
	} room;
	memset(room.used, 'u', sizeof(room.used));
	check(getcontext(&inside) == 0, "getcontext");
	inside.uc_stack.ss_sp = room.stack;
	inside.uc_stack.ss_size = sizeof(room.stack);
	inside.uc_link = &outside;
	makecontext(&inside, start_inside, 0);
	check(swapcontext(&outside, &inside) == 0, "swapcontext");
	for (size_t i = 0; i < sizeof(room.used); i++)
		if (room.used[i] != 'u') {
			printf("byte %zu is spoilt\n", i);
			return 1;
		}
	puts("done");
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	check(argc > 1, "runs stack|calls|announced|inside|told");
	way = argv[1][0];
	if (way == 't')
		return tell();
	if (way == 'i')
		return loop_inside();
	if (argc > 2)
		check(pthread_create(&thread, NULL, loop, NULL) == 0 && pthread_join(thread, NULL) == 0, "thread");
	else
		loop(NULL);
	puts("done");
	return 0;
}
