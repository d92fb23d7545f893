/*
 * Allocates one object at each of two places, then gives up all system calls but read, write and exit (seccomp's strict
 * mode: any other kills), and goes on allocating: there, and at a place where it has not before.
 *
 *	silent
 */
#include <linux/seccomp.h>
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

int main(void)
{
	free(make_small());
	free(make_large());
	/* Room for what the next allocator has to serve: it is not its system calls that are at issue. */
	void *room = malloc(100000);
	__asm__ volatile("" : "+r"(room) : : "memory");
	free(room);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		end("no seccomp\n");
	run();
	end("silent\n");
}
