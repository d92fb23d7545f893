#define _GNU_SOURCE 1 /* accept4 */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNREAD_MAX (64u * 1024) /* bytes thrown away before a socket is closed */

/* A descriptor was closed: one more connection can be had. */
static void descriptor_freed(void)
{
	if (!server.full)
		return;
	server.full = false;
	scheduler_wake(&server.listener);
}

void connection_close_file(struct connection *connection)
{
	if (!connection->file)
		return;
	close(connection->file->fd);
	free(connection->file);
	connection->file = NULL;
	descriptor_freed();
}

static void enlist(struct connection *connection)
{
	connection->next = server.connections;
	if (connection->next)
		connection->next->previous = connection;
	server.connections = connection;
	server.n_connections++;
}

static void delist(struct connection *connection)
{
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		server.connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	server.n_connections--;
}

static void release(struct connection *connection)
{
	delist(connection);
	connection_close_file(connection);
	free(connection->input);
	free(connection->request);
	free(connection->header);
	free(connection->chunk);
	close(connection->channel.fd);
	free(connection);
	descriptor_freed();
}

/*
 * To close a socket with unread bytes (the body of a refused request) resets the connection, and the answer may be
 * lost on the way: they are thrown away first. MSG_TRUNC: without being copied.
 */
void connection_end(struct connection *connection)
{
	static char unread[UNREAD_MAX];

	recv(connection->channel.fd, unread, sizeof(unread), MSG_TRUNC | MSG_DONTWAIT);
	release(connection);
	queue_end_task();
}

void connection_end_all(void)
{
	while (server.connections)
		release(server.connections); /* NOLINT(clang-analyzer-unix.Malloc): it takes it off the list */
}

/* Waits for the next connection to arrive. */
static void await_connection(void)
{
	scheduler_used_up(&server.listener, EPOLLIN);
	scheduler_await(&server.listener, EPOLLIN, stage_accept);
}

/*
 * Waits for a descriptor to be closed. A connection that arrives meanwhile leads to one more attempt, so that the
 * wait ends, too, if it was somebody else who held the descriptors.
 */
static void await_descriptor(void)
{
	server.full = true;
	await_connection();
}

static void accept_failed(int error)
{
	switch (error) {
	case EAGAIN:
		await_connection();
		break;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		await_descriptor();
		break;
	default: /* that connection is gone already; there may be others */
		queue_stage(&server.listener.task, stage_accept);
	}
}

/* One connection a run, so that the scheduler can say when it is enough. */
void stage_accept(struct task *task)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (server.n_connections >= server.max_connections) {
		await_descriptor();
		return;
	}
	int fd = accept4(server.listener.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		accept_failed(errno);
		return;
	}
	queue_stage(task, stage_accept);
	struct connection *connection = malloc(sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	*connection = (struct connection){.channel = {.task.name = task->name, .fd = fd}, .peer = peer};
	task->name++;
	enlist(connection);
	if (scheduler_watch(&connection->channel))
		connection_end(connection);
	else
		scheduler_await(&connection->channel, EPOLLIN, stage_read);
}
