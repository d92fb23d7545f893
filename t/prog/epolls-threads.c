/* The modes of epolls in which several threads wait: for one instance, or each for its own with descriptors in both. */
#include "epolls.h"

#include <pthread.h>
#include <sys/eventfd.h>

static void *wait_once(void *arg)
{
	struct epoll_event events[PAIRS];
	(void)arg;
	return (void *)(intptr_t)epoll_wait(epoll, events, PAIRS, 10000);
}

/* Two threads wait on one instance, and a third registers. */
void mode_threads(void)
{
	pthread_t threads[2];
	int seen = 0;
	connect_pairs(0);
	want(EPOLL_CTL_ADD, 0, EPOLLIN);
	for (int round = 0; round < 200; round++) {
		void *n[2];
		for (int i = 0; i < 2; i++)
			check(pthread_create(&threads[i], NULL, wait_once, NULL) == 0, "no thread");
		if (round == 0)
			for (int i = 1; i < PAIRS; i++)
				want(EPOLL_CTL_ADD, i, EPOLLIN | EPOLLOUT);
		if (round == 1)
			ask_all();
		for (int i = 0; i < 2; i++) {
			pthread_join(threads[i], &n[i]);
			check((intptr_t)n[i] > 0, "nothing is ready");
			seen++;
		}
	}
	printf("%d waits\n", seen);
}

static void *wait_for_ever(void *arg)
{
	struct epoll_event events[PAIRS];
	(void)arg;
	for (;;)
		epoll_wait(epoll, events, PAIRS, -1);
	return NULL;
}

void mode_cancel(void)
{
	pthread_t thread;
	void *result;
	connect_pairs(EPOLLIN | EPOLLOUT);
	for (int round = 0; round < 20; round++) {
		check(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0, "no thread");
		usleep(1000);
		check(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0, "cannot cancel");
		check(result == PTHREAD_CANCELED, "not cancelled");
	}
	printf("cancelled\n");
}

static int shared_listener, shared_event;

/* A thread with an instance of its own: half of the clients, each of whom asks once. */
static void *serve_half(void *how)
{
	struct epoll_event event = {.events = EPOLLIN | (uint32_t)(uintptr_t)how}, events[PAIRS];
	int mine = epoll_create1(0), answers = 0, is_over = 0;
	char byte;
	event.data.fd = shared_listener;
	check(epoll_ctl(mine, EPOLL_CTL_ADD, shared_listener, &event) == 0, "cannot share the listener");
	event = (struct epoll_event){.events = EPOLLIN, .data.fd = shared_event};
	check(epoll_ctl(mine, EPOLL_CTL_ADD, shared_event, &event) == 0, "cannot share the eventfd");
	while (!is_over) {
		int n = epoll_wait(mine, events, PAIRS, 10000);
		check(n > 0, "nothing is ready");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == shared_event) {
				is_over = 1;
			} else if (fd == shared_listener) {
				event = (struct epoll_event){.events = EPOLLIN, .data.fd = accept(fd, NULL, NULL)};
				if (event.data.fd >= 0)
					check(epoll_ctl(mine, EPOLL_CTL_ADD, event.data.fd, &event) == 0, "cannot add");
			} else if (events[i].events & EPOLLOUT) {
				check(write(fd, "!", 1) == 1, "cannot answer");
				close(fd);
				answers++;
			} else {
				check(read(fd, &byte, 1) == 1, "nothing to read");
				event = (struct epoll_event){.events = EPOLLOUT, .data.fd = fd};
				check(epoll_ctl(mine, EPOLL_CTL_MOD, fd, &event) == 0, "cannot modify");
			}
		}
	}
	close(mine);
	return (void *)(intptr_t)answers;
}

/* Two threads, an instance each; the listening socket and the eventfd that ends them are in both. */
static void share_between_threads(uint32_t how)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	pthread_t threads[2];
	uint64_t one = 1;
	void *answers[2];
	char byte;
	shared_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	shared_event = eventfd(0, EFD_NONBLOCK);
	check(bind(shared_listener, (struct sockaddr *)&address, len) == 0 && listen(shared_listener, PAIRS) == 0 &&
		      getsockname(shared_listener, (struct sockaddr *)&address, &len) == 0,
	      "cannot listen");
	for (int i = 0; i < 2; i++)
		check(pthread_create(&threads[i], NULL, serve_half, (void *)(uintptr_t)how) == 0, "no thread");
	for (int i = 0; i < 50 * PAIRS; i++) {
		int at = i % PAIRS;
		far[at] = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(far[at], (struct sockaddr *)&address, len) == 0, "cannot connect");
		check(write(far[at], "?", 1) == 1, "cannot ask");
		for (int j = 0; at == PAIRS - 1 && j < PAIRS; j++) {
			check(read(far[j], &byte, 1) == 1, "no answer");
			close(far[j]);
		}
	}
	check(write(shared_event, &one, sizeof(one)) == sizeof(one), "eventfd");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &answers[i]);
	printf("%d answers\n", (int)((intptr_t)answers[0] + (intptr_t)answers[1]));
}

void mode_shared(void)
{
	share_between_threads(0);
}

void mode_exclusive(void)
{
	share_between_threads(EPOLLEXCLUSIVE);
}
