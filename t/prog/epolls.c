/*
 * What programs do with epoll that is out of the ordinary: each mode says what it saw, which must be the same under the
 * library as without it.
 *
 *	epolls MODE
 */
#define _GNU_SOURCE
#include "epolls.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void mode_triggered(uint32_t how)
{
	int turns, seen;
	connect_pairs(EPOLLIN | how);
	ask_all();
	seen = drain(0, &turns);
	printf("unread: %d events\n", seen);
	for (int i = 0; i < PAIRS && how & EPOLLONESHOT; i++)
		want(EPOLL_CTL_MOD, i, EPOLLIN | how);
	if (!(how & EPOLLONESHOT))
		ask_all();
	seen = drain(1, &turns);
	printf("asked again: %d events\n", seen);
}

static void mode_edge(void)
{
	mode_triggered(EPOLLET);
}

static void mode_oneshot(void)
{
	mode_triggered(EPOLLONESHOT);
}

/* Bad calls, before and after the instance is known to be one that is waited on. */
static void mode_errors(void)
{
	struct epoll_event event = {.events = EPOLLIN}, events[4];
	volatile int minus = -1; /* so that the compiler does not know that these are mistakes */
	void *volatile bad = (void *)8;
	int zero = open("/dev/zero", O_RDONLY);
	connect_pairs(EPOLLIN | EPOLLOUT);
	for (int round = 0; round < 2; round++) {
		int results[] = {
			epoll_wait(-1, events, 4, 0),
			errno,
			epoll_wait(zero, events, 4, 0),
			errno,
			epoll_wait(epoll, events, 0, 0),
			errno,
			epoll_wait(epoll, events, minus, 0),
			errno,
			epoll_wait(1 << 21, events, 4, 0),
			errno,
			epoll_wait(epoll, bad, 4, 0),
			errno,
			epoll_pwait(epoll, events, 0, 0, NULL),
			errno,
			epoll_pwait2(epoll, events, 0, NULL, NULL),
			errno,
			epoll_ctl(epoll, EPOLL_CTL_ADD, near[0], &event),
			errno,
			epoll_ctl(epoll, EPOLL_CTL_MOD, far[0], &event),
			errno,
			epoll_ctl(epoll, EPOLL_CTL_DEL, -1, NULL),
			errno,
			epoll_ctl(-1, EPOLL_CTL_ADD, near[0], &event),
			errno,
			epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event),
			errno,
			epoll_ctl(epoll, 99, near[0], &event),
			errno,
			epoll_create(0),
			errno,
			epoll_create1(99),
			errno,
			close(-1),
			errno,
			close(1 << 21),
			errno,
			dup2(-1, near[0]),
			errno,
			dup3(near[0], near[0], 0),
			errno,
			accept(-1, NULL, NULL),
			errno,
			poll(bad, 100, 0),
			errno,
			select(-1, NULL, NULL, NULL, NULL),
			errno,
		};
		for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
			printf("%d%c", results[i], i % 2 ? '\n' : ' ');
		errno = 77;
		printf("%d events\n", epoll_wait(epoll, events, 1, 0));
		check(errno == 77, "errno is not kept");
	}
}

static volatile int n_signals;

static void on_signal(int number)
{
	(void)number;
	n_signals++;
}

static void mode_signals(void)
{
	struct epoll_event events[PAIRS];
	sigset_t usr1, none;
	connect_pairs(EPOLLIN);
	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (int round = 0; round < 100; round++) {
		kill(getpid(), SIGUSR1);
		check(epoll_pwait(epoll, events, PAIRS, 10000, &none) == -1 && errno == EINTR, "not interrupted");
	}
	printf("%d signals\n", n_signals);
}

/* Every kind of child that uses descriptors; then the parent goes on. */
static void mode_children(void)
{
	int turns, status;
	connect_pairs(EPOLLIN | EPOLLOUT);
	check(epoll_wait(epoll, (struct epoll_event[PAIRS]){{0}}, PAIRS, 0) > 0, "nothing is ready");
	pid_t child = vfork();
	if (child == 0) {
		close(epoll);
		close(near[0]);
		dup2(1, near[1]);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0, "vfork");
	child = fork();
	if (child == 0) {
		struct epoll_event events[PAIRS];
		check(epoll_wait(epoll, events, PAIRS, 0) > 0, "the child's is not ready");
		closefrom(3);
		connect_pairs(EPOLLIN);
		ask_all();
		check(drain(1, &turns) == PAIRS, "the child's own is not ready");
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0, "fork");
	for (int i = 0; i < PAIRS; i++)
		want(EPOLL_CTL_MOD, i, EPOLLIN);
	ask_all();
	printf("parent: %d events\n", drain(1, &turns));
}

/* Daemons close everything; what they open then has the same numbers. */
static void mode_close_all(void)
{
	int turns;
	for (int round = 0; round < 3; round++) {
		connect_pairs(EPOLLIN);
		ask_all();
		printf("%d events\n", drain(1, &turns));
		if (round == 0)
			closefrom(3);
		else if (round == 1)
			check(close_range(3, ~0u, 0) == 0, "close_range");
		else
			for (int fd = 3; fd < 1024; fd++)
				close(fd);
	}
	check(epoll_wait(epoll, (struct epoll_event[1]){{0}}, 1, 0) < 0 && errno == EBADF, "it is still open");
}

/* More instances than are looked at, one in another, and a descriptor in two. */
static void mode_instances(void)
{
	int turns, others[100];
	connect_pairs(EPOLLIN);
	for (int i = 0; i < 100; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got;
		others[i] = epoll_create(1);
		check(epoll_ctl(others[i], EPOLL_CTL_ADD, epoll, &event) == 0, "cannot nest");
		check(epoll_wait(others[i], &got, 1, 0) == 0, "ready too early");
	}
	ask_all();
	for (int i = 0; i < 100; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = 8}, got[3];
		check(epoll_wait(others[i], got, 3, 1000) == 1 && got[0].data.u32 == 7, "not ready");
		check(epoll_ctl(others[i], EPOLL_CTL_ADD, near[0], &event) == 0, "cannot share");
		check(epoll_wait(others[i], got, 3, 1000) == 2, "the shared one is not ready");
		close(others[i]);
	}
	printf("%d events\n", drain(1, &turns));
}

/*
 * Level-triggered connections, and beside them an eventfd and a connection for edges, and a timer that fires once: each
 * way tells of what it tells of by itself.
 */
static void mode_mixed(void)
{
	enum { EVENT = 1000, TIMER, EDGE = PAIRS - 1 };
	int seen[TIMER + 1] = {0}, event = eventfd(0, EFD_NONBLOCK),
			 timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct epoll_event once = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = TIMER};
	struct epoll_event edge = {.events = EPOLLIN | EPOLLET, .data.u32 = EVENT};
	struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	uint64_t one = 1;
	connect_pairs(0);
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &edge) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &once) == 0,
	      "cannot register");
	for (int i = 0; i < PAIRS; i++)
		want(EPOLL_CTL_ADD, i, i == EDGE ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN);
	for (int round = 0; round < 50; round++) {
		struct epoll_event events[PAIRS * 2];
		int n;
		ask_all();
		check(write(event, &one, sizeof(one)) == sizeof(one), "eventfd");
		check(timerfd_settime(timer, 0, &soon, NULL) == 0, "timerfd");
		usleep(100);
		while ((n = epoll_wait(epoll, events, PAIRS * 2, 20)) > 0)
			for (int i = 0; i < n; i++) {
				uint32_t at = events[i].data.u32;
				char byte;
				seen[at]++;
				if (at < EDGE && events[i].events & EPOLLOUT)
					want(EPOLL_CTL_MOD, (int)at, EPOLLIN);
				else if (at < PAIRS && read(near[at], &byte, 1) == 1 && at != EDGE)
					want(EPOLL_CTL_MOD, (int)at, EPOLLIN | EPOLLOUT);
			}
		if (round % 2)
			check(epoll_ctl(epoll, EPOLL_CTL_MOD, timer, &once) == 0, "cannot arm again");
	}
	printf("%d for a connection, %d for edges, %d of the eventfd, %d of the timer\n", seen[0], seen[EDGE],
	       seen[EVENT], seen[TIMER]);
}

/* Only the calls that the loop makes itself are allowed from now on; any other ends the process. */
static void forbid_the_rest(void)
{
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_epoll_wait),
		ALLOW(SYS_epoll_ctl),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_close),
		ALLOW(SYS_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "no seccomp");
}

static void mode_seccomp(void)
{
	struct epoll_event events[PAIRS];
	int answers = 0;
	char byte;
	connect_pairs(EPOLLIN);
	forbid_the_rest();
	for (int round = 0; round < 500; round++) {
		ask_all();
		for (int left = PAIRS; left > 0;) {
			int n = epoll_wait(epoll, events, PAIRS, 10000);
			check(n > 0, "nothing is ready");
			for (int i = 0; i < n; i++) {
				int at = (int)events[i].data.u32;
				if (events[i].events & EPOLLOUT) {
					want(EPOLL_CTL_MOD, at, EPOLLIN);
					answers++;
					left--;
				} else {
					check(read(near[at], &byte, 1) == 1, "nothing to read");
					want(EPOLL_CTL_MOD, at, EPOLLIN | EPOLLOUT);
				}
			}
		}
	}
	close(epoll);
	check(answers == 500 * PAIRS && write(1, "allowed\n", 8) == 8, "not all were answered");
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {
		{"edge", mode_edge},           {"oneshot", mode_oneshot},     {"errors", mode_errors},
		{"threads", mode_threads},     {"cancel", mode_cancel},       {"signals", mode_signals},
		{"children", mode_children},   {"close-all", mode_close_all}, {"instances", mode_instances},
		{"seccomp", mode_seccomp},     {"mixed", mode_mixed},         {"shared", mode_shared},
		{"exclusive", mode_exclusive},
	};
	check(argc == 2, "usage: epolls MODE");
	alarm(200);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run();
			return 0;
		}
	check(0, "no such mode");
}
