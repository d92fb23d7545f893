/*
 * What a program may do with its main thread's stack. Makes objects in nested functions all the while, and checks them.
 *
 *	stack MODE
 *
 *	where      prints whether the stack is the kernel's
 *	deep       recursion through 4 MiB
 *	endless    recursion without an end: SIGSEGV
 *	caught     the same, with a handler on a stack of its own, which leaves by siglongjmp; twice
 *	jump       longjmp out of nested calls, and out of a handler
 *	exit       exit() in a nested call, with handlers that make objects
 *	return     main returns 7
 *	leave      pthread_exit() in a nested call of main: cleanup handlers run, another thread ends the process
 *	fork       fork in a nested call; the child returns from main, and the parent
 *	vfork      vfork, posix_spawn and system()
 *	backtrace  backtrace() goes on from main to the program's first instruction
 *	environ    arguments and environment are as they were given
 *	coroutine  swapcontext from main to another stack, and back
 *	sorted     objects made in call-backs of the C library
 *
 * Built three times: as stack; as old-stack, with -DOLD_START and old-start.c, which begins as programs did that were
 * linked before glibc 2.34; and as exec-stack, with -Wl,-z,execstack. Flags: -pthread. But for mode where, the output
 * does not depend on the build or on what is preloaded.
 */
#define _GNU_SOURCE
#include "nested.h"

#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define DEEP (4u << 20) /* bytes */

extern char **environ;
static char *self;

static void say(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

/* Whether an address is in what the kernel calls the stack. */
static int is_kernels(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long low, high;
	int is_it = 0;
	check(maps != NULL, "no maps");
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]") && sscanf(line, "%lx-%lx ", &low, &high) == 2)
			is_it = (uintptr_t)address >= low && (uintptr_t)address < high;
	fclose(maps);
	return is_it;
}

static void run_where(void)
{
	char here = 0;
	say(is_kernels(&here) ? "the kernel's" : "another one");
}

static __attribute__((noinline)) unsigned go_down(uintptr_t until, unsigned depth)
{
	volatile char frame[2000];
	frame[0] = (char)depth;
	if ((uintptr_t)frame > until)
		depth = go_down(until, depth + 1);
	STAY(depth);
	return depth + (unsigned)frame[0] * 0;
}

static void run_deep(void)
{
	char here = 0;
	make_all();
	check(go_down((uintptr_t)&here - DEEP, 0) > 1000, "not deep");
	renew_all();
	check(go_down((uintptr_t)&here - DEEP, 0) > 1000, "not deep");
	check_all();
	say("deep");
}

static void run_endless(void)
{
	make_all();
	say("endless");
	go_down(0, 0);
	say("there was an end");
}

static sigjmp_buf before;

static void on_overflow(int signal)
{
	(void)signal;
	siglongjmp(before, 1);
}

static void use_stack_for_signals(void (*handler)(int), int signal)
{
	static char room[64 << 10];
	const stack_t other = {.ss_sp = room, .ss_size = sizeof(room)};
	struct sigaction action = {.sa_flags = SA_ONSTACK};
	action.sa_handler = handler;
	check(sigaltstack(&other, NULL) == 0 && sigaction(signal, &action, NULL) == 0, "no handler");
}

static void run_caught(void)
{
	static volatile int n;
	make_all();
	use_stack_for_signals(on_overflow, SIGSEGV);
	if (sigsetjmp(before, 1) == 0 || n++ == 0)
		go_down(0, 0);
	renew_all();
	check(n == 2, "not twice");
	say("caught");
}

static __attribute__((noinline)) void jump_from(unsigned depth)
{
	renew_all();
	if (depth == 0)
		siglongjmp(before, 1);
	jump_from(depth - 1);
	STAY(depth);
}

static void on_signal(int signal)
{
	(void)signal;
	renew_all();
}

static void run_jump(void)
{
	static volatile int n;
	make_all();
	if (sigsetjmp(before, 1) == 0)
		jump_from(20);
	if (n++ < 3)
		siglongjmp(before, 1);
	use_stack_for_signals(on_signal, SIGUSR1);
	check(raise(SIGUSR1) == 0, "no signal");
	check(signal(SIGUSR2, on_overflow) != SIG_ERR, "no handler");
	if (sigsetjmp(before, 1) == 0)
		raise(SIGUSR2);
	renew_all();
	say("jumped");
}

/* Always; so that the compiler does not see a function that cannot return. */
static volatile int is_time = 1;

static void at_exit(void)
{
	renew_all();
	say("at exit");
}

static __attribute__((noinline)) void exit_from(unsigned depth)
{
	if (depth == 0)
		is_time ? exit(3) : (void)0;
	else
		exit_from(depth - 1);
	STAY(depth);
}

static void run_exit(void)
{
	make_all();
	check(atexit(at_exit) == 0, "no handler");
	exit_from(5);
}

static void run_return(void)
{
	make_all();
	check(atexit(at_exit) == 0, "no handler");
	renew_all();
}

static pthread_t main_thread;

static void *outlive(void *unused)
{
	(void)unused;
	check(pthread_join(main_thread, NULL) == 0, "main is no thread");
	renew_all();
	say("outlived");
	exit(0);
}

static void clean_up(void *what)
{
	renew_all();
	say(what);
}

static __attribute__((noinline)) void leave_from(unsigned depth)
{
	char text[] = "cleaned up";
	pthread_cleanup_push(clean_up, text);
	if (depth == 0)
		is_time ? pthread_exit(NULL) : (void)0;
	else
		leave_from(depth - 1);
	pthread_cleanup_pop(0);
}

static void run_leave(void)
{
	pthread_t thread;
	make_all();
	main_thread = pthread_self();
	check(pthread_create(&thread, NULL, outlive, NULL) == 0, "no thread");
	leave_from(3);
}

static void await(pid_t pid)
{
	int status;
	check(pid > 0, "cannot fork");
	check(waitpid(pid, &status, 0) == pid && status == 0, "a child failed");
}

/* Also before there is an object. The child goes on to main's return. */
static void run_fork(void)
{
	char here;
	pid_t first = fork();
	if (first == 0)
		_exit(go_down((uintptr_t)&here - DEEP, 0) <= 1000); /* without a word of how many objects there were */
	await(first);
	make_all();
	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = fork();
		renew_all();
		if (pid == 0) {
			check(go_down((uintptr_t)&here - DEEP, 0) > 1000, "not deep");
			say("child");
			return;
		}
		await(pid);
		renew_all();
	}
	say("parent");
}

static void run_vfork(void)
{
	char mode[] = "return", *argv[] = {self, mode, NULL};
	int status;
	make_all();
	pid_t pid = vfork();
	if (pid == 0) {
		execl(self, self, "deep", (char *)NULL);
		_exit(127);
	}
	await(pid);
	renew_all();
	check(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0, "cannot spawn");
	check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7, "not 7");
	renew_all();
	check(system("exit 5") == 5 << 8, "no system");
	check_all();
	say("vforked");
}

#ifdef OLD_START
#define FIRST start_as_of_old
#else
#define FIRST _start
#endif
extern char FIRST[];

static void run_backtrace(void)
{
	void *frame[64];
	int n = backtrace(frame, 64);
	check(n > 3 && n < 64, "no backtrace");
	uintptr_t first = (uintptr_t)frame[n - 1] - (uintptr_t)FIRST;
	say(first < 128 ? "back to the first instruction" : "ends before the first instruction");
}

static void run_environ(int argc, char **argv, char **environment)
{
	check(argc == 2 && argv[2] == NULL && environment == environ, "other arguments");
	check(is_kernels(argv) && is_kernels(argv[1]), "the arguments have moved");
	check(getenv("STACK_TEST") && strcmp(getenv("STACK_TEST"), "seen") == 0, "no environment");
	say("environment");
}

static ucontext_t caller, coroutine;

static void in_coroutine(void)
{
	renew_all();
	swapcontext(&coroutine, &caller);
	renew_all();
}

static void run_coroutine(void)
{
	const size_t size = 256 << 10;
	char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(room != MAP_FAILED && getcontext(&coroutine) == 0, "no context");
	make_all();
	coroutine.uc_stack.ss_sp = room;
	coroutine.uc_stack.ss_size = size;
	coroutine.uc_link = &caller;
	makecontext(&coroutine, in_coroutine, 0);
	check(swapcontext(&caller, &coroutine) == 0, "no coroutine");
	renew_all();
	check(swapcontext(&caller, &coroutine) == 0, "no coroutine");
	renew_all();
	say("coroutine");
}

static int compare(const void *a, const void *b)
{
	unsigned i = *(const unsigned *)a % OBJECTS;
	free(objects[i]);
	make(i);
	return *(const unsigned *)a < *(const unsigned *)b ? -1 : 1;
}

static void run_sorted(void)
{
	unsigned numbers[100];
	make_all();
	for (unsigned i = 0; i < 100; i++)
		numbers[i] = i * 37 % 100;
	qsort(numbers, 100, sizeof(*numbers), compare);
	for (unsigned i = 0; i < 100; i++)
		check(numbers[i] == i, "not sorted");
	check_all();
	say("sorted");
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{"where", run_where},         {"deep", run_deep},   {"endless", run_endless},     {"caught", run_caught},
	{"jump", run_jump},           {"exit", run_exit},   {"return", run_return},       {"leave", run_leave},
	{"fork", run_fork},           {"vfork", run_vfork}, {"coroutine", run_coroutine}, {"sorted", run_sorted},
	{"backtrace", run_backtrace},
};

int main(int argc, char **argv, char **environment)
{
	const char *mode = argc == 2 ? argv[1] : "";
	self = argv[0];
	if (strcmp(mode, "environ") == 0)
		run_environ(argc, argv, environment);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(mode, modes[i].name) == 0)
			modes[i].run();
	return strcmp(mode, "return") == 0 ? 7 : 0;
}
