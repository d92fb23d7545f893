/*
 * Programs that wait in ways that are hard on who orders events: by another name of an epoll instance, with other
 * threads that close, in threads that come and go, on a small stack. Each mode says what it saw, which must be the same
 * under the library as without it.
 *
 *	waits duplicate            registrations are taken back by a duplicate of the instance's descriptor
 *	waits closers              other threads close connections; then waits for the end of stdin
 *	waits twice                poll, with two entries for each connection
 *	waits passing poll|select  threads wait, one after the other
 *	waits little poll|select   a thread waits that has the least stack that a thread may have
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS 400
#define CLOSERS     2
#define ROUNDS      20
#define PASSING     100 /* more threads than there are orders */
#define WAITED      40
#define TURNS       400 /* twice what it takes for four of two times WAITED at a time, in one turn of nine */

static int epoll, near[CONNECTIONS];
static const char *way;

static void want(int instance, int operation, int i, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = (uint32_t)i};
	check(epoll_ctl(instance, operation, near[i], &event) == 0, "epoll_ctl");
}

/* Connections that were accepted, whose other ends are closed. */
static void accept_all(int n)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(listener, 1) == 0 &&
		      getsockname(listener, (struct sockaddr *)&address, &len) == 0,
	      "cannot listen");
	for (int i = 0; i < n; i++) {
		int far = socket(AF_UNIX, SOCK_STREAM, 0);
		check(connect(far, (struct sockaddr *)&address, len) == 0, "cannot connect");
		near[i] = accept(listener, NULL, NULL);
		check(near[i] >= 0, "cannot accept");
		close(far);
	}
	close(listener);
}

static int ready(void)
{
	struct epoll_event events[WAITED];
	return epoll_wait(epoll, events, WAITED, 0);
}

static void mode_duplicate(void)
{
	int other = dup(epoll);
	accept_all(WAITED);
	for (int i = 0; i < WAITED; i++)
		want(epoll, EPOLL_CTL_ADD, i, EPOLLIN | EPOLLOUT);
	check(ready() > 0, "nothing is ready");
	for (int i = 0; i < WAITED; i++)
		want(epoll, EPOLL_CTL_MOD, i, EPOLLOUT);
	for (int i = 0; i < WAITED; i++)
		want(other, EPOLL_CTL_DEL, i, 0);
	printf("%d events of what is not registered any more\n", ready());
}

static pthread_barrier_t barrier;

static void *close_some(void *first)
{
	pthread_barrier_wait(&barrier);
	for (int i = (int)(intptr_t)first; i < CONNECTIONS; i += CLOSERS)
		close(near[i]);
	return NULL;
}

static void mode_closers(void)
{
	pthread_t threads[CLOSERS];
	check(pthread_barrier_init(&barrier, NULL, CLOSERS) == 0, "no barrier");
	for (int round = 0; round < ROUNDS; round++) {
		accept_all(CONNECTIONS);
		for (int i = 0; i < CONNECTIONS; i++)
			want(epoll, EPOLL_CTL_ADD, i, EPOLLIN | EPOLLOUT);
		check(ready() > 0, "nothing is ready");
		for (int i = 0; i < CLOSERS; i++)
			check(pthread_create(&threads[i], NULL, close_some, (void *)(intptr_t)i) == 0, "no thread");
		for (int i = 0; i < CLOSERS; i++)
			pthread_join(threads[i], NULL);
	}
	printf("%d events of what is closed\n", ready());
	fflush(stdout);
	check(getchar() == EOF, "stdin");
}

/* WAITED eventfds, all of them ready. */
static int wait_by_select(void)
{
	struct timeval now = {0, 0};
	fd_set reads;
	FD_ZERO(&reads);
	for (int i = 0; i < WAITED; i++)
		FD_SET(near[i], &reads);
	return select(FD_SETSIZE, &reads, NULL, NULL, &now);
}

static int wait_by_poll(void)
{
	struct pollfd fds[WAITED];
	for (int i = 0; i < WAITED; i++)
		fds[i] = (struct pollfd){.fd = near[i], .events = POLLIN};
	return poll(fds, WAITED, 0);
}

static void mode_twice(void)
{
	int n_told[2 * WAITED] = {0}, n_without = 0;
	accept_all(WAITED);
	for (int turn = 0; turn < TURNS; turn++) {
		struct pollfd fds[2 * WAITED];
		for (int i = 0; i < 2 * WAITED; i++)
			fds[i] = (struct pollfd){.fd = near[i % WAITED], .events = POLLIN};
		check(poll(fds, 2 * WAITED, 0) > 0, "nothing is ready");
		for (int i = 0; i < 2 * WAITED; i++)
			n_told[i] += fds[i].revents != 0;
	}
	for (int i = 0; i < 2 * WAITED; i++)
		n_without += n_told[i] == 0;
	printf("%d entries without a turn\n", n_without);
}

static void *wait_often(void *unused)
{
	for (int i = 0; i < ROUNDS; i++)
		check((strcmp(way, "poll") == 0 ? wait_by_poll() : wait_by_select()) == WAITED, "not all are ready");
	return unused;
}

static void run_threads(int n, size_t stack)
{
	pthread_attr_t attributes;
	pthread_t thread;
	for (int i = 0; i < WAITED; i++)
		near[i] = eventfd(1, 0);
	check(pthread_attr_init(&attributes) == 0, "no attributes");
	check(stack == 0 || pthread_attr_setstacksize(&attributes, stack) == 0, "no such stack");
	for (int i = 0; i < n; i++)
		check(pthread_create(&thread, &attributes, wait_often, NULL) == 0 && pthread_join(thread, NULL) == 0,
		      "no thread");
	printf("%d threads have waited\n", n);
}

int main(int argc, char **argv)
{
	check(argc > 1, "which mode?");
	epoll = epoll_create1(EPOLL_CLOEXEC);
	way = argc > 2 ? argv[2] : "";
	if (strcmp(argv[1], "duplicate") == 0)
		mode_duplicate();
	else if (strcmp(argv[1], "closers") == 0)
		mode_closers();
	else if (strcmp(argv[1], "twice") == 0)
		mode_twice();
	else
		run_threads(strcmp(argv[1], "passing") == 0 ? PASSING : 1,
			    strcmp(argv[1], "little") == 0 ? (size_t)PTHREAD_STACK_MIN : 0);
	return 0;
}
