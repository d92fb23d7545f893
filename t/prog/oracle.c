/*
 * A server that knows what it should be told: connections, pipes and pairs of sockets at random, whose other ends are
 * its own, so that it can ask the kernel about each by itself. An event must be of a descriptor that is open, one that
 * was asked for, and so at this moment; something must be told where anything is ready; and what stays ready is told
 * some time.
 *
 *	oracle WAY STEPS SEED
 *
 * WAY: as of ways.h. It says on stderr, as NAME VALUE, how many events there were, and for how many waits in a row one
 * that was ready was not told, at most (waited).
 */
#define _GNU_SOURCE
#include "ways.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define SOURCES 120
#define ACTIONS 30u /* between two waits, at most */

struct source {
	int near, far; /* far: -1 once that is closed */
	int passed_over;
};

static struct source sources[SOURCES];
static struct source *source_of[FDS]; /* by descriptor */
static int listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len = sizeof(address);

static unsigned below(unsigned n)
{
	return (unsigned)random() % n;
}

/* What the kernel says of it, in the way's own terms, without libc's function in between. */
static short state_of(int fd)
{
	struct pollfd entry = {.fd = fd, .events = wanted[fd]};
	int broken = POLLHUP | POLLERR;
	if (wanted[fd] == 0)
		return 0;
	check(syscall(SYS_poll, &entry, 1, 0) >= 0, "cannot ask");
	if (strstr(way, "select") == NULL)
		return entry.revents;
	return (short)(wanted[fd] & ((entry.revents & (POLLIN | broken) ? POLLIN : 0) |
				     (entry.revents & (POLLOUT | POLLERR) ? POLLOUT : 0)));
}

static void listen_somewhere(void)
{
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0, "bind"); /* to any name */
	check(getsockname(listener, (struct sockaddr *)&address, &address_len) == 0, "getsockname");
	check(listen(listener, SOURCES) == 0, "listen");
}

static void want_something(struct source *source)
{
	static const short masks[] = {POLLIN, POLLIN, POLLIN, POLLOUT, POLLIN | POLLOUT};
	want(source->near, masks[below(sizeof(masks) / sizeof(*masks))]);
}

static void begin(struct source *source)
{
	int ends[2];
	if (below(5) != 0) {
		ends[1] = socket(AF_UNIX, SOCK_STREAM, 0);
		check(connect(ends[1], (struct sockaddr *)&address, address_len) == 0, "connect");
		ends[0] = accept(listener, NULL, NULL);
	} else if (below(2) == 0) {
		check(pipe(ends) == 0, "pipe");
	} else {
		check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	}
	check(ends[0] >= 0 && ends[0] < FDS, "no descriptor");
	check(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0, "fcntl");
	*source = (struct source){.near = ends[0], .far = ends[1]};
	source_of[ends[0]] = source;
	want_something(source);
}

/* In each of the ways in which a descriptor goes; epoll forgets it by itself. */
static void end(struct source *source)
{
	int fd = source->near, other;
	if (below(2) == 0)
		want(fd, 0);
	wanted[fd] = 0;
	source_of[fd] = NULL;
	if (source->far >= 0)
		close(source->far);
	switch (below(3)) {
	case 0:
		check(close_range((unsigned)fd, (unsigned)fd, 0) == 0, "close_range");
		break;
	case 1:
		other = open("/dev/null", O_RDONLY);
		check(other >= 0 && dup2(other, fd) == fd && close(other) == 0, "dup2");
		close(fd);
		break;
	default:
		close(fd);
	}
}

static void act(struct source *source)
{
	char bytes[512];
	switch (below(40)) {
	case 0:
		end(source);
		begin(source);
		break;
	case 1:
		if (source->far >= 0)
			close(source->far);
		source->far = -1;
		break;
	case 2:
	case 3:
	case 4:
		want_something(source);
		break;
	default:
		if (below(2) == 0)
			(void)!read(source->near, bytes, below(2) == 0 ? 1 : sizeof(bytes));
		else if (source->far >= 0)
			(void)!write(source->far, "ask", 3);
	}
}

static void take(const struct pollfd *ready)
{
	char bytes[64];
	struct source *source = source_of[ready->fd];
	check(source != NULL, "an event of what is closed");
	check((ready->revents & state_of(ready->fd)) != 0, "an event of what is not ready");
	source->passed_over = 0;
	if (ready->revents & POLLIN && below(3) != 0)
		(void)!read(ready->fd, bytes, sizeof(bytes));
}

/* Before a wait. Returns whether something is ready. */
static bool pass_over(int *most)
{
	bool is_any = false;
	for (int i = 0; i < SOURCES; i++) {
		bool is_ready = state_of(sources[i].near) != 0;
		sources[i].passed_over = is_ready ? sources[i].passed_over + 1 : 0;
		*most = sources[i].passed_over > *most ? sources[i].passed_over : *most;
		is_any |= is_ready;
	}
	return is_any;
}

int main(int argc, char **argv)
{
	struct pollfd ready[FDS];
	int most = 0, n_events = 0;
	check(argc == 4, "usage: oracle WAY STEPS SEED");
	way = argv[1];
	srandom((unsigned)atoi(argv[3]));
	signal(SIGPIPE, SIG_IGN);
	alarm(200);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	listen_somewhere();
	for (int i = 0; i < SOURCES; i++)
		begin(&sources[i]);
	for (int step = atoi(argv[2]); step > 0; step--) {
		for (unsigned actions = below(ACTIONS); actions > 0; actions--)
			act(&sources[below(SOURCES)]);
		bool is_any = pass_over(&most);
		int n = turn(ready, SOURCES, 0);
		check(n > 0 || !is_any, "nothing is told");
		for (int i = 0; i < n; i++)
			take(&ready[i]);
		n_events += n;
	}
	printf("all as it should be\n");
	fprintf(stderr, "events %d\nwaited %d\n", n_events, most);
	return 0;
}
