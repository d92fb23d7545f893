/*
 * Connections of a program to itself, all registered with one instance of epoll, for the modes of epolls. Each file
 * that includes it has its own. A failed check aborts.
 */
#ifndef STINGY_TEST_EPOLLS_H
#define STINGY_TEST_EPOLLS_H

#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 40

static int epoll;
static int near[PAIRS], far[PAIRS]; /* ends of connections; the near ones were accepted */

static inline void want(int operation, int i, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = (uint32_t)i};
	check(epoll_ctl(epoll, operation, near[i], &event) == 0, "epoll_ctl");
}

static inline void connect_pairs(uint32_t events)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, PAIRS) == 0, "cannot listen");
	check(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "no name");
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < PAIRS; i++) {
		far[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(far[i], (struct sockaddr *)&address, sizeof(address)) == 0, "cannot connect");
		near[i] = accept(listener, NULL, NULL);
		check(near[i] >= 0, "cannot accept");
		if (events != 0)
			want(EPOLL_CTL_ADD, i, events);
	}
	close(listener);
}

static inline void ask_all(void)
{
	for (int i = 0; i < PAIRS; i++)
		check(write(far[i], "?", 1) == 1, "cannot ask");
}

/* Events until there are none any more, as counts by descriptor; reads what there is to read if it is to. */
static inline int drain(int is_reading, int *turns)
{
	struct epoll_event events[PAIRS * 2];
	int n, seen = 0;
	char byte;
	for (*turns = 0; *turns < 1000 && (n = epoll_wait(epoll, events, PAIRS * 2, 100)) > 0; ++*turns) {
		for (int i = 0; i < n && is_reading; i++)
			check(read(near[events[i].data.u32], &byte, 1) == 1, "nothing to read");
		seen += n;
	}
	return seen;
}

/* Those with threads: epolls-threads.c. */
void mode_threads(void);
void mode_cancel(void);
void mode_shared(void);
void mode_exclusive(void);

#endif
