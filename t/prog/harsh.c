/*
 * An HTTP client that is hard to please: it compares every byte of the answers with the files that they should be, and
 * behaves in all the ways in which clients do.
 *
 *	harsh PORT ROOT CONNECTIONS REQUESTS SEED
 *
 * The files are ROOT/empty, ROOT/small and ROOT/large. Says how many requests were answered, and how long
 * one waited for the first byte of its answer (ms); exits with 1 if an answer was wrong, missing or late.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILES       3
#define PIPELINED   4      /* requests at once, at most */
#define REQUEST_MAX 1024   /* bytes of PIPELINED requests */
#define HEADER_MAX  8192   /* bytes */
#define ANSWER_LATE 60.0   /* seconds without a byte: it will never come */
#define FILE_MAX    200000 /* bytes */

enum kind {
	PLAIN,
	PIPELINE,
	DRIBBLE,     /* sends the request in pieces */
	SLOW,        /* reads the answer in pieces */
	HALF_CLOSED, /* closes its half when it has asked; a server may then give up */
	RESET,       /* goes in the middle */
	IDLE,        /* says nothing, and goes */
	KINDS,
};

struct client {
	int fd;
	enum kind kind;
	double next;  /* when it does something again; 0: when there is something to read */
	double since; /* when its last request was complete, or a byte of an answer came */
	char request[REQUEST_MAX];
	size_t length, sent;
	int asked[PIPELINED]; /* files, of which the first is being answered */
	int n_asked, n_left;  /* requests under way; rounds on this connection */
	char header[HEADER_MAX];
	size_t header_length, body; /* bytes of the answer so far; in the header while is_header */
	int is_header, is_first_byte;
};

static const char *const names[FILES] = {"empty", "small", "large"};
static char files[FILES][FILE_MAX];
static size_t sizes[FILES];
static struct sockaddr_in address = {.sin_family = AF_INET};
static int epoll;
static long n_answered, n_wanted;
static long by_kind[KINDS];
static double longest;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double pause_of(int most_ms)
{
	return now() + (double)(random() % (most_ms * 1000)) * 1e-6;
}

static _Noreturn void fail(const struct client *client, const char *what)
{
	printf("kind %d: %s after %ld answers (file %s, %zu bytes of its body, errno %d)\n", client->kind, what,
	       n_answered, names[client->asked[0]], client->body, errno);
	exit(1);
}

static void compose(struct client *client)
{
	client->n_asked = client->kind == PIPELINE ? 2 + (int)(random() % (PIPELINED - 1)) : 1;
	client->length = client->sent = 0;
	for (int i = 0; i < client->n_asked; i++) {
		client->asked[i] = client->kind == SLOW ? 2 : (int)(random() % FILES);
		client->length += (size_t)snprintf(
			client->request + client->length, REQUEST_MAX - client->length,
			"GET /%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: harsh\r\nConnection: %s\r\n\r\n",
			names[client->asked[i]], client->kind == HALF_CLOSED ? "close" : "keep-alive");
	}
	client->is_header = 1;
	client->header_length = client->body = 0;
	client->next = pause_of(5);
}

static void go(struct client *client)
{
	struct linger at_once = {1, 0};
	if (client->kind == RESET)
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(client->fd);
	client->fd = -1;
	client->next = pause_of(3);
}

static void come(struct client *client)
{
	int little = 4096;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	client->kind = random() % 3 ? PLAIN : (enum kind)(random() % KINDS);
	client->n_left = 1 + (int)(random() % 20);
	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (client->kind == SLOW)
		setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(client, "cannot connect");
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
	compose(client);
	if (client->kind == IDLE)
		client->length = 0;
}

/* Sends more of its requests, or all. */
static void ask(struct client *client)
{
	size_t left = client->length - client->sent;
	size_t n = client->kind == DRIBBLE && left > 1 ? 1 + (size_t)random() % left : left;
	if (client->kind == RESET && random() % 2)
		n = (size_t)random() % n;
	if (send(client->fd, client->request + client->sent, n, MSG_NOSIGNAL) != (ssize_t)n) {
		if (client->n_left > 1 || (errno != EPIPE && errno != ECONNRESET))
			fail(client, "cannot send");
		go(client); /* the server ended a connection that was kept alive: it may */
		return;
	}
	client->sent += n;
	client->next = client->sent < client->length ? pause_of(3) : 0;
	if (client->kind == RESET)
		client->next = pause_of(5);
	if (client->kind == HALF_CLOSED && client->next == 0)
		shutdown(client->fd, SHUT_WR);
	client->since = now();
	client->is_first_byte = 1;
}

static void end_answer(struct client *client)
{
	n_answered++;
	by_kind[client->kind]++;
	memmove(client->asked, client->asked + 1, sizeof(client->asked) - sizeof(*client->asked));
	client->is_header = 1;
	client->header_length = client->body = 0;
	if (--client->n_asked > 0)
		return;
	if (client->kind == HALF_CLOSED || --client->n_left == 0)
		go(client);
	else
		compose(client);
}

/* Takes what belongs to the header; returns how many bytes that is. */
static size_t take_header(struct client *client, const char *data, size_t n)
{
	size_t before = client->header_length, used = n < HEADER_MAX - 1 - before ? n : HEADER_MAX - 1 - before;
	char *end, *field;
	memcpy(client->header + before, data, used);
	client->header[before + used] = '\0';
	client->header_length += used;
	end = strstr(client->header, "\r\n\r\n");
	if (!end)
		return used > 0 ? used : (fail(client, "a header without an end"), 0);
	end[2] = '\0';
	field = strcasestr(client->header, "\r\nContent-Length:");
	if (strncmp(client->header, "HTTP/1.", 7) != 0 || strncmp(client->header + 8, " 200 ", 5) != 0)
		fail(client, "not '200'");
	if (!field || strtoul(field + 17, NULL, 10) != sizes[client->asked[0]])
		fail(client, "another length");
	client->is_header = 0;
	return (size_t)(end + 4 - client->header) - before;
}

static void take(struct client *client, const char *data, size_t n)
{
	while (n > 0 && client->fd >= 0) {
		if (client->n_asked == 0)
			fail(client, "more than was asked for");
		size_t used = client->is_header ? take_header(client, data, n) : 0;
		int file = client->asked[0];
		if (!client->is_header) {
			size_t rest = n - used, left = sizes[file] - client->body, body = rest < left ? rest : left;
			if (memcmp(files[file] + client->body, data + used, body) != 0)
				fail(client, "another byte");
			client->body += body;
			used += body;
			if (client->body == sizes[file])
				end_answer(client);
		}
		data += used;
		n -= used;
	}
}

static void hear(struct client *client)
{
	static char buf[65536];
	size_t most = client->kind == SLOW ? 1 + (size_t)random() % 3000 : sizeof(buf);
	ssize_t n = read(client->fd, buf, most);
	if (n < 0 && errno == EAGAIN)
		return;
	if (client->is_first_byte && client->sent == client->length && now() - client->since > longest)
		longest = now() - client->since;
	client->is_first_byte = 0;
	client->since = now();
	if (n > 0) {
		take(client, buf, (size_t)n);
		return;
	}
	if (client->n_asked > 0 && (client->is_header ? client->header_length : 1) && client->kind != HALF_CLOSED &&
	    client->kind != RESET)
		fail(client, "closed in the midst of an answer");
	if (client->sent > 0 && client->kind != HALF_CLOSED && client->kind != RESET)
		fail(client, "closed without an answer");
	go(client);
}

/* What it does of its own accord. */
static void act(struct client *client)
{
	if (client->fd < 0)
		come(client);
	else if (client->kind == IDLE || (client->kind == RESET && client->sent > 0))
		go(client);
	else if (client->sent < client->length)
		ask(client);
	else
		client->next = 0;
}

static void watch(struct client *clients, int n)
{
	struct epoll_event events[256];
	int got = epoll_wait(epoll, events, 256, 1);
	for (int i = 0; i < got; i++) {
		struct client *client = events[i].data.ptr;
		if (client->fd >= 0 && (client->kind != SLOW || random() % 4 == 0))
			hear(client);
	}
	double time = now();
	for (int i = 0; i < n; i++) {
		if (clients[i].next != 0 && clients[i].next <= time)
			act(&clients[i]);
		else if (clients[i].next == 0 && time - clients[i].since > ANSWER_LATE)
			fail(&clients[i], "no answer");
	}
}

static void read_files(const char *root)
{
	char path[4096];
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		FILE *file = fopen(path, "r");
		if (!file) {
			printf("cannot open '%s'\n", path);
			exit(1);
		}
		sizes[i] = fread(files[i], 1, FILE_MAX, file);
		fclose(file);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	int n = atoi(argv[3]);
	struct client *clients = calloc((size_t)n, sizeof(*clients));
	read_files(argv[2]);
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	n_wanted = atol(argv[4]);
	srandom((unsigned)atoi(argv[5]));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < n; i++) {
		clients[i].fd = -1;
		clients[i].next = pause_of(50);
	}
	while (n_answered < n_wanted)
		watch(clients, n);
	printf("%ld answers: plain %ld, pipelined %ld, in pieces %ld, slowly read %ld, half-closed %ld\n", n_answered,
	       by_kind[PLAIN], by_kind[PIPELINE], by_kind[DRIBBLE], by_kind[SLOW], by_kind[HALF_CLOSED]);
	printf("longest wait %.1f ms\n", longest * 1000);
	return 0;
}
