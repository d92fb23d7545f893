#include "serve.h"

#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 1200 /* bytes that hold any line of the log */

struct record {
	int len;
	char line[LINE_SIZE];
};

static void stage_parse(struct task *task);
static void stage_open(struct task *task);
static void stage_header(struct task *task);
static void stage_load(struct task *task);
static void stage_send(struct task *task);
static void stage_log(struct task *task);
static void stage_stop(struct task *task);

static struct stage stages[] = {
	{.function = stage_accept, .begins = true},
	{.function = stage_read, .begins = true},
	{.function = stage_parse},
	{.function = stage_open},
	{.function = stage_header},
	{.function = stage_load},
	{.function = stage_send},
	{.function = stage_log},
	{.function = stage_stop},
};

int serve_init(void)
{
	if (scheduler_init(stages, sizeof(stages) / sizeof(stages[0])) || scheduler_watch(&server.listener) ||
	    scheduler_watch(&server.signals))
		return -1;
	server.listener.task.name = 1;
	scheduler_await(&server.listener, EPOLLIN, stage_accept);
	scheduler_await(&server.signals, EPOLLIN, stage_stop);
	return 0;
}

/* Gives back the bytes that were parsed, and all of the input when nothing is left. */
static void consume_input(struct connection *connection, size_t len)
{
	struct input *input = connection->input;

	input->start += (unsigned)len;
	if (input->start < input->end)
		return;
	free(input);
	connection->input = NULL;
}

/* The input to read into: a head may have come in part, and what follows goes behind it. NULL: no memory. */
static struct input *input_with_room(struct connection *connection)
{
	struct input *input = connection->input;

	if (!input) {
		input = connection->input = malloc(sizeof(*input));
		if (input)
			input->start = input->end = 0;
	} else {
		memmove(input->data, input->data + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	return input;
}

/*
 * Less than there was room for means that it was all: an attempt to read more is saved. Unless the client has shut
 * down: no further event will tell of the end of the stream, so it must stay ready.
 */
void stage_read(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	struct input *input = input_with_room(connection);
	size_t room = input ? INPUT_SIZE - input->end : 0;
	ssize_t n = input ? recv(connection->channel.fd, input->data + input->end, room, 0) : 0;

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		connection_end(connection);
		return;
	}
	if (n < 0 || ((size_t)n < room && !(connection->channel.ready & EPOLLRDHUP)))
		scheduler_used_up(&connection->channel, EPOLLIN);
	if (n > 0) {
		input->end += (unsigned)n;
		queue_stage(task, stage_parse);
	} else {
		consume_input(connection, 0);
		scheduler_await(&connection->channel, EPOLLIN, stage_read);
	}
}

static void stage_parse(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	struct input *input = connection->input;
	const char *head = input->data + input->start;
	size_t held = input->end - input->start, len = http_head_length(head, held);

	if (!len && held < INPUT_SIZE) {
		scheduler_await(&connection->channel, EPOLLIN, stage_read);
		return;
	}
	struct http_request *request = connection->request = malloc(sizeof(*request));
	if (!request) {
		connection_end(connection);
		return;
	}
	http_parse(request, head, len ? len : held);
	if (!len)
		http_refuse(request, 431);
	consume_input(connection, len ? len : held);
	queue_stage(task, request->status ? stage_header : stage_open);
}

/* Opens the file of the path. Returns 0, or the status to answer. */
static unsigned open_file(struct file *file)
{
	struct stat info;

	/* Not blocking: the name may turn out to be that of a pipe. */
	file->fd = openat(server.root, file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		return errno == EACCES ? 403 : errno == EMFILE || errno == ENFILE ? 503 : 404;
	if (fstat(file->fd, &info) || !S_ISREG(info.st_mode)) {
		close(file->fd);
		return 404;
	}
	file->size = info.st_size;
	file->modified = info.st_mtime;
	file->sent = 0;
	return 0;
}

static void stage_open(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	struct http_request *request = connection->request;
	struct file *file = malloc(sizeof(*file) + strlen(request->target) + sizeof(HTTP_INDEX));

	if (!file) {
		connection_end(connection);
		return;
	}
	request->status = http_path(request->target, file->path);
	if (!request->status)
		request->status = open_file(file);
	if (request->status)
		free(file);
	else
		connection->file = file;
	queue_stage(task, stage_header);
}

/* Whether there is something to send after the header. */
static bool has_body(const struct connection *connection)
{
	const struct file *file = connection->file;

	return file && !connection->request->head && file->sent < file->size;
}

static void stage_header(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	struct http_request *request = connection->request;
	const struct file *file = connection->file;
	struct header *header = connection->header = malloc(sizeof(*header));

	if (!header) {
		connection_end(connection);
		return;
	}
	if (file)
		request->status = 200;
	struct http_response response = {request->status, request->keep_alive, request->head, 0, 0, NULL};
	if (file) {
		response.size = file->size;
		response.modified = file->modified;
		response.type = http_type(file->path);
	}
	header->start = 0;
	header->end = (unsigned)http_header(header->data, &response);
	queue_stage(task, has_body(connection) ? stage_load : stage_send);
}

/* If a file has become shorter than was announced, to end the connection is the only way to tell. */
static void stage_load(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	const struct file *file = connection->file;
	struct chunk *chunk = connection->chunk = malloc(sizeof(*chunk));

	if (!chunk) {
		connection_end(connection);
		return;
	}
	off_t left = file->size - file->sent;
	ssize_t n = pread(file->fd, chunk->data, left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE, file->sent);
	if (n <= 0) {
		connection_end(connection);
		return;
	}
	chunk->len = (size_t)n;
	queue_stage(task, stage_send);
}

/* Sends what there is of the header and the chunk. Returns the bytes left of it, or -1 if the connection is lost. */
static ssize_t send_some(struct connection *connection)
{
	struct header *header = connection->header;
	struct chunk *chunk = connection->chunk;
	struct iovec parts[2] = {{0}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (header)
		parts[0] = (struct iovec){header->data + header->start, header->end - header->start};
	if (chunk)
		parts[1] = (struct iovec){chunk->data, chunk->len};
	ssize_t n = sendmsg(connection->channel.fd, &message, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return -1;
	size_t sent = n < 0 ? 0 : (size_t)n, of_header = sent < parts[0].iov_len ? sent : parts[0].iov_len;
	if (header)
		header->start += (unsigned)of_header;
	if (chunk)
		connection->file->sent += (off_t)(sent - of_header);
	return (ssize_t)(parts[0].iov_len + parts[1].iov_len - sent);
}

/*
 * A client that is slower than the file keeps no chunk while it is waited for: memory in the cache is dear, and the
 * rest can be had again from the file.
 */
static void stage_send(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	ssize_t left = send_some(connection);

	if (left < 0) {
		connection_end(connection);
		return;
	}
	free(connection->chunk);
	connection->chunk = NULL;
	if (connection->header && connection->header->start == connection->header->end) {
		free(connection->header);
		connection->header = NULL;
	}
	if (left) {
		scheduler_used_up(&connection->channel, EPOLLOUT);
		scheduler_await(&connection->channel, EPOLLOUT, has_body(connection) ? stage_load : stage_send);
	} else if (has_body(connection)) {
		queue_stage(task, stage_load);
	} else {
		queue_stage(task, stage_log);
	}
}

/* A connection that stays open goes on with what was read already, or else waits. */
static void begin_next(struct connection *connection)
{
	if (connection->input)
		queue_stage(&connection->channel.task, stage_parse);
	else
		scheduler_await(&connection->channel, EPOLLIN, stage_read);
}

/* The line is made whether anybody wants it or not: the state of a task is the same with a log and without. */
static void fill_record(struct record *record, const struct connection *connection)
{
	const struct http_request *request = connection->request;
	const struct file *file = connection->file;
	char peer[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &connection->peer.sin_addr, peer, sizeof(peer));
	record->len = snprintf(record->line, sizeof(record->line), "%s - - [%s] \"%s %s HTTP/1.%u\" %u %lld\n", peer,
			       http_dates()->log, request->method, request->target, request->minor, request->status,
			       file ? (long long)file->sent : 0);
}

static void stage_log(struct task *task)
{
	struct connection *connection = (struct connection *)task;
	bool keep_alive = connection->request->keep_alive;
	struct record *record = malloc(sizeof(*record));

	if (record) {
		fill_record(record, connection);
		if (server.log)
			fwrite(record->line, 1, (size_t)record->len, server.log);
		free(record);
	}
	connection_close_file(connection);
	free(connection->request);
	connection->request = NULL;
	if (++server.served == server.max_requests)
		scheduler_stop();
	if (keep_alive)
		begin_next(connection);
	else
		connection_end(connection);
}

static void stage_stop(struct task *task)
{
	(void)task;
	scheduler_stop();
}
