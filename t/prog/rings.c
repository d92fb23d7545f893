/*
 *	rings WAY              an event loop of 100 turns that waits for completions of io_uring in that way
 *	rings-alone            no liburing: what its functions say then, if they are there at all
 *	rings-alone MODULE WAY the loop is in a module, loaded for nobody else to see, that needs liburing
 *
 * Each turn has an object, which lives to the next but one. Between its waits the loop also looks whether something is
 * there, and submits, which is no waiting. On stdout what the waits gave, and that other system calls are what they
 * are without anybody before syscall().
 *
 * rings and the module are linked with a fake liburing (fake-liburing.c).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURNS 100
#define SIZE  1000 /* bytes of an object */
#define LIVE  2    /* objects at once */

/* As the fake has it. */
struct io_uring {
	struct io_uring_cqe cqe;
};

#ifdef ALONE
#define LIBRARY __attribute__((weak))
#else
#define LIBRARY
#endif

LIBRARY int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit, unsigned n,
			       sigset_t *mask);
LIBRARY int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
			       struct __kernel_timespec *time, sigset_t *mask);
LIBRARY int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, struct __kernel_timespec *time);
LIBRARY int io_uring_submit_and_wait(struct io_uring *ring, unsigned n);
LIBRARY int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
					     struct __kernel_timespec *time, sigset_t *mask);
LIBRARY int io_uring_enter(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask);
LIBRARY int io_uring_enter2(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask, size_t size);

int rings(const char *way);

#ifndef ALONE
static struct io_uring ring;

/* One wait; returns what it gave. */
static long wait_once(const char *way)
{
	struct io_uring_cqe *cqe = &ring.cqe;

	errno = 0;
	if (strcmp(way, "get") == 0)
		return __io_uring_get_cqe(&ring, &cqe, 0, 1, NULL) + (long)cqe->user_data;
	if (strcmp(way, "cqes") == 0)
		return io_uring_wait_cqes(&ring, &cqe, 1, NULL, NULL) + (long)cqe->user_data;
	if (strcmp(way, "timeout") == 0)
		return io_uring_wait_cqe_timeout(&ring, &cqe, NULL) + (long)cqe->user_data;
	if (strcmp(way, "submit") == 0)
		return io_uring_submit_and_wait(&ring, 1);
	if (strcmp(way, "submit-timeout") == 0)
		return io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL) + (long)cqe->user_data;
	if (strcmp(way, "enter") == 0)
		return io_uring_enter(0, 0, 2, IORING_ENTER_GETEVENTS, NULL);
	if (strcmp(way, "enter2") == 0)
		return io_uring_enter2(0, 0, 3, IORING_ENTER_GETEVENTS, NULL, 8);
	return syscall(SYS_io_uring_enter, -1, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) * errno;
}

/* None of it waits. */
static long look(void)
{
	struct io_uring_cqe *cqe;

	return __io_uring_get_cqe(&ring, &cqe, 0, 0, NULL) + io_uring_submit_and_wait(&ring, 0) +
	       io_uring_enter(0, 0, 0, IORING_ENTER_GETEVENTS, NULL) + io_uring_enter2(0, 1, 1, 0, NULL, 8) +
	       syscall(SYS_io_uring_enter, -1, 1, 0, 0, NULL, 0);
}

static __attribute__((noinline)) void serve(unsigned turn)
{
	static void *object[LIVE];
	void **mine = &object[turn % LIVE];

	free(*mine);
	*mine = malloc(SIZE);
	if (!*mine)
		abort();
	memset(*mine, (int)turn, SIZE);
}

static __attribute__((noinline)) void loop(const char *way)
{
	long sum = 0;

	for (unsigned i = 0; i < TURNS; i++) {
		sum += wait_once(way);
		serve(i);
		sum += look();
	}
	printf("%s: %ld\n", way, sum);
}

int rings(const char *way)
{
	size_t page = (size_t)getpagesize();
	char *mapped =
		(char *)syscall(SYS_mmap, NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	loop(way);
	printf("mmap: %d\n", mapped != MAP_FAILED && !mapped[page - 1] && syscall(SYS_munmap, mapped, page) == 0);
	errno = 0;
	printf("close: %ld", syscall(SYS_close, -1));
	printf(", %d\n", errno);
	return 0;
}
#endif

#if defined ALONE
static int load(const char *module, const char *way)
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	int (*function)(const char *way) = handle ? (int (*)(const char *))dlsym(handle, "rings") : NULL;

	if (!function) {
		fprintf(stderr, "rings-alone: %s\n", dlerror());
		return 1;
	}
	return function(way);
}

int main(int argc, char **argv)
{
	if (argc > 2)
		return load(argv[1], argv[2]);
	if (io_uring_submit_and_wait && io_uring_wait_cqe_timeout)
		printf("%d %d\n", io_uring_submit_and_wait(NULL, 1), io_uring_wait_cqe_timeout(NULL, NULL, NULL));
	return 0;
}
#elif !defined MODULE
int main(int argc, char **argv)
{
	return argc > 1 ? rings(argv[1]) : 2;
}
#endif
