/*
 *	loops           requests end by free
 *	loops unseen    they end by the C library's own name for it, which no library stands before
 *
 * Four threads, each with an event loop of its own over connections of its own: ten in the first, forty in the last.
 *
 * All connections are open at once, so that what a thread holds at most, and what the process does, is always the same:
 * 300 bytes a connection, from its first byte to its last, and 600 bytes a request. Each is checked to be what it was
 * made. On stdout what each thread did, in their order.
 *
 * Flags: -pthread.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPS           4
#define CONNECTIONS     10 /* of the first loop; each has as many more than the one before */
#define REQUESTS        20 /* of a connection */
#define CONNECTION_SIZE 300
#define REQUEST_SIZE    600

void __libc_free(void *object);

struct connection {
	int fd;     /* what the loop waits for */
	int client; /* its other end */
	unsigned char *state;
};

struct loop {
	pthread_t thread;
	unsigned char mark; /* what its objects are filled with */
	int epoll;
	unsigned n_connections, n_opened, n_requests, n_closed;
	struct connection connection[LOOPS * CONNECTIONS];
};

static struct loop loops[LOOPS];
static pthread_barrier_t barrier;
static void (*end_request)(void *request) = free;

static void check_object(const struct loop *loop, const unsigned char *object, size_t size)
{
	for (size_t i = 0; i < size; i++)
		check(object[i] == loop->mark, "an object changed");
}

static __attribute__((noinline)) void open_connection(struct loop *loop, struct connection *connection)
{
	connection->state = malloc(CONNECTION_SIZE);
	check(connection->state != NULL, "no memory");
	memset(connection->state, loop->mark, CONNECTION_SIZE);
	loop->n_opened++;
}

static __attribute__((noinline)) void serve_request(struct loop *loop, struct connection *connection)
{
	unsigned char *request = malloc(REQUEST_SIZE);

	check(request != NULL, "no memory");
	memset(request, loop->mark, REQUEST_SIZE);
	check_object(loop, connection->state, CONNECTION_SIZE);
	check_object(loop, request, REQUEST_SIZE);
	end_request(request);
	loop->n_requests++;
}

static __attribute__((noinline)) void close_connection(struct loop *loop, struct connection *connection)
{
	check_object(loop, connection->state, CONNECTION_SIZE);
	free(connection->state);
	close(connection->fd);
	close(connection->client);
	loop->n_closed++;
}

static __attribute__((noinline)) void turn(struct loop *loop)
{
	struct epoll_event event;
	struct connection *connection;
	char byte;

	check(epoll_wait(loop->epoll, &event, 1, 10000) == 1, "no event");
	connection = event.data.ptr;
	check(read(connection->fd, &byte, 1) == 1, "cannot read");
	if (byte == 'o')
		open_connection(loop, connection);
	else if (byte == 'r')
		serve_request(loop, connection);
	else
		close_connection(loop, connection);
}

/* A byte for each connection; all loops have gone through theirs when it returns. */
static void run_phase(struct loop *loop, char byte)
{
	for (unsigned i = 0; i < loop->n_connections; i++)
		check(write(loop->connection[i].client, &byte, 1) == 1, "cannot write");
	for (unsigned i = 0; i < loop->n_connections; i++)
		turn(loop);
	pthread_barrier_wait(&barrier);
}

static void *run_loop(void *data)
{
	struct loop *loop = data;

	run_phase(loop, 'o');
	for (unsigned i = 0; i < REQUESTS; i++)
		run_phase(loop, 'r');
	run_phase(loop, 'c');
	return NULL;
}

static void prepare(struct loop *loop, unsigned number)
{
	loop->mark = (unsigned char)(number + 1);
	loop->n_connections = CONNECTIONS * (number + 1);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	check(loop->epoll >= 0, "no epoll");
	for (unsigned i = 0; i < loop->n_connections; i++) {
		struct connection *connection = &loop->connection[i];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
		int ends[2];

		check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
		connection->fd = ends[0];
		connection->client = ends[1];
		check(epoll_ctl(loop->epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "cannot register");
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "unseen") == 0)
		end_request = __libc_free;
	check(pthread_barrier_init(&barrier, NULL, LOOPS) == 0, "no barrier");
	for (unsigned i = 0; i < LOOPS; i++)
		prepare(&loops[i], i);
	for (unsigned i = 0; i < LOOPS; i++)
		check(pthread_create(&loops[i].thread, NULL, run_loop, &loops[i]) == 0, "no thread");
	for (unsigned i = 0; i < LOOPS; i++) {
		pthread_join(loops[i].thread, NULL);
		printf("loop %u: %u opened, %u requests, %u closed\n", i, loops[i].n_opened, loops[i].n_requests,
		       loops[i].n_closed);
	}
	return 0;
}
