/*
 * One round of stages on the loop of a library (EVENT, UV or EV), for shipped interface files: begin queues look, look
 * queues answer, and a pipe's reader runs once. Each stage allocates, and prints its name.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(EVENT)
#include <event2/event.h>
#elif defined(UV)
#include <uv.h>
#else
#include <ev.h>
#endif

static int ends[2];

static void note(const char *stage)
{
	char *object = malloc(100);

	snprintf(object, 100, "%s", stage);
	puts(object);
	free(object);
}

#if defined(EVENT)
static struct event_base *base;
static struct event *event;

static void stage_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	note("answer");
}

static void stage_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	note("look");
	event_assign(event, base, -1, 0, stage_answer, arg);
	event_active(event, EV_TIMEOUT, 1);
}

static void stage_read(evutil_socket_t fd, short what, void *arg)
{
	char byte;

	(void)what;
	note(read(fd, &byte, 1) == 1 ? "read" : "nothing");
	event_assign(event, base, -1, 0, stage_look, arg);
	event_active(event, EV_TIMEOUT, 1);
}

static void run(void)
{
	struct event *reader;

	base = event_base_new();
	event = event_new(base, -1, 0, stage_look, NULL);
	reader = event_new(base, ends[0], EV_READ, stage_read, (void *)0x5a5a);
	event_add(reader, NULL);
	event_base_dispatch(base);
	event_free(reader);
	event_free(event);
	event_base_free(base);
}
#elif defined(UV)
static uv_loop_t loop;
static uv_poll_t reader;
static uv_timer_t timer;
static uv_work_t work;

static void stage_answer(uv_work_t *request, int status)
{
	(void)request, (void)status;
	note("answer");
}

static void stage_work(uv_work_t *request)
{
	(void)request;
	note("work");
}

static void stage_look(uv_timer_t *handle)
{
	note("look");
	uv_close((uv_handle_t *)handle, NULL);
	uv_queue_work(&loop, &work, stage_work, stage_answer);
}

static void stage_read(uv_poll_t *handle, int status, int events)
{
	char byte;

	(void)status, (void)events;
	note(read(ends[0], &byte, 1) == 1 ? "read" : "nothing");
	uv_poll_stop(handle);
	uv_close((uv_handle_t *)handle, NULL);
	uv_timer_start(&timer, stage_look, 0, 0);
}

static void run(void)
{
	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	uv_poll_init(&loop, &reader, ends[0]);
	uv_poll_start(&reader, UV_READABLE, stage_read);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
}
#else
static struct ev_io reader;
static struct ev_timer timer;

static void stage_answer(int events, void *arg)
{
	(void)events, (void)arg;
	note("answer");
}

static void stage_look(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
	(void)events;
	note("look");
	ev_once(loop, -1, 0, 0.0, stage_answer, watcher);
}

static void stage_read(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	char byte;

	(void)events;
	note(read(watcher->fd, &byte, 1) == 1 ? "read" : "nothing");
	ev_io_stop(loop, watcher);
	ev_timer_init(&timer, stage_look, 0.0, 0.0);
	ev_timer_start(loop, &timer);
}

static void run(void)
{
	struct ev_loop *loop = ev_default_loop(0);

	ev_io_init(&reader, stage_read, ends[0], EV_READ);
	ev_io_start(loop, &reader);
	ev_run(loop, 0);
}
#endif

int main(void)
{
	if (pipe(ends) || write(ends[1], "x", 1) != 1)
		return 1;
	run();
	return 0;
}
