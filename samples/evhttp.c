/*
 * A file server on libevent's HTTP server, as many are written: each request goes through four stages, every one an
 * event of its own, which the one before activates. What a request keeps lives from one stage to the next.
 *
 *	evhttp PORT DIRECTORY
 *
 * It serves the files of the directory that were there when it began, from memory, on 127.0.0.1. It does not know of
 * Stingy: it is here to see what the order of its events is worth, by `stingy run --order`.
 */
#include "number.h"

#include <dirent.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FILES     64     /* at most */
#define FILE_SIZE 262144 /* bytes of one, at most */
#define HEAD_SIZE 1024   /* bytes of a request's header that are kept */
#define NAME_SIZE 256

struct file {
	char name[NAME_SIZE]; /* with the slash before it */
	char *content;
	size_t size;
};

static struct event_base *base;
static struct file files[FILES];
static size_t n_files;

/* What a request keeps. */
struct task {
	struct evhttp_request *request;
	struct event *event; /* its next stage */
	const struct file *file;
	char *head;
	char *body;
	uint32_t sum;
};

static void go_on(struct task *task, event_callback_fn stage)
{
	event_assign(task->event, base, -1, 0, stage, task);
	event_active(task->event, EV_TIMEOUT, 1);
}

static void end(struct task *task)
{
	event_free(task->event);
	free(task->body);
	free(task->head);
	free(task);
}

static void stage_answer(evutil_socket_t fd, short what, void *arg)
{
	struct task *task = arg;
	struct evbuffer *out = evbuffer_new();
	char tag[16];

	(void)fd;
	(void)what;
	snprintf(tag, sizeof(tag), "\"%08x\"", task->sum);
	evhttp_add_header(evhttp_request_get_output_headers(task->request), "ETag", tag);
	if (out && evbuffer_add(out, task->body, task->file->size) == 0)
		evhttp_send_reply(task->request, HTTP_OK, "OK", out);
	else
		evhttp_send_error(task->request, HTTP_INTERNAL, NULL);
	if (out)
		evbuffer_free(out);
	end(task);
}

static void stage_digest(evutil_socket_t fd, short what, void *arg)
{
	struct task *task = arg;

	(void)fd;
	(void)what;
	task->sum = 2166136261u;
	for (size_t i = 0; i < task->file->size; i += 16)
		task->sum = (task->sum ^ (unsigned char)task->body[i]) * 16777619u;
	go_on(task, stage_answer);
}

static void stage_load(evutil_socket_t fd, short what, void *arg)
{
	struct task *task = arg;

	(void)fd;
	(void)what;
	task->body = malloc(task->file->size + 1);
	if (!task->body) {
		evhttp_send_error(task->request, HTTP_INTERNAL, NULL);
		end(task);
		return;
	}
	memcpy(task->body, task->file->content, task->file->size);
	go_on(task, stage_digest);
}

static void stage_look(evutil_socket_t fd, short what, void *arg)
{
	struct task *task = arg;
	const struct evkeyval *field = evhttp_request_get_input_headers(task->request)->tqh_first;
	size_t used = 0;

	(void)fd;
	(void)what;
	for (; field && used < HEAD_SIZE - 1; field = field->next.tqe_next)
		used += (size_t)snprintf(task->head + used, HEAD_SIZE - used, "%s: %s\n", field->key, field->value);
	for (size_t i = 0; i < n_files && !task->file; i++)
		if (strcmp(files[i].name, evhttp_request_get_uri(task->request)) == 0)
			task->file = &files[i];
	if (task->file) {
		go_on(task, stage_load);
		return;
	}
	evhttp_send_error(task->request, HTTP_NOTFOUND, NULL);
	end(task);
}

static void begin(struct evhttp_request *request, void *arg)
{
	struct task *task = calloc(1, sizeof(*task));

	(void)arg;
	if (task) {
		task->request = request;
		task->head = malloc(HEAD_SIZE);
		task->event = event_new(base, -1, 0, stage_look, task);
	}
	if (task && task->head && task->event) {
		event_active(task->event, EV_TIMEOUT, 1);
		return;
	}
	evhttp_send_error(request, HTTP_INTERNAL, NULL);
	if (task) {
		if (task->event)
			event_free(task->event);
		free(task->head);
		free(task);
	}
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

/* Reads the file into the next place, if it can be read and is not too large. */
static void load(const char *directory, const char *name)
{
	struct file *file = &files[n_files];
	char path[4096];
	FILE *stream;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path) ||
	    snprintf(file->name, NAME_SIZE, "/%s", name) >= NAME_SIZE)
		return;
	stream = fopen(path, "r");
	file->content = malloc(FILE_SIZE);
	if (stream && file->content) {
		file->size = fread(file->content, 1, FILE_SIZE, stream);
		if (!ferror(stream) && file->size < FILE_SIZE)
			n_files++;
	}
	if (stream)
		fclose(stream);
}

static int load_all(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	if (!dir) {
		fprintf(stderr, "evhttp: cannot read '%s'\n", directory);
		return -1;
	}
	while (n_files < FILES && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			load(directory, entry->d_name);
	closedir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long port;
	struct evhttp *http;
	struct event *term;

	if (argc != 3 || !number_read(argv[1], 1, 65535, &port)) {
		fprintf(stderr, "usage: evhttp PORT DIRECTORY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	http = base ? evhttp_new(base) : NULL;
	term = http ? evsignal_new(base, SIGTERM, stop, NULL) : NULL;
	if (!term || event_add(term, NULL) || load_all(argv[2]))
		return 1;
	evhttp_set_gencb(http, begin, NULL);
	if (evhttp_bind_socket(http, "127.0.0.1", (uint16_t)port)) {
		fprintf(stderr, "evhttp: cannot listen on port %lu\n", port);
		return 1;
	}
	event_base_dispatch(base);
	event_free(term);
	evhttp_free(http);
	event_base_free(base);
	return 0;
}
