/*
 *	rebuilt
 *
 * An event loop over connections of its own, of which all objects come through one function. It is built twice, as it
 * is and with -DREBUILT, which stands for a day's work on it: a function more before all others, one more call and one
 * more statement in functions that allocate, larger frames. What it prints is the same.
 *
 * At sites that a manifest can tell apart: 300 bytes a connection, 600 a request and 900 a reply, by functions that
 * stayed, were changed, and stayed; 48 bytes of a note, by one which now makes two of them.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 20
#define REQUESTS    50 /* of a connection */

#define APART __attribute__((noinline, noclone, noipa))

struct connection {
	int fd;     /* what the loop waits for */
	int client; /* its other end */
	unsigned char *state;
};

static struct connection connections[CONNECTIONS];
static unsigned long sum;
static int epoll;

#ifdef REBUILT
APART __attribute__((used)) static void log_it(const char *format, int a, int b)
{
	static char line[100];

	snprintf(line, sizeof(line), format, a, b);
	sum += (unsigned char)line[0] % 1;
}
#endif

APART static void *allocate(size_t size, int fill)
{
	unsigned char *object = malloc(size);

	check(object != NULL, "no memory");
	memset(object, fill, size);
	return object;
}

APART static void add_up(const unsigned char *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += object[i];
}

APART static void take_note(int number)
{
	unsigned char *note = allocate(48, number);

#ifdef REBUILT
	unsigned char *second = allocate(48, 0);

	add_up(second, 48);
	free(second);
#endif
	add_up(note, 48);
	free(note);
}

APART static void reply(struct connection *connection)
{
	unsigned char *object = allocate(900, connection->fd & 1);

	add_up(object, 900);
	free(object);
	take_note(3);
}

APART static void serve(struct connection *connection, int byte)
{
	unsigned char *request;
#ifdef REBUILT
	char text[64];

	snprintf(text, sizeof(text), "%d", byte);
	log_it(text, byte, connection->client);
#endif
	request = allocate(600, byte & 3);
	add_up(request, 600);
	reply(connection);
	free(request);
}

APART static void open_it(struct connection *connection)
{
	connection->state = allocate(300, 1);
}

APART static void close_it(struct connection *connection)
{
	add_up(connection->state, 300);
	free(connection->state);
	close(connection->fd);
	close(connection->client);
}

APART static void turn(void)
{
	struct epoll_event event;
	struct connection *connection;
	char byte;

	check(epoll_wait(epoll, &event, 1, 10000) == 1, "no event");
	connection = event.data.ptr;
	check(read(connection->fd, &byte, 1) == 1, "cannot read");
	if (byte == 'o')
		open_it(connection);
	else if (byte == 'c')
		close_it(connection);
	else
		serve(connection, byte);
}

/* A byte for each connection. */
APART static void run_phase(char byte)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		check(write(connections[i].client, &byte, 1) == 1, "cannot write");
	for (unsigned i = 0; i < CONNECTIONS; i++)
		turn();
}

APART static void prepare(struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	connection->fd = ends[0];
	connection->client = ends[1];
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "cannot register");
}

int main(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		prepare(&connections[i]);
	run_phase('o');
	for (int i = 0; i < REQUESTS; i++)
		run_phase('r');
	run_phase('c');
	printf("%lu\n", sum);
	return 0;
}
