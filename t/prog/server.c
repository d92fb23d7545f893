/*
 * A little server in one process with its clients, to see in which order it is given its events.
 *
 *	server WAY MODE N [KEPT]
 *
 * WAY: epoll|epoll_pwait|epoll_pwait2|poll|ppoll|select|pselect. MODE: see main. N: clients. KEPT: of these, how many
 * keep their memory for good. It says on stdout what does not
 * depend on the order, and on stderr, as NAME VALUE, what does.
 */
#define _GNU_SOURCE
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int listener = -1;
static struct sockaddr_in address;
static int n_kept;

static void begin_listening(void)
{
	socklen_t len = sizeof(address);
	if (is_epoll() && epoll < 0)
		epoll = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	check(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 512) == 0, "cannot listen");
	check(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "no name");
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "cannot connect");
	return fd;
}

static int take(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	check(fd >= 0 && fd < FDS, "cannot accept");
	return fd;
}

/* n clients and their connections at the server, which waits for requests. */
static int clients[FDS], connections[FDS];

static void connect_clients(int n)
{
	begin_listening();
	for (int i = 0; i < n; i++) {
		clients[i] = dial();
		connections[i] = take();
		want(connections[i], POLLIN);
	}
}

static void ask(int i)
{
	check(write(clients[i], "?", 1) == 1, "cannot ask");
}

static int is_one_of(int fd, const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] == fd)
			return 1;
	return 0;
}

/* Reads the request, and wants to write the answer; or writes it, and waits for the next request. */
static int serve(const struct pollfd *ready)
{
	char byte;
	if (ready->revents & POLLOUT) {
		check(write(ready->fd, "!", 1) == 1, "cannot answer");
		want(ready->fd, POLLIN);
		return -1;
	}
	check(read(ready->fd, &byte, 1) == 1, "an event without a request");
	want(ready->fd, POLLOUT);
	return 1;
}

/* Every client asks, is answered, and asks again, 20 times. Tasks: the most that had begun and were not finished. */
static void mode_finish(int n)
{
	struct pollfd ready[FDS];
	int tasks = 0, most = 0, answers = 0, asked[FDS], most_events = 0;
	connect_clients(n);
	for (int i = 0; i < n; i++) {
		asked[i] = 1;
		ask(i);
	}
	while (answers < 20 * n) {
		int m = turn(ready, FDS, 10000);
		check(m > 0, "nothing is ready");
		most_events = m > most_events ? m : most_events;
		for (int i = 0; i < m; i++) {
			int change = serve(&ready[i]);
			tasks += change;
			most = tasks > most ? tasks : most;
			answers += change < 0;
		}
		for (int i = 0; i < n; i++) {
			char byte;
			if (recv(clients[i], &byte, 1, MSG_DONTWAIT) == 1 && asked[i]++ < 20)
				ask(i);
		}
	}
	printf("%d answers\n", answers);
	fprintf(stderr, "tasks %d\nevents %d\n", most, most_events);
}

/* Memory of a task; the one call by which this program allocates it. */
static __attribute__((noinline)) void *take_memory(void)
{
	void *volatile memory = malloc(512); /* no jump: the call has to return here */
	return memory;
}

/*
 * Every client asks four times; a task has memory from its first event to its last. Some keep theirs: idle connections
 * that hold what others could use. Events: the most at a time, and in the first turn.
 */
static void mode_holds(int n)
{
	struct pollfd ready[FDS];
	void *memory[FDS] = {NULL};
	int most = 0, first = 0;
	connect_clients(n);
	for (int i = 0; i < n_kept; i++)
		check((memory[i] = take_memory()) != NULL, "no memory");
	for (int round = 0; round < 4; round++) {
		int answers = 0;
		for (int i = 0; i < n; i++)
			ask(i);
		while (answers < n) {
			int m = turn(ready, FDS, 10000);
			check(m > 0, "nothing is ready");
			first = first ? first : m;
			most = round > 0 && m > most ? m : most;
			for (int i = 0; i < m; i++) {
				void **mine = &memory[n_kept + ready[i].fd];
				if (serve(&ready[i]) > 0) {
					check((*mine = take_memory()) != NULL, "no memory");
				} else {
					free(*mine);
					answers++;
				}
			}
		}
	}
	for (int i = 0; i < n_kept; i++)
		free(memory[i]);
	printf("all answered\n");
	fprintf(stderr, "events %d\nfirst %d\n", most, first);
}

/* All connections are ready all the time: how many turns one waited; and how long an accept, asked for in between. */
static void mode_fair(int n)
{
	struct pollfd ready[FDS];
	int last[FDS] = {0}, waited = 0, accepted = 0, turns = 0, extra = -1;
	connect_clients(n);
	want(listener, POLLIN);
	for (int i = 0; i < n; i++)
		ask(i);
	for (turns = 1; turns <= 40 * n; turns++) {
		if (turns == 20 * n)
			extra = dial();
		int m = turn(ready, FDS, 10000);
		check(m > 0, "nothing is ready");
		for (int i = 0; i < m; i++) {
			int fd = ready[i].fd;
			if (fd == listener) {
				check(turns >= 20 * n, "accept without a client");
				accepted = turns - 20 * n;
				close(take());
			} else {
				waited = turns - last[fd] > waited ? turns - last[fd] : waited;
				last[fd] = turns;
			}
		}
	}
	for (int i = 0; i < n; i++)
		waited = turns - last[connections[i]] > waited ? turns - last[connections[i]] : waited;
	check(extra >= 0 && accepted >= 0, "no accept");
	printf("fair\n");
	fprintf(stderr, "waited %d\naccept %d\n", waited, accepted);
}

/* While all connections are ready all the time, what is no connection is told of in the next turn but one. */
static void mode_urgent(int n)
{
	struct pollfd ready[FDS];
	int others[4], ends[2], late = 0;
	sigset_t usr1;
	uint64_t one = 1;
	struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	connect_clients(n);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	check(pipe(ends) == 0, "no pipe");
	others[0] = eventfd(0, EFD_NONBLOCK);
	others[1] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	others[2] = signalfd(-1, &usr1, SFD_NONBLOCK);
	others[3] = ends[0];
	for (int i = 0; i < 4; i++)
		want(others[i], POLLIN);
	for (int i = 0; i < n; i++)
		ask(i);
	for (int round = 0; round < 100; round++) {
		int seen[FDS] = {0}, left = 4, turns = 0;
		for (int i = 0; i < 30; i++)
			check(turn(ready, FDS, 10000) > 0, "nothing is ready");
		check(write(others[0], &one, sizeof(one)) == sizeof(one) && write(ends[1], "", 1) == 1, "write");
		timerfd_settime(others[1], 0, &soon, NULL);
		kill(getpid(), SIGUSR1);
		usleep(100);
		for (; left > 0; turns++) {
			int m = turn(ready, FDS, 10000);
			check(m > 0, "nothing is ready");
			for (int i = 0; i < m; i++) {
				char buf[256];
				if (!is_one_of(ready[i].fd, others, 4))
					continue;
				check(read(ready[i].fd, buf, sizeof(buf)) > 0, "an event of which nothing is left");
				left -= !seen[ready[i].fd];
				seen[ready[i].fd] = 1;
			}
		}
		late = turns > late ? turns : late;
	}
	printf("urgent\n");
	fprintf(stderr, "turns %d\n", late);
}

/* A connection that always goes on with its task must not keep others from beginning theirs. */
static void mode_greedy(int n)
{
	struct pollfd ready[FDS];
	int turns = 0, left = n - 1, greedy;
	connect_clients(n);
	greedy = connections[0];
	want(greedy, POLLIN | POLLOUT);
	for (int i = 0; i < 50; i++) /* let it take its place */
		if (turn(ready, FDS, 1000) > 0 && ready[0].fd == greedy)
			want(greedy, POLLIN | POLLOUT);
	for (int i = 1; i < n; i++)
		ask(i);
	for (; left > 0; turns++) {
		int m = turn(ready, FDS, 10000);
		check(m > 0, "nothing is ready");
		for (int i = 0; i < m; i++) {
			char byte;
			if (ready[i].fd == greedy)
				want(greedy, POLLIN | POLLOUT);
			else if (read(ready[i].fd, &byte, 1) == 1)
				left--;
		}
	}
	printf("all began\n");
	fprintf(stderr, "turns %d\n", turns);
}

/* What was ready is changed, deregistered or closed before the server waits: turn_epoll finds what is stale. */
static void mode_stale(int n)
{
	struct pollfd ready[FDS];
	int counts[2] = {0, 0};
	connect_clients(n);
	for (int round = 0; round < 2000; round++) {
		int i = rand() % n, fd = connections[i], how = rand() % 8;
		char buf[64];
		if (how < 3)
			ask(i);
		if (how == 3 || how == 4)
			want(fd, POLLIN | POLLOUT);
		if (how == 5) {
			want(fd, 0);
			want(fd, rand() % 2 ? POLLOUT : POLLIN);
		}
		if (how == 6) { /* the number comes back, as another connection */
			if (!is_epoll() || rand() % 2)
				want(fd, 0);
			wanted[fd] = 0;
			close(fd);
			close(clients[i]);
			clients[i] = dial();
			connections[i] = take();
			want(connections[i], POLLIN);
		}
		if (how == 7) {
			int client = dial(), taken = take();
			if (!is_epoll())
				want(fd, 0);
			wanted[fd] = 0;
			check((rand() % 2 ? dup2(taken, fd) : dup3(taken, fd, O_CLOEXEC)) == fd, "dup2");
			close(taken);
			close(clients[i]);
			clients[i] = client;
			want(fd, POLLIN);
		}
		if (rand() % 3)
			continue;
		int m = turn(ready, FDS, 0);
		check(m >= 0, "waiting failed");
		for (int j = 0; j < m; j++) {
			check(is_one_of(ready[j].fd, connections, n), "an event of something else");
			check((wanted[ready[j].fd] & ready[j].revents) != 0, "an event not wanted");
			if (ready[j].revents & POLLIN)
				check(read(ready[j].fd, buf, sizeof(buf)) > 0, "an event without a request");
			if (ready[j].revents & POLLOUT)
				want(ready[j].fd, POLLIN);
			counts[!!(ready[j].revents & POLLOUT)]++;
		}
	}
	printf("none is stale\n");
	fprintf(stderr, "read %d\nwrite %d\n", counts[0], counts[1]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int n);
	} modes[] = {
		{"finish", mode_finish}, {"fair", mode_fair},   {"urgent", mode_urgent},
		{"greedy", mode_greedy}, {"stale", mode_stale}, {"holds", mode_holds},
	};
	check(argc == 4 || argc == 5, "usage: server WAY MODE N [KEPT]");
	n_kept = argc == 5 ? atoi(argv[4]) : 0;
	way = argv[1];
	signal(SIGPIPE, SIG_IGN);
	alarm(200);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[2], modes[i].name) == 0) {
			modes[i].run(atoi(argv[3]));
			return 0;
		}
	check(0, "no such mode");
}
