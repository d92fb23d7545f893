/*
 * Makes objects, forks in all the ways there are, and goes on with the objects in both processes.
 *
 *	forker MODE
 *
 *	fork     parent and child check, reallocate and free what was made before, and make new ones
 *	again    the same, and the child forks in turn, and its child
 *	empty    forks with no object alive
 *	storm    forks 200 times, allocating in between
 *	thread   a second thread forks while the first allocates
 *	storms   three threads fork at the same time, while the main thread allocates
 *	workers  makes objects, forks four workers at once, which go on with them and make others
 *	exec     forks and executes itself
 *	vfork    the same by vfork
 *	spawn    the same by posix_spawn
 *	daemon   daemon(3), then goes on
 *	thp      as fork, with transparent huge pages switched off by prctl
 *	pages    prints the kernel's page size under an object, then as fork, and prints it in the child too
 *	huge     prints how much of an object's mapping is on transparent huge pages, before and after fork, in both
 *	         processes while they write beside each other
 *	linger   makes objects, forks often beside a child that stays, and waits for the end of its input
 *	leaf     makes objects (what is executed)
 *
 * Flags: -pthread. The output is the same whatever is preloaded, but for modes pages and huge.
 */
#define _GNU_SOURCE
#include "marked.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define STORM 200

extern char **environ;
static char *self;

static void await(pid_t pid)
{
	int status;
	check(pid > 0, "cannot fork");
	check(waitpid(pid, &status, 0) == pid && status == 0, "a child failed");
}

/* One process and its child, at work at the same time; so many times over. */
static void generations(unsigned n)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		check_all();
		change_all(100);
		if (n > 1)
			generations(n - 1);
		free_all();
		exit(0);
	}
	change_all(50);
	check_all();
	await(pid);
	check_all();
	change_all(75);
}

static void run_fork(unsigned n)
{
	make_all(1);
	generations(n);
	free_all();
	make_all(2);
	free_all();
	printf("%u generations\n", n);
}

static void run_empty(void)
{
	make_all(1);
	free_all();
	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			make_all(9);
			free_all();
			exit(0);
		}
		make_all(3);
		await(pid);
		free_all();
	}
	printf("3 children of an empty parent\n");
}

static void run_storm(void)
{
	make_all(1);
	for (unsigned i = 0; i < STORM; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct object mine;
			make(&mine, i, 5);
			check_object(&objects[i % OBJECTS]);
			free(objects[i % OBJECTS].at);
			check_object(&mine);
			_exit(0);
		}
		free(objects[i % OBJECTS].at);
		make(&objects[i % OBJECTS], i, (unsigned char)i);
		await(pid);
	}
	free_all();
	printf("%d forks\n", STORM);
}

static unsigned n_forking; /* threads */

static void fork_once(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct object mine[20];
		for (unsigned j = 0; j < 20; j++)
			make(&mine[j], j, (unsigned char)j);
		for (unsigned j = 0; j < 20; j++) {
			check_object(&mine[j]);
			free(mine[j].at);
		}
		_exit(0);
	}
	await(pid);
}

static void *forking_thread(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < 30; i++)
		fork_once();
	__atomic_sub_fetch(&n_forking, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void run_threads(unsigned n)
{
	pthread_t thread[3];
	make_all(1);
	n_forking = n;
	for (unsigned i = 0; i < n; i++)
		check(pthread_create(&thread[i], NULL, forking_thread, NULL) == 0, "no thread");
	for (unsigned char byte = 0; __atomic_load_n(&n_forking, __ATOMIC_ACQUIRE) > 0; byte++) {
		free_all();
		make_all(byte);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	free_all();
	printf("30 forks by each of %u threads\n", n);
}

static void run_workers(void)
{
	pid_t pid[4];
	make_all(1);
	fflush(stdout);
	for (unsigned i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] != 0)
			continue;
		change_all((unsigned char)i);
		for (unsigned j = 0; j < 20; j++) {
			free_all();
			make_all((unsigned char)(i * 20 + j));
		}
		free_all();
		exit(0);
	}
	check_all();
	change_all(200);
	for (unsigned i = 0; i < 4; i++)
		await(pid[i]);
	free_all();
	printf("4 workers\n");
}

static void run_leaf(void)
{
	make_all(7);
	free_all();
	printf("%d objects\n", OBJECTS);
}

static void run_exec(pid_t (*start)(void))
{
	make_all(1);
	fflush(stdout);
	unsetenv("STINGY_MAIN"); /* so that what is executed reports, too */
	pid_t pid = start();
	check_all();
	await(pid);
	free_all();
}

static pid_t by_exec(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		check_all();
		execl(self, self, "leaf", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();
	if (pid == 0) {
		execl(self, self, "leaf", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static pid_t by_spawn(void)
{
	char leaf[] = "leaf", *argv[] = {self, leaf, NULL};
	pid_t pid = -1;
	check(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0, "cannot spawn");
	return pid;
}

/* "Field: 2048 kB" or so: the line of smaps for the mapping that the address is in. */
static long in_smaps(const char *field, const void *address)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long low, high;
	long size = 0;
	int is_here = 0;
	check(smaps != NULL, "no smaps");
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
			is_here = (uintptr_t)address >= low && (uintptr_t)address < high;
		else if (is_here && strncmp(line, field, strlen(field)) == 0)
			size = atol(line + strlen(field));
	}
	fclose(smaps);
	return size;
}

static long page_size(const void *address)
{
	return in_smaps("KernelPageSize:", address);
}

static void run_pages(void)
{
	make_all(1);
	printf("page size %ld\n", page_size(objects[1].at));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		check_all();
		change_all(9);
		free_all();
		make_all(3);
		check_all();
		printf("page size %ld in the child\n", page_size(objects[1].at));
		exit(0);
	}
	await(pid);
	check_all();
	free_all();
	run_fork(2);
	run_storm();
}

/* One process says what it has while the other has it, too. */
static void say_huge(const char *who)
{
	check_all();
	change_all(20);
	printf("%s: %ld kB\n", who, in_smaps("AnonHugePages:", objects[1].at));
	fflush(stdout);
}

static void run_huge(void)
{
	int written[2], done[2];
	char byte = 0;
	check(pipe(written) == 0 && pipe(done) == 0, "no pipe");
	make_all(1);
	say_huge("before");
	pid_t pid = fork();
	if (pid == 0) {
		change_all(9);
		check(write(written[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1, "no parent");
		say_huge("child");
		_exit(0);
	}
	change_all(8);
	check(read(written[0], &byte, 1) == 1, "no child");
	say_huge("parent");
	check(write(done[1], &byte, 1) == 1, "no child");
	await(pid);
	free_all();
}

static void run_linger(void)
{
	make_all(1);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(1);
	}
	for (unsigned i = 0; i < STORM; i++) {
		pid_t other = fork();
		if (other == 0)
			_exit(0);
		mark(&objects[i % OBJECTS], (unsigned char)i);
		await(other);
	}
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	kill(pid, SIGKILL);
	check(waitpid(pid, NULL, 0) == pid, "no child");
	check_all();
	free_all();
}

static void run_daemon(void)
{
	make_all(1);
	check(daemon(1, 1) == 0, "no daemon");
	check_all();
	change_all(8);
	free_all();
	make_all(9);
	free_all();
	printf("a daemon\n");
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";
	self = argv[0];
	if (strcmp(mode, "fork") == 0)
		run_fork(1);
	else if (strcmp(mode, "again") == 0)
		run_fork(3);
	else if (strcmp(mode, "empty") == 0)
		run_empty();
	else if (strcmp(mode, "storm") == 0)
		run_storm();
	else if (strcmp(mode, "thread") == 0)
		run_threads(1);
	else if (strcmp(mode, "storms") == 0)
		run_threads(3);
	else if (strcmp(mode, "workers") == 0)
		run_workers();
	else if (strcmp(mode, "exec") == 0)
		run_exec(by_exec);
	else if (strcmp(mode, "vfork") == 0)
		run_exec(by_vfork);
	else if (strcmp(mode, "spawn") == 0)
		run_exec(by_spawn);
	else if (strcmp(mode, "daemon") == 0)
		run_daemon();
	else if (strcmp(mode, "leaf") == 0)
		run_leaf();
	else if (strcmp(mode, "huge") == 0)
		run_huge();
	else if (strcmp(mode, "linger") == 0)
		run_linger();
	else if (strcmp(mode, "pages") == 0)
		run_pages();
	else if (strcmp(mode, "thp") == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0)
		run_fork(2);
	else
		check(0, "no such mode");
	return 0;
}
