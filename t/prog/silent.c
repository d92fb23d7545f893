/*
 * Allocates one object at each of two places, then gives up all system calls but read, write and exit (seccomp's strict
 * mode: any other kills), and goes on allocating: there, and at a place where it has not before.
 *
 *	silent
 *	silent thread   instead, gives up what it takes to ask for the bounds of a thread's stack
 *	                (sched_getaffinity, openat), and goes on in a second thread
 *
 * Flags: -pthread.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 5000
#define AHEAD  20

static __attribute__((noinline)) void *make_small(void)
{
	void *object = malloc(64);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static __attribute__((noinline)) void *make_large(void)
{
	void *object = calloc(1, 700);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

static __attribute__((noinline)) void *make_late(void)
{
	void *object = malloc(200);
	__asm__ volatile("" : "+r"(object) : : "memory");
	return object;
}

/* As printf would allocate and more; and exit would end the process by another call than seccomp allows. */
static __attribute__((noreturn)) void end(const char *text)
{
	ssize_t written = write(STDOUT_FILENO, text, strlen(text));
	syscall(SYS_exit, written < 0);
	__builtin_unreachable();
}

static void run(void)
{
	void *small[AHEAD], *large[AHEAD];
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < AHEAD; i++) {
			small[i] = make_small();
			large[i] = make_large();
			free(make_late());
		}
		for (unsigned i = 0; i < AHEAD; i++) {
			small[i] = realloc(small[i], 60);
			free(small[i]);
			free(large[i]);
		}
	}
}

static int forbid_asking(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_getaffinity, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof(steps) / sizeof(*steps), steps};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0
		       ? 0
		       : -1;
}

static void *run_in_thread(void *unused)
{
	run();
	return unused;
}

static void run_thread(void)
{
	pthread_t thread;
	if (forbid_asking() != 0)
		end("no seccomp\n");
	if (pthread_create(&thread, NULL, run_in_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
		end("no thread\n");
	end("silent\n");
}

int main(int argc, char **argv)
{
	free(make_small());
	free(make_large());
	/* Room for what the next allocator has to serve: it is not its system calls that are at issue. */
	void *room = malloc(100000);
	__asm__ volatile("" : "+r"(room) : : "memory");
	free(room);
	if (argc == 2 && strcmp(argv[1], "thread") == 0)
		run_thread();
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		end("no seccomp\n");
	run();
	end("silent\n");
}
