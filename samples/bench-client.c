/*
 * The benchmark's client: a fixed number of connections, each of which sends its next request as soon as it has the
 * answer to the last. It keeps them while it is told to wait, so that servers that are compared can be loaded in turn.
 *
 *	bench-client PORT CONNECTIONS GROUP (REQUEST-FILE ANSWER-BYTES)...
 *
 * GROUP: the server's process group, whose processor time is told; 0: none
 * REQUEST-FILE: the bytes of a request; with several, each connection sends them in turn
 * ANSWER-BYTES: the length of its answer; 0: it is HTTP, and says so itself
 *
 * It prints a line when all connections are made. Then each line of standard input, "LEAD SECONDS [ANSWERS]", loads the
 * server for LEAD seconds that do not count and SECONDS that do, or until so many answers have been counted; when the
 * last answer has come, a line of JSON says what was seen. A server may close a connection between two requests; it is
 * made anew.
 */
#define _GNU_SOURCE
#include "bench-histogram.h"
#include "bench-usage.h"
#include "number.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS      1024
#define ERRORS_MOST 1000
#define REQUESTS    16
#define HEAD        2048 /* bytes of an HTTP answer's head, at most */
#define CONNECTING  64   /* at a time: a server's queue of new connections is short */
#define PATIENCE    60.0 /* seconds for connections, and for the last answers */
#define SECOND      UINT64_C(1000000000)

struct request {
	char *text;
	size_t length;
	size_t answer; /* bytes; 0: HTTP */
};

struct connection {
	int fd;
	bool is_connecting;
	bool is_new;     /* there has been no answer on it */
	bool is_waiting; /* for an answer */
	bool has_head;
	bool is_last;     /* the server will close it behind this answer */
	unsigned request; /* the next one, or the one under way */
	size_t left;      /* bytes of the answer, once they are known */
	size_t n_head;
	uint64_t sent; /* when, ns */
	char *head;    /* an answer's head that came in pieces; NULL: none did */
};

static struct request requests[REQUESTS];
static unsigned n_requests;
static struct connection *connections;
static unsigned long n_connections;
static struct sockaddr_in address = {.sin_family = AF_INET};
static int epoll;

static bool is_loading; /* answers are followed by requests */
static bool is_counting;
static unsigned long n_connecting, n_waiting;

/* What is told of the time that counts. */
static uint64_t errors, reopened;
static uint64_t all; /* answers since the start, whether they count or not */
static struct histogram answers;

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void connect_anew(struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
	int one = 1;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		err(1, "socket");
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS)
		err(1, "connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event))
		err(1, "epoll_ctl");
	connection->is_connecting = connection->is_new = true;
	n_connecting++;
}

/* The connection is of no use any more; error: what should not have happened; NULL: all is well. */
static void reopen(struct connection *connection, const char *error)
{
	errors += error != NULL;
	reopened += error == NULL;
	close(connection->fd);
	n_waiting -= connection->is_waiting;
	n_connecting -= connection->is_connecting;
	connection->is_waiting = connection->is_connecting = false;
	if (errors > ERRORS_MOST)
		errx(1, "the server on port %d fails too often: %s", ntohs(address.sin_port), error);
	connect_anew(connection);
}

/* Requests are small, and sent when nothing else is under way: the socket takes them whole. */
static void send_request(struct connection *connection)
{
	const struct request *request = &requests[connection->request];
	connection->is_waiting = true;
	connection->has_head = request->answer != 0;
	connection->left = request->answer;
	connection->n_head = 0;
	connection->sent = now();
	n_waiting++;
	if (send(connection->fd, request->text, request->length, MSG_NOSIGNAL) != (ssize_t)request->length)
		reopen(connection, errno == EPIPE || errno == ECONNRESET ? NULL : "a request cannot be sent");
}

static void end_answer(struct connection *connection)
{
	connection->is_waiting = connection->is_new = false;
	n_waiting--;
	all++;
	if (is_counting)
		histogram_add(&answers, now() - connection->sent);
	connection->request = (connection->request + 1) % n_requests;
	if (connection->is_last)
		reopen(connection, NULL);
	else if (is_loading)
		send_request(connection);
}

/* The length of the head, or 0: it is not complete. Sets what is left behind it; SIZE_MAX: nobody knows, or it is no
 * success. */
static size_t read_head(struct connection *connection, const char *text, size_t n)
{
	const char *end = memmem(text, n, "\r\n\r\n", 4);
	if (!end)
		return 0;
	connection->left = SIZE_MAX;
	connection->is_last = false;
	if (n < 12 || memcmp(text, "HTTP/1.", 7) != 0 || memcmp(text + 8, " 200", 4) != 0)
		return (size_t)(end + 4 - text);
	for (const char *line = text; line < end;
	     line = (const char *)memmem(line, (size_t)(end + 2 - line), "\r\n", 2) + 2) {
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			connection->left = strtoul(line + 15, NULL, 10);
		else if (strncasecmp(line, "Connection: close", 17) == 0)
			connection->is_last = true;
	}
	return (size_t)(end + 4 - text);
}

/* Takes up to n bytes, of the head of an answer. Returns how many; 0: this will not do. */
static size_t take_head(struct connection *connection, const char *text, size_t n)
{
	size_t before = connection->n_head;
	if (before > 0 || !memmem(text, n, "\r\n\r\n", 4)) {
		if (!connection->head && !(connection->head = malloc(HEAD)))
			err(1, "no memory");
		size_t more = n < HEAD - before ? n : HEAD - before;
		memcpy(connection->head + before, text, more);
		connection->n_head += more;
		text = connection->head;
		n = connection->n_head;
	}
	size_t length = read_head(connection, text, n);
	if (length == 0)
		return n < HEAD ? n - before : 0;
	connection->has_head = true;
	return connection->left != SIZE_MAX ? length - before : 0;
}

static void take(struct connection *connection, const char *text, size_t n)
{
	while (n > 0 && connection->is_waiting) {
		size_t taken = connection->left < n ? connection->left : n;
		if (!connection->has_head) {
			taken = take_head(connection, text, n);
			if (taken == 0)
				break;
		} else {
			connection->left -= taken;
		}
		text += taken;
		n -= taken;
		if (connection->has_head && connection->left == 0) {
			if (n > 0)
				break;
			end_answer(connection);
			return;
		}
	}
	if (n > 0)
		reopen(connection, connection->is_waiting ? "an answer that is none" : "more than was asked for");
}

/*
 * Where connections come faster than the server accepts them, the kernel runs out of places in its queue, and resets
 * some of them later on: such a one is no server's fault, and is made anew.
 */
static void read_answer(struct connection *connection)
{
	static char text[256 * 1024];
	ssize_t n = recv(connection->fd, text, sizeof(text), 0);
	if (n > 0)
		take(connection, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		reopen(connection, connection->is_waiting && (connection->n_head > 0 || (n < 0 && !connection->is_new))
					   ? "an answer breaks off"
					   : NULL);
}

static void end_connecting(struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int failed = 0;
	socklen_t size = sizeof(failed);
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
	if (failed) {
		reopen(connection, "a connection is refused");
		return;
	}
	connection->is_connecting = false;
	n_connecting--;
	if (epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event))
		err(1, "epoll_ctl");
	if (is_loading)
		send_request(connection);
}

static void turn(int milliseconds)
{
	static struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll, events, EVENTS, milliseconds);
	if (n < 0 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++) {
		struct connection *connection = events[i].data.ptr;
		if (connection->is_connecting)
			end_connecting(connection);
		else
			read_answer(connection);
	}
}

static void turn_until(uint64_t end, uint64_t n_answers)
{
	for (uint64_t at; (at = now()) < end && answers.n < n_answers;)
		turn((int)((end - at) / 1000000 + 1));
}

/* Turns until nothing is left of it. */
static void turn_out(const unsigned long *left, const char *what)
{
	uint64_t end = now() + (uint64_t)(PATIENCE * SECOND);
	while (*left > 0) {
		if (now() > end)
			errx(1, "port %d: after %.0f s still %lu %s", ntohs(address.sin_port), PATIENCE, *left, what);
		turn(100);
	}
}

/* Takes note of connections that the server has closed since. */
static void refresh(void)
{
	for (unsigned long i = 0; i <= n_connections; i += EVENTS)
		turn(0);
	turn_out(&n_connecting, "connections to be made anew");
}

static void connect_all(void)
{
	for (unsigned long i = 0; i < n_connections; i++) {
		connect_anew(&connections[i]);
		while (n_connecting >= CONNECTING)
			turn(100);
	}
	turn_out(&n_connecting, "connections to be made");
}

static void start_load(void)
{
	refresh();
	is_loading = true;
	for (unsigned long i = 0; i < n_connections; i++)
		if (!connections[i].is_connecting && !connections[i].is_waiting)
			send_request(&connections[i]);
}

static uint64_t own_time(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void load(double lead, double seconds, uint64_t n_answers, pid_t group)
{
	errors = reopened = 0;
	memset(&answers, 0, sizeof(answers));
	start_load();
	turn_until(now() + (uint64_t)(lead * SECOND), UINT64_MAX);
	struct usage before = {0, 0}, after = {0, 0};
	if (group > 0)
		before = usage_of_group(group);
	uint64_t began = now(), own = own_time();
	is_counting = true;
	turn_until(began + (uint64_t)(seconds * SECOND), n_answers);
	is_counting = false;
	uint64_t took = now() - began;
	own = own_time() - own;
	if (group > 0)
		after = usage_of_group(group);
	is_loading = false;
	turn_out(&n_waiting, "answers to come");
	printf("{\"all\": %" PRIu64 ", \"seconds\": %.3f, \"requests\": %" PRIu64 ", \"errors\": %" PRIu64
	       ", \"reopened\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 ", \"user_ns\": %" PRIu64 ", \"client_ns\": %" PRIu64
	       ", \"p50_us\": %.1f, \"p99_us\": %.1f, \"longest_us\": %.1f}\n",
	       all, (double)took / SECOND, answers.n, errors, reopened, after.all - before.all,
	       after.user - before.user, own, (double)histogram_percentile(&answers, 0.5) / 1000,
	       (double)histogram_percentile(&answers, 0.99) / 1000, (double)answers.longest / 1000);
}

static void read_request(const char *path, const char *answer)
{
	static char text[64 * 1024];
	struct request *request = &requests[n_requests++];
	FILE *file = fopen(path, "re");
	if (!file)
		err(1, "cannot open '%s'", path);
	request->length = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (request->length == 0 || !number_read(answer, 0, SIZE_MAX / 2, &request->answer))
		errx(2, "'%s' is no request, or '%s' no length of its answer", path, answer);
	request->text = malloc(request->length);
	if (!request->text)
		err(1, "no memory");
	memcpy(request->text, text, request->length);
}

int main(int argc, char **argv)
{
	struct rlimit files = {0, 0};
	unsigned long port, group;
	char line[100];
	double lead, seconds;

	if (argc < 6 || argc % 2 || argc > 4 + 2 * REQUESTS || !number_read(argv[1], 1, 65535, &port) ||
	    !number_read(argv[2], 1, 100000, &n_connections) || !number_read(argv[3], 0, INT_MAX, &group))
		errx(2, "usage: bench-client PORT CONNECTIONS GROUP (REQUEST-FILE ANSWER-BYTES)...");
	for (int i = 4; i < argc; i += 2)
		read_request(argv[i], argv[i + 1]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connections = calloc(n_connections, sizeof(*connections));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!connections || epoll < 0)
		err(1, "cannot begin");
	connect_all();
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t n_answers = UINT64_MAX;
		if (sscanf(line, "%lf %lf %" SCNu64, &lead, &seconds, &n_answers) < 2)
			errx(2, "this is not 'LEAD SECONDS [ANSWERS]': %s", line);
		load(lead, seconds, n_answers, (pid_t)group);
		fflush(stdout);
	}
	return 0;
}
