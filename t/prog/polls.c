/*
 * What programs do with poll and select that is out of the ordinary: each mode says what it saw, which must be the same
 * under the library as without it.
 *
 *	polls signals WAY      a signal that is let in while waiting, when what was ready before is so no more
 *	polls fair WAY NUMBER  connections that are always ready, and so many eventfds that are, too: does each of the
 *	                       former have its turn, and is any of the latter left out twice?
 *	polls bad              arrays, sets and counts that the kernel refuses, and ones that it takes in spite of all;
 *by all ways, of epoll, too
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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* Where nothing is; where nothing can be written; and what is followed by nothing. */
static char *nowhere, *fixed, *brink;

#define PAGE      4096
#define FILES_MAX 400 /* so many entries may be waited for */

static char *page(int protection)
{
	char *at = mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(at != MAP_FAILED, "no memory");
	return at;
}

static void make_pages(void)
{
	char *both = mmap(NULL, 2l * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(both != MAP_FAILED && mprotect(both + PAGE, PAGE, PROT_NONE) == 0, "no memory");
	brink = both + PAGE;
	fixed = page(PROT_READ);
	nowhere = page(PROT_NONE);
	check(munmap(nowhere, PAGE) == 0, "no page");
}

/* How many there are depends on the order. */
static void say(const char *what, int n)
{
	if (n < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %s\n", what, n > 0 ? "events" : "none");
}

static const struct timespec no_time = {0, 0};
static int is_masked; /* by the variants that take a signal mask */

/* What the compiler knew of the arguments of these it would refuse. */

static __attribute__((noipa)) int any_poll(void *fds, nfds_t count)
{
	return is_masked ? ppoll(fds, count, &no_time, NULL) : poll(fds, count, 0);
}

static __attribute__((noipa)) int any_select(int count, void *reads, void *writes)
{
	struct timeval time = {0, 0};
	return is_masked ? pselect(count, reads, writes, NULL, &no_time, NULL)
			 : select(count, reads, writes, NULL, &time);
}

static struct pollfd *set_entries(struct pollfd *fds)
{
	for (int i = 0; i < PAIRS; i++)
		fds[i] = (struct pollfd){.fd = near[i], .events = POLLIN};
	return fds;
}

static void bad_polls(void)
{
	static struct pollfd many[FILES_MAX + 1];
	struct pollfd *last = (struct pollfd *)brink - PAIRS;
	for (int i = 0; i <= FILES_MAX; i++)
		many[i].fd = -1;
	say("poll nowhere", any_poll(nowhere, PAIRS));
	for (int round = 0; round < 3; round++) {
		say("poll", any_poll(set_entries(many), PAIRS));
		say("poll again", any_poll(set_entries(many), PAIRS));
		say("poll nowhere", any_poll(nowhere, PAIRS));
		say("poll at 8", any_poll((char *)8, PAIRS));
		say("poll what is fixed", any_poll(fixed, PAIRS));
		say("poll the brink", any_poll(set_entries(last), PAIRS));
		say("poll beyond the brink", any_poll(set_entries(last), PAIRS + 1));
		say("poll far beyond the brink", any_poll(last, FILES_MAX));
		say("poll too many", any_poll(set_entries(many), FILES_MAX + 1));
		say("poll much too many", any_poll(many, 1u << 31));
		say("poll what is many in 64 bits", any_poll(set_entries(many), (1ul << 32) + PAIRS));
	}
}

static fd_set *set_bits(void *at)
{
	fd_set *set = at;
	FD_ZERO(set);
	for (int i = 0; i < PAIRS; i++)
		FD_SET(near[i], set);
	return set;
}

static void bad_selects(void)
{
	fd_set reads;
	fd_set *last = (fd_set *)brink - 1;
	say("select nowhere", any_select(FD_SETSIZE, nowhere, NULL));
	for (int round = 0; round < 3; round++) {
		say("select", any_select(FD_SETSIZE, set_bits(&reads), NULL));
		say("select again", any_select(FD_SETSIZE, set_bits(&reads), NULL));
		say("select nowhere", any_select(FD_SETSIZE, nowhere, NULL));
		say("select to write to nowhere", any_select(FD_SETSIZE, set_bits(&reads), nowhere));
		say("select at 8", any_select(FD_SETSIZE, (char *)8, NULL));
		say("select what is fixed", any_select(FD_SETSIZE, fixed, NULL));
		say("select the brink", any_select(FD_SETSIZE, set_bits(last), NULL));
		say("select beyond the brink", any_select(100000, set_bits(last), NULL));
		say("select less than nothing", any_select(-1, set_bits(&reads), NULL));
	}
}

static __attribute__((noipa)) int any_epoll(int epoll, void *events, int max)
{
	return is_masked ? epoll_pwait2(epoll, events, max, &no_time, NULL) : epoll_wait(epoll, events, max, 0);
}

static void bad_epolls(void)
{
	struct epoll_event events[PAIRS];
	int epoll = epoll_create1(0);
	for (int i = 0; i < PAIRS; i++) {
		struct epoll_event event = {.events = i % 2 ? EPOLLIN : EPOLLIN | EPOLLOUT, .data.fd = i};
		check(epoll_ctl(epoll, EPOLL_CTL_ADD, near[i], &event) == 0, "epoll_ctl");
	}
	say("epoll_ctl from nowhere", epoll_ctl(epoll, EPOLL_CTL_MOD, near[0], (struct epoll_event *)nowhere));
	say("epoll nowhere", any_epoll(epoll, nowhere, PAIRS));
	for (int round = 0; round < 3; round++) {
		say("epoll", any_epoll(epoll, events, PAIRS));
		say("epoll nowhere", any_epoll(epoll, nowhere, PAIRS));
		say("epoll at 8", any_epoll(epoll, (char *)8, PAIRS));
		say("epoll what is fixed", any_epoll(epoll, fixed, PAIRS));
		say("epoll the brink", any_epoll(epoll, (struct epoll_event *)brink - 1, PAIRS));
		say("epoll less than nothing", any_epoll(epoll, events, -1));
		say("epoll too many", any_epoll(epoll, events, 1 << 30));
	}
	close(epoll);
}

static void mode_bad(void)
{
	const struct rlimit files = {FILES_MAX, FILES_MAX};
	make_pages();
	connect_pairs();
	ask_all();
	check(setrlimit(RLIMIT_NOFILE, &files) == 0, "no limit");
	for (is_masked = 0; is_masked < 2; is_masked++) {
		bad_polls();
		bad_selects();
		bad_epolls();
	}
}

int main(int argc, char **argv)
{
	alarm(200);
	if (argc == 2 && strcmp(argv[1], "bad") == 0)
		mode_bad();
	else if (argc == 3 && strcmp(argv[1], "signals") == 0)
		mode_signals(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "fair") == 0 && atoi(argv[3]) <= OTHERS_MAX)
		mode_fair(argv[2], atoi(argv[3]));
	else
		check(0, "usage: polls bad, polls signals ppoll|pselect, or polls fair ppoll|pselect NUMBER");
	return 0;
}
