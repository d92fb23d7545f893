/*
 * How a test program waits for events: by the way that is named, with the events wanted kept by descriptor. Events that
 * are stale, that were not asked for, or that do not add up end the program.
 */
#ifndef STINGY_WAYS_H
#define STINGY_WAYS_H

#include "check.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#define FDS 1024

static const char *way;
static int epoll = -1;
static short wanted[FDS];        /* by descriptor: events that the server waits for; 0: none */
static uint32_t generation[FDS]; /* of its registration: events carry it, and an old one would be stale */

static int is_epoll(void)
{
	return strncmp(way, "epoll", 5) == 0;
}

/* The server wants these events of the descriptor from now on. */
static void want(int fd, short events)
{
	struct epoll_event event = {.events = (uint32_t)events,
				    .data.u64 = (uint64_t)++generation[fd] << 32 | (uint32_t)fd};
	int operation = events == 0 ? EPOLL_CTL_DEL : wanted[fd] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (is_epoll() && (events != 0 || wanted[fd] != 0))
		check(epoll_ctl(epoll, operation, fd, &event) == 0, "epoll_ctl");
	wanted[fd] = events;
}

static int turn_epoll(struct pollfd *ready, int max, int timeout)
{
	struct epoll_event events[FDS];
	struct timespec time = {timeout / 1000, timeout % 1000 * 1000000l};
	int n;
	if (strcmp(way, "epoll_pwait") == 0)
		n = epoll_pwait(epoll, events, max, timeout, NULL);
	else if (strcmp(way, "epoll_pwait2") == 0)
		n = epoll_pwait2(epoll, events, max, timeout < 0 ? NULL : &time, NULL);
	else
		n = epoll_wait(epoll, events, max, timeout);
	for (int i = 0; i < n; i++) {
		int fd = (int)(uint32_t)events[i].data.u64;
		check(events[i].data.u64 >> 32 == generation[fd], "a stale event");
		check((events[i].events & ~(uint32_t)(wanted[fd] | EPOLLERR | EPOLLHUP)) == 0,
		      "an event not asked for");
		ready[i] = (struct pollfd){.fd = fd, .revents = (short)events[i].events};
	}
	return n;
}

static int turn_poll(struct pollfd *ready, int max, int timeout)
{
	struct pollfd fds[FDS];
	struct timespec time = {timeout / 1000, timeout % 1000 * 1000000l};
	nfds_t count = 0;
	int kept = 0;
	(void)max;
	for (int fd = 0; fd < FDS; fd++)
		if (wanted[fd] != 0)
			fds[count++] = (struct pollfd){.fd = fd, .events = wanted[fd], .revents = -1};
	int n = strcmp(way, "ppoll") == 0 ? ppoll(fds, count, timeout < 0 ? NULL : &time, NULL)
					  : poll(fds, count, timeout);
	for (nfds_t i = 0; n >= 0 && i < count; i++)
		if (fds[i].revents != 0)
			ready[kept++] = fds[i];
	check(n < 0 || kept == n, "poll's result is not the number of events");
	return n;
}

static int turn_select(struct pollfd *ready, int max, int timeout)
{
	fd_set reads, writes;
	struct timeval time = {timeout / 1000, timeout % 1000 * 1000};
	struct timespec spec = {timeout / 1000, timeout % 1000 * 1000000l};
	int kept = 0, bits = 0;
	(void)max;
	FD_ZERO(&reads);
	FD_ZERO(&writes);
	for (int fd = 0; fd < FDS; fd++) {
		if (wanted[fd] & POLLIN)
			FD_SET(fd, &reads);
		if (wanted[fd] & POLLOUT)
			FD_SET(fd, &writes);
	}
	int n = strcmp(way, "pselect") == 0 ? pselect(FDS, &reads, &writes, NULL, timeout < 0 ? NULL : &spec, NULL)
					    : select(FDS, &reads, &writes, NULL, timeout < 0 ? NULL : &time);
	for (int fd = 0; n > 0 && fd < FDS; fd++) {
		short events = (short)((FD_ISSET(fd, &reads) ? POLLIN : 0) | (FD_ISSET(fd, &writes) ? POLLOUT : 0));
		bits += !!(events & POLLIN) + !!(events & POLLOUT);
		if (events != 0)
			ready[kept++] = (struct pollfd){.fd = fd, .revents = events};
	}
	check(n <= 0 || bits == n, "select's result is not the number of bits");
	return n < 0 ? n : kept;
}

/* Waits; what is ready, with its events. */
static int turn(struct pollfd *ready, int max, int timeout)
{
	if (is_epoll())
		return turn_epoll(ready, max, timeout);
	return way[0] == 'p' && way[1] != 's' ? turn_poll(ready, max, timeout) : turn_select(ready, max, timeout);
}

#endif
