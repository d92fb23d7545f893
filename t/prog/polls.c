/*
 * What programs do with poll and select that is out of the ordinary: each mode says what it saw, which must be the same
 * under the library as without it.
 *
 *	polls signals WAY      a signal that is let in while waiting, when what was ready before is so no more
 *	polls fair WAY NUMBER  connections that are always ready, and so many eventfds that are, too: does each of the
 *	                       former have its turn, and is any of the latter left out twice?
 *
 * The way is ppoll or pselect.
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
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS      40
#define ROUNDS     20
#define OTHERS_MAX 800
#define TURNS      250 /* more than twice what it takes four of PAIRS at a time, in one turn of nine */

static int near[PAIRS], far[PAIRS]; /* ends of connections; the near ones were accepted */

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

/* What is waited for: half of the connections, the others, the rest of the connections. */
static int waited[PAIRS + OTHERS_MAX], n_waited;
static int is_told[PAIRS + OTHERS_MAX];

static void wait_for(int n_others)
{
	for (int i = 0; i < PAIRS / 2; i++)
		waited[n_waited++] = near[i];
	for (int i = 0; i < n_others; i++) {
		waited[n_waited] = eventfd(1, 0);
		check(waited[n_waited++] >= 0, "no eventfd");
	}
	for (int i = PAIRS / 2; i < PAIRS; i++)
		waited[n_waited++] = near[i];
}

static int by_ppoll(const struct timespec *time, const sigset_t *mask)
{
	static struct pollfd fds[PAIRS + OTHERS_MAX];
	for (int i = 0; i < n_waited; i++)
		fds[i] = (struct pollfd){.fd = waited[i], .events = POLLIN};
	int n = ppoll(fds, (nfds_t)n_waited, time, mask);
	for (int i = 0; i < n_waited; i++)
		is_told[i] = n > 0 && fds[i].revents != 0;
	return n;
}

static int by_pselect(const struct timespec *time, const sigset_t *mask)
{
	fd_set reads;
	FD_ZERO(&reads);
	for (int i = 0; i < n_waited; i++)
		FD_SET(waited[i], &reads);
	int n = pselect(FD_SETSIZE, &reads, NULL, NULL, time, mask);
	for (int i = 0; i < n_waited; i++)
		is_told[i] = n > 0 && FD_ISSET(waited[i], &reads);
	return n;
}

/* Waits until something can be read, for a second at most. */
static int wait_by(const char *way, const sigset_t *mask)
{
	const struct timespec second = {1, 0};
	if (strcmp(way, "ppoll") == 0)
		return by_ppoll(&second, mask);
	check(strcmp(way, "pselect") == 0, "no such way");
	return by_pselect(&second, mask);
}

static void ask_all(void)
{
	for (int i = 0; i < PAIRS; i++)
		check(write(far[i], "?", 1) == 1, "cannot ask");
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
	wait_for(0);
	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		ask_all();
		check(wait_by(way, &usr1) > 0, "nothing to read");
		for (int i = 0; i < PAIRS; i++)
			check(read(near[i], &byte, 1) == 1, "cannot read");
		kill(getpid(), SIGUSR1);
		check(wait_by(way, &none) == -1 && errno == EINTR, "not interrupted");
	}
	printf("%d signals\n", n_signals);
}

static void mode_fair(const char *way, int n_others)
{
	static int n_told[PAIRS + OTHERS_MAX], left_out[PAIRS + OTHERS_MAX];
	int n_without = 0, most_left_out = 0;
	connect_pairs();
	wait_for(n_others);
	ask_all();
	for (int turn = 0; turn < TURNS; turn++) {
		check(wait_by(way, NULL) > 0, "nothing to read");
		for (int i = 0; i < n_waited; i++) {
			n_told[i] += is_told[i];
			left_out[i] = is_told[i] ? 0 : left_out[i] + 1;
			if (i >= PAIRS / 2 && i < PAIRS / 2 + n_others && left_out[i] > most_left_out)
				most_left_out = left_out[i];
		}
	}
	for (int i = 0; i < n_waited; i++)
		n_without += n_told[i] == 0;
	printf("%d without a turn, others left out twice: %s\n", n_without, most_left_out > 1 ? "yes" : "no");
}

int main(int argc, char **argv)
{
	alarm(200);
	if (argc == 3 && strcmp(argv[1], "signals") == 0)
		mode_signals(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "fair") == 0 && atoi(argv[3]) <= OTHERS_MAX)
		mode_fair(argv[2], atoi(argv[3]));
	else
		check(0, "usage: polls signals ppoll|pselect, or polls fair ppoll|pselect NUMBER");
	return 0;
}
