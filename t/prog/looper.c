/*
 * An event loop over descriptors that are all ready at once, by each of the ways to wait for them.
 *
 *	looper epoll|epoll_pwait|epoll_pwait2|poll|ppoll|select|pselect
 *	looper accept|errors
 *
 * Each event makes an object of 1,000 bytes plus the descriptor's number, so that a trace shows what was made for whom.
 * On stdout what does not depend on how many events come at a time; on stderr how many did, and how long one waited.
 * Built twice: as looper, and with -D_FORTIFY_SOURCE=2 as looper-fortify.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOURCES 6
#define BYTES   50 /* events of each source */

struct source {
	int fd; /* where its bytes come out, one an event */
	unsigned n_events;
	unsigned last_turn;
};

static struct source sources[SOURCES];
static unsigned n_turns, most_events, longest_wait;

static void open_sources(void)
{
	static const char bytes[BYTES];
	for (unsigned i = 0; i < SOURCES; i++) {
		int ends[2];
		check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
		check(write(ends[1], bytes, BYTES) == BYTES, "cannot write");
		sources[i].fd = ends[0];
	}
}

static void *make(int fd)
{
	void *object = malloc(1000 + (size_t)fd);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static void on_event(int fd)
{
	char byte;
	check(read(fd, &byte, 1) == 1, "an event without a byte");
	free(make(fd));
	for (unsigned i = 0; i < SOURCES; i++)
		if (sources[i].fd == fd) {
			sources[i].n_events++;
			if (n_turns - sources[i].last_turn > longest_wait)
				longest_wait = n_turns - sources[i].last_turn;
			sources[i].last_turn = n_turns;
		}
}

static int is_exhausted(const struct source *source)
{
	return source->n_events == BYTES;
}

/* Handles one turn of the loop; returns how many events it was given. */
typedef int turn_fn(void);

static int epoll = -1;

static int epoll_events(int (*wait)(struct epoll_event *events))
{
	struct epoll_event events[SOURCES];
	if (epoll < 0) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
		for (unsigned i = 0; i < SOURCES; i++) {
			struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sources[i]};
			check(epoll_ctl(epoll, EPOLL_CTL_ADD, sources[i].fd, &event) == 0, "epoll_ctl");
		}
	}
	int n = wait(events);
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;
		on_event(source->fd);
	}
	return n;
}

static int wait_plain(struct epoll_event *events)
{
	return epoll_wait(epoll, events, SOURCES, 0);
}

static int wait_masked(struct epoll_event *events)
{
	return epoll_pwait(epoll, events, SOURCES, 0, NULL);
}

static int wait_timed(struct epoll_event *events)
{
	struct timespec zero = {0, 0};
	return epoll_pwait2(epoll, events, SOURCES, &zero, NULL);
}

static int turn_epoll(void)
{
	return epoll_events(wait_plain);
}

static int turn_epoll_pwait(void)
{
	return epoll_events(wait_masked);
}

static int turn_epoll_pwait2(void)
{
	return epoll_events(wait_timed);
}

static int poll_events(int is_ppoll)
{
	struct pollfd fds[SOURCES];
	struct timespec zero = {0, 0};
	volatile nfds_t count = SOURCES; /* not known to the compiler: the fortified build then checks it */
	int events = 0;
	for (unsigned i = 0; i < SOURCES; i++)
		fds[i] = (struct pollfd){.fd = sources[i].fd, .events = POLLIN};
	int n = is_ppoll ? ppoll(fds, count, &zero, NULL) : poll(fds, count, 0);
	for (unsigned i = 0; i < SOURCES; i++)
		if (fds[i].revents) {
			events++;
			on_event(fds[i].fd);
		}
	check(events == n, "poll's result is not the number of events");
	return n;
}

static int turn_poll(void)
{
	return poll_events(0);
}

static int turn_ppoll(void)
{
	return poll_events(1);
}

/* Readable and writable at once: select counts a descriptor once for each set that it is in. */
static int select_events(int is_pselect)
{
	fd_set reads, writes, others;
	struct timeval zero = {0, 0};
	struct timespec nothing = {0, 0};
	int high = 0, bits = 0, events = 0;
	FD_ZERO(&reads);
	FD_ZERO(&writes);
	FD_ZERO(&others);
	for (unsigned i = 0; i < SOURCES; i++) {
		if (is_exhausted(&sources[i]))
			continue;
		FD_SET(sources[i].fd, &reads);
		FD_SET(sources[i].fd, &writes);
		high = sources[i].fd > high ? sources[i].fd : high;
	}
	int n = is_pselect ? pselect(high + 1, &reads, &writes, &others, &nothing, NULL)
			   : select(high + 1, &reads, &writes, &others, &zero);
	for (unsigned i = 0; i < SOURCES; i++) {
		int is_readable = FD_ISSET(sources[i].fd, &reads) != 0;
		bits += is_readable + (FD_ISSET(sources[i].fd, &writes) != 0);
		events += is_readable;
		if (is_readable)
			on_event(sources[i].fd);
	}
	check(bits == n, "select's result is not the number of descriptors in the sets");
	return events;
}

static int turn_select(void)
{
	return select_events(0);
}

static int turn_pselect(void)
{
	return select_events(1);
}

static void run_loop(turn_fn *turn)
{
	unsigned total = 0;
	open_sources();
	while (total < SOURCES * BYTES) {
		n_turns++;
		int n = turn();
		check(n > 0, "nothing is ready, and there are bytes left");
		total += (unsigned)n;
		most_events = (unsigned)n > most_events ? (unsigned)n : most_events;
	}
	check(turn() == 0, "something is ready, and no byte is left");
	for (unsigned i = 0; i < SOURCES; i++)
		printf("source %u: %u events\n", i, sources[i].n_events);
	fprintf(stderr, "at most %u events a turn, at most %u turns for one\n", most_events, longest_wait);
}

static int listen_somewhere(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	check(bind(listener, (struct sockaddr *)address, sizeof(*address)) == 0 && listen(listener, 5) == 0 &&
		      getsockname(listener, (struct sockaddr *)address, &len) == 0,
	      "cannot listen");
	return listener;
}

/* Connections begin and end; a descriptor that is no connection is closed in between. */
static void run_accept(void)
{
	struct sockaddr_in address;
	int listener = listen_somewhere(&address);
	for (unsigned i = 0; i < 4; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0, "cannot connect");
		int fd = i % 2 ? accept(listener, NULL, NULL) : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		check(fd >= 0, "cannot accept");
		free(make(fd));
		close(client);
		close(fd);
	}
	close(listener);
	printf("4 connections\n");
}

/* What is in error stays in error, with its errno. */
static void run_errors(void)
{
	struct epoll_event event;
	struct pollfd nothing = {.fd = -1};
	struct timeval zero = {0, 0};
	volatile int bad = -1;
	free(make(0));
	errno = 0;
	int n = epoll_wait(bad, &event, 1, 0);
	printf("epoll_wait: %d %s\n", n, strerrorname_np(errno));
	n = accept(bad, NULL, NULL);
	printf("accept: %d %s\n", n, strerrorname_np(errno));
	n = close(bad);
	printf("close: %d %s\n", n, strerrorname_np(errno));
	n = select(-1, NULL, NULL, NULL, &zero);
	printf("select: %d %s\n", n, strerrorname_np(errno));
	errno = 77;
	n = poll(&nothing, 1, 0);
	printf("poll: %d errno %d\n", n, errno);
	n = poll(NULL, 0, 1);
	printf("poll of nothing: %d errno %d\n", n, errno);
	n = select(0, NULL, NULL, NULL, &zero);
	printf("select of nothing: %d errno %d\n", n, errno);
}

static const struct {
	const char *name;
	turn_fn *turn;
} ways[] = {
	{"epoll", turn_epoll},
	{"epoll_pwait", turn_epoll_pwait},
	{"epoll_pwait2", turn_epoll_pwait2},
	{"poll", turn_poll},
	{"ppoll", turn_ppoll},
	{"select", turn_select},
	{"pselect", turn_pselect},
};

int main(int argc, char **argv)
{
	const char *how = argc == 2 ? argv[1] : "";
	if (strcmp(how, "accept") == 0) {
		run_accept();
		return 0;
	}
	if (strcmp(how, "errors") == 0) {
		run_errors();
		return 0;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(how, ways[i].name) == 0) {
			run_loop(ways[i].turn);
			return 0;
		}
	return 2;
}
