/*
 * What programs do with poll and select that is out of the ordinary: each mode says what it saw, which must be the same
 * under the library as without it.
 *
 *	polls signals ppoll|pselect   a signal that is let in while waiting, when what was ready before is so no more
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS  40
#define ROUNDS 20

static int near[PAIRS], far[PAIRS]; /* ends of connections; the near ones were accepted */

static void check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "polls: %s (errno %d)\n", what, errno);
	abort();
}

static void connect_pairs(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, PAIRS) == 0, "cannot listen");
	check(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "no name");
	for (int i = 0; i < PAIRS; i++) {
		far[i] = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(far[i], (struct sockaddr *)&address, sizeof(address)) == 0, "cannot connect");
		near[i] = accept(listener, NULL, NULL);
		check(near[i] >= 0, "cannot accept");
	}
	close(listener);
}

/* Waits until something can be read, for a second at most. */
static int wait_by(const char *way, const sigset_t *mask)
{
	const struct timespec second = {1, 0};
	struct pollfd fds[PAIRS];
	fd_set reads;
	FD_ZERO(&reads);
	for (int i = 0; i < PAIRS; i++) {
		fds[i] = (struct pollfd){.fd = near[i], .events = POLLIN};
		FD_SET(near[i], &reads);
	}
	if (strcmp(way, "ppoll") == 0)
		return ppoll(fds, PAIRS, &second, mask);
	check(strcmp(way, "pselect") == 0, "no such way");
	return pselect(FD_SETSIZE, &reads, NULL, NULL, &second, mask);
}

static volatile int n_signals;

static void on_signal(int number)
{
	(void)number;
	n_signals++;
}

static void mode_signals(const char *way)
{
	sigset_t usr1, none;
	char byte;
	connect_pairs();
	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PAIRS; i++)
			check(write(far[i], "?", 1) == 1, "cannot ask");
		check(wait_by(way, &usr1) > 0, "nothing to read");
		for (int i = 0; i < PAIRS; i++)
			check(read(near[i], &byte, 1) == 1, "cannot read");
		kill(getpid(), SIGUSR1);
		check(wait_by(way, &none) == -1 && errno == EINTR, "not interrupted");
	}
	printf("%d signals\n", n_signals);
}

int main(int argc, char **argv)
{
	check(argc == 3 && strcmp(argv[1], "signals") == 0, "usage: polls signals ppoll|pselect");
	alarm(50);
	mode_signals(argv[2]);
	return 0;
}
