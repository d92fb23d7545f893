/*
 * Threads, forks, signals and the loader at bad moments.
 *
 *	perils loader MODULE   forks while another thread loads and unloads the module; children allocate at a new place
 *	perils iterate         the same while it goes through the list of modules
 *	perils orphans         a child whose first thread exits; two others allocate at once
 *	perils short           many threads that allocate and end, one after the other, then two at once
 *	perils cancel          allocates in a thread that has been cancelled
 *	perils handler         closes descriptors in a signal handler while it waits for others
 *
 * Flags: -pthread. The output does not depend on the libraries preloaded.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS    100
#define PATIENCE 12000 /* times 5 ms: what hangs is killed then */
#define SHORT    200   /* threads one after the other */
#define EACH     10    /* objects that each of them makes */
#define MANY     50000 /* objects that each of two threads at once makes */
#define CHANGES  200000
#define SIZE     64u

/* The one place that the manifest has. */
static __attribute__((noinline)) unsigned char *make(unsigned char mark)
{
	unsigned char *object = malloc(SIZE);
	check(object != NULL, "no memory");
	memset(object, mark, SIZE);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static void end(unsigned char *object, unsigned char mark)
{
	for (unsigned i = 0; i < SIZE; i++)
		check(object[i] == mark, "an object's contents changed");
	free(object);
}

/* A place that only children come to. */
static __attribute__((noinline)) void *make_late(void)
{
	void *object = malloc(SIZE);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static pthread_t start(void *(*run)(void *), void *data)
{
	pthread_t thread;
	check(pthread_create(&thread, NULL, run, data) == 0, "no thread");
	return thread;
}

static int is_over;

static void *load_and_unload(void *path)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		void *module = dlopen(path, RTLD_NOW);
		check(module != NULL, "cannot load the module");
		dlclose(module);
	}
	return NULL;
}

/* The loader's lock is held meanwhile. */
static int linger(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)info;
	(void)size;
	(void)data;
	usleep(500);
	return 0;
}

static void *iterate(void *unused)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		dl_iterate_phdr(linger, NULL);
	return unused;
}

/* Whether the child ends by itself. */
static int ends(pid_t pid)
{
	int status = -1;
	for (unsigned i = 0; i < PATIENCE; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status == 0;
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}

static void run_forks(void *(*peril)(void *), void *data)
{
	unsigned char *kept = make(1);
	pthread_t thread = start(peril, data);
	unsigned n = 0;
	usleep(20000);
	while (n < FORKS) {
		pid_t pid = fork();
		if (pid == 0) {
			unsigned char *object = make(3);
			free(make_late());
			end(kept, 1);
			end(object, 3);
			_exit(0);
		}
		check(pid > 0, "cannot fork");
		if (!ends(pid))
			break;
		n++;
	}
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	end(kept, 1);
	printf("%u of %d children ended\n", n, FORKS);
}

static void *make_many(void *mark)
{
	unsigned char byte = (unsigned char)(uintptr_t)mark;
	for (unsigned i = 0; i < MANY; i++) {
		unsigned char *object = make(byte), *other = make(byte);
		end(object, byte);
		end(other, byte);
	}
	return NULL;
}

static pthread_barrier_t has_allocated;

/* The owner in the child; then the thread that was it in the parent goes. */
static void *outlive(void *first)
{
	unsigned char *kept = make(5);
	pthread_barrier_wait(&has_allocated);
	pthread_join(*(pthread_t *)first, NULL);
	pthread_t other = start(make_many, (void *)7);
	make_many((void *)8);
	pthread_join(other, NULL);
	end(kept, 5);
	exit(0);
}

static void run_orphans(void)
{
	static pthread_t first;
	int status;
	end(make(1), 1);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		first = pthread_self();
		check(pthread_barrier_init(&has_allocated, NULL, 2) == 0, "no barrier");
		start(outlive, &first);
		pthread_barrier_wait(&has_allocated);
		pthread_exit(NULL);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0, "the child failed");
	printf("both threads of the child are well\n");
}

static void *make_few(void *mark)
{
	for (unsigned i = 0; i < EACH; i++)
		end(make((unsigned char)(uintptr_t)mark), (unsigned char)(uintptr_t)mark);
	return NULL;
}

static void run_short(void)
{
	end(make(1), 1); /* so that the others are not the owner */
	for (uintptr_t i = 0; i < SHORT; i++)
		pthread_join(start(make_few, (void *)i), NULL);
	pthread_t one = start(make_many, (void *)1), other = start(make_many, (void *)2);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	printf("%d objects in threads\n", SHORT * EACH + 4 * MANY);
}

static int has_returned;

static void *allocate_cancelled(void *unused)
{
	pthread_cancel(pthread_self());
	void *object = make_late(); /* malloc is no cancellation point */
	has_returned = 1;
	free(object);
	pthread_testcancel();
	return unused;
}

static void run_cancel(void)
{
	void *result;
	end(make(1), 1);
	for (unsigned i = 0; i < 3; i++) {
		has_returned = 0;
		pthread_join(start(allocate_cancelled, NULL), &result);
		printf("malloc %s, the thread %s\n", has_returned ? "returned" : "did not return",
		       result == PTHREAD_CANCELED ? "was cancelled" : "went on");
	}
	end(make(2), 2);
}

static volatile sig_atomic_t n_signals;

static void close_in_handler(int number)
{
	(void)number;
	close(999);
	n_signals++;
}

static void run_handler(void)
{
	const struct itimerval every = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}}; /* us */
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0), ends_of_pipe[2];
	check(epoll >= 0 && pipe(ends_of_pipe) == 0 && signal(SIGALRM, close_in_handler) != SIG_ERR, "no descriptors");
	check(setitimer(ITIMER_REAL, &every, NULL) == 0, "no timer");
	for (unsigned i = 0; i < CHANGES || n_signals < 100; i++) {
		event.data.u64 = i;
		check(epoll_ctl(epoll, i ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, ends_of_pipe[0], &event) == 0, "epoll_ctl");
	}
	setitimer(ITIMER_REAL, &never, NULL);
	printf("%d changes\n", CHANGES);
}

int main(int argc, char **argv)
{
	const char *peril = argc > 1 ? argv[1] : "";
	if (strcmp(peril, "loader") == 0 && argc == 3)
		run_forks(load_and_unload, argv[2]);
	else if (strcmp(peril, "iterate") == 0)
		run_forks(iterate, NULL);
	else if (strcmp(peril, "orphans") == 0)
		run_orphans();
	else if (strcmp(peril, "short") == 0)
		run_short();
	else if (strcmp(peril, "cancel") == 0)
		run_cancel();
	else if (strcmp(peril, "handler") == 0)
		run_handler();
	else
		check(0, "no such peril");
	return 0;
}
