#include "scheduler.h"

#include <errno.h>
#include <unistd.h>

#define EVENTS_MAX  1024 /* taken from the kernel at a time */
#define BATCHES_MAX 32   /* batches before the kernel is asked again, though there is work to finish */

static int epoll = -1;
static bool stopped;

int scheduler_init(struct stage *stages, unsigned n)
{
	queue_init(stages, n);
	stopped = false;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	return epoll < 0 ? -1 : 0;
}

int scheduler_watch(struct channel *channel)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = channel,
	};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, channel->fd, &event);
}

void scheduler_await(struct channel *channel, uint32_t event, stage_function *stage)
{
	if (channel->ready & event) {
		queue_stage(&channel->task, stage);
		return;
	}
	channel->wanted = event;
	channel->awaited = stage;
}

void scheduler_used_up(struct channel *channel, uint32_t event)
{
	channel->ready &= ~event;
}

void scheduler_wake(struct channel *channel)
{
	if (!channel->wanted)
		return;
	channel->wanted = 0;
	queue_stage(&channel->task, channel->awaited);
}

/*
 * All events are turned into queued stages before any stage runs: a stage that releases its task cannot leave a
 * dangling pointer among the events.
 */
static void deliver(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		struct channel *channel = events[i].data.ptr;
		uint32_t ready = events[i].events;
		if (ready & (EPOLLERR | EPOLLHUP))
			ready |= EPOLLIN | EPOLLOUT | EPOLLRDHUP; /* whatever is tried next learns of it */
		channel->ready |= ready;
		if (channel->ready & channel->wanted)
			scheduler_wake(channel);
	}
}

/*
 * The kernel is asked before new work is begun, so that what waits for a slow client and can go on is finished
 * first; and every so often in any case, since one client can keep the later stages busy for as long as it likes.
 */
int scheduler_run(void)
{
	struct epoll_event events[EVENTS_MAX];
	unsigned batches = 0;

	while (!stopped) {
		struct stage *stage = queue_elect();
		if (!stage || stage->begins || ++batches > BATCHES_MAX) {
			int n = epoll_wait(epoll, events, EVENTS_MAX, stage ? 0 : -1);
			if (n < 0 && errno != EINTR)
				return -1;
			deliver(events, n);
			batches = 0;
			stage = queue_elect();
			if (!stage)
				continue;
		}
		while (!stopped && queue_goes_on(stage))
			queue_run(stage);
	}
	return 0;
}

void scheduler_stop(void)
{
	stopped = true;
}

void scheduler_fini(void)
{
	if (epoll >= 0)
		close(epoll);
	epoll = -1;
}
