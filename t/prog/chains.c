/*
 * Allocates by many different call chains, for tests of the walk: recursion through functions whose frames differ,
 * call-backs from the C library, threads, signal handlers, coroutines, modules that come and go.
 *
 *	chains [plain|thread|signal|altstack|coroutine|first|jit|grow|module A.so B.so]
 *
 * Built four times: -O2 as chains, -O2 -fno-omit-frame-pointer as chains-fp, -O0 as chains-O0, -O3 as chains-O3; with
 * -pthread. The output does not depend on the build or on the libraries preloaded.
 */
#define _GNU_SOURCE
#include "../xorshift.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define SEED       12345u
#define CHAINS     3000
#define DEEPEST    40
#define STACK_SIZE (256 << 10) /* bytes of a coroutine's or handler's stack */

static unsigned long n_objects, n_bytes;

/* Keeps the compiler from making the last call a jump: then its frame would not be there. */
#define STAY(value) __asm__ volatile("" : "+r"(value) : : "memory")

static unsigned long give(unsigned long size, uint32_t *random)
{
	char *object = next_random(random) % 4 == 0 ? calloc(1, size) : malloc(size);
	if (!object)
		abort();
	memset(object, 0x5a, size);
	STAY(object);
	free(object);
	n_objects++;
	n_bytes += size;
	return size;
}

typedef unsigned long step_fn(unsigned depth, uint32_t *random);

static step_fn small, medium, large, saver, sorter;
static step_fn *const steps[] = {small, medium, large, saver, sorter, small, medium};

static unsigned long go_on(unsigned depth, uint32_t *random)
{
	unsigned long sum = depth == 0 ? give(16 + next_random(random) % 500, random)
				       : steps[next_random(random) % 7](depth - 1, random);
	STAY(sum);
	return sum;
}

static __attribute__((noinline)) unsigned long small(unsigned depth, uint32_t *random)
{
	unsigned long sum = go_on(depth, random);
	STAY(sum);
	return sum + 1;
}

static __attribute__((noinline)) unsigned long medium(unsigned depth, uint32_t *random)
{
	volatile char room[136];
	room[depth] = (char)depth;
	unsigned long sum = go_on(depth, random);
	STAY(sum);
	return sum + (unsigned long)room[depth];
}

static __attribute__((noinline)) unsigned long large(unsigned depth, uint32_t *random)
{
	volatile char room[1000];
	room[depth] = (char)depth;
	unsigned long sum = give(24, random) + go_on(depth, random);
	STAY(sum);
	return sum + (unsigned long)room[depth];
}

/* Many values live over the call: all registers that a callee saves. */
static __attribute__((noinline)) unsigned long saver(unsigned depth, uint32_t *random)
{
	unsigned long a = depth, b = a * 3, c = a ^ 5, d = a + 7, e = a * a, f = e + b;
	STAY(a);
	STAY(b);
	STAY(c);
	STAY(d);
	STAY(e);
	STAY(f);
	unsigned long sum = go_on(depth, random);
	STAY(sum);
	return sum + a + b + c + d + e + f;
}

/* The rest of the chain goes on in a call-back; what it needs is here. */
static __thread struct {
	unsigned depth;
	int is_done;
	uint32_t *random;
	unsigned long sum;
} pending;

static int compare(const void *left, const void *right)
{
	if (!pending.is_done) {
		pending.is_done = 1;
		pending.sum += go_on(pending.depth, pending.random);
	}
	return *(const int *)left - *(const int *)right;
}

static __attribute__((noinline)) unsigned long sorter(unsigned depth, uint32_t *random)
{
	int numbers[] = {3, 1, 2};
	pending.depth = depth;
	pending.random = random;
	pending.is_done = 0;
	pending.sum = 0;
	qsort(numbers, 3, sizeof(*numbers), compare);
	unsigned long sum = pending.sum;
	STAY(sum);
	return sum + (unsigned long)numbers[0];
}

static unsigned long run(uint32_t seed, unsigned count)
{
	uint32_t random = seed;
	unsigned long sum = 0;
	for (unsigned i = 0; i < count; i++)
		sum += go_on(next_random(&random) % DEEPEST, &random);
	return sum;
}

static void *thread_main(void *seed)
{
	return (void *)run((uint32_t)(uintptr_t)seed, CHAINS / 10);
}

static unsigned long in_threads(void)
{
	unsigned long sum = 0;
	for (uintptr_t i = 0; i < 8; i++) { /* one after the other: the counters are the program's */
		pthread_t thread;
		void *result;
		if (pthread_create(&thread, NULL, thread_main, (void *)(SEED + i)) != 0 ||
		    pthread_join(thread, &result) != 0)
			abort();
		sum += (unsigned long)result;
	}
	return sum;
}

static unsigned long signal_sum;
static uint32_t signal_random = SEED;

static void on_signal(int number)
{
	(void)number;
	signal_sum += go_on(next_random(&signal_random) % DEEPEST, &signal_random);
}

/* Raised by the program itself, outside malloc: so that the handler may allocate. */
static unsigned long in_handler(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
	stack_t stack = {.ss_sp = malloc(STACK_SIZE), .ss_size = STACK_SIZE};
	if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		abort();
	for (unsigned i = 0; i < CHAINS / 10; i++)
		raise(SIGUSR1);
	return signal_sum;
}

static ucontext_t main_context, coroutine_context;
static unsigned long coroutine_sum;

static void coroutine_main(void)
{
	uint32_t random = SEED;
	for (;;) {
		coroutine_sum += go_on(next_random(&random) % DEEPEST, &random);
		swapcontext(&coroutine_context, &main_context);
	}
}

static unsigned long in_coroutine(void)
{
	static char stack[STACK_SIZE];
	uint32_t random = SEED + 1;
	getcontext(&coroutine_context);
	coroutine_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof(stack)};
	makecontext(&coroutine_context, coroutine_main, 0);
	for (unsigned i = 0; i < CHAINS / 10; i++) {
		swapcontext(&main_context, &coroutine_context);
		coroutine_sum += go_on(next_random(&random) % DEEPEST, &random);
	}
	return coroutine_sum;
}

static void *first_main(void *unused)
{
	(void)unused;
	return (void *)in_coroutine();
}

/* A thread whose first allocation of all is a coroutine's. */
static unsigned long in_coroutine_first(void)
{
	pthread_t thread;
	void *result;
	if (pthread_create(&thread, NULL, first_main, NULL) != 0 || pthread_join(thread, &result) != 0)
		abort();
	return (unsigned long)result;
}

static unsigned long jit_sum;
static uint32_t jit_random = SEED;

static void from_jit(void)
{
	jit_sum += go_on(next_random(&jit_random) % DEEPEST, &jit_random);
}

/* Code in no module, without unwind tables, and with something else in the frame pointer. */
static unsigned long in_jit(void)
{
	/* push rbp; mov rbp, 17; call rdi; pop rbp; ret */
	static const unsigned char code[] = {0x55, 0x48, 0xc7, 0xc5, 17, 0, 0, 0, 0xff, 0xd7, 0x5d, 0xc3};
	void (*run_code)(void (*)(void));
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		abort();
	memcpy(at, code, sizeof(code));
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0)
		abort();
	memcpy(&run_code, &at, sizeof(at));
	for (unsigned i = 0; i < CHAINS / 10; i++)
		run_code(from_jit);
	return jit_sum;
}

/* One wrapper for all: only the address behind it tells a fresh object from one that grows. */
static __attribute__((noinline)) void *resize(void *object, size_t size)
{
	object = realloc(object, size);
	STAY(object);
	return object;
}

static __attribute__((noinline)) void *begin_small(void)
{
	void *object = resize(NULL, 100);
	STAY(object);
	return object;
}

static __attribute__((noinline)) void *grow_large(void *object)
{
	object = resize(object, 1000);
	STAY(object);
	return object;
}

static unsigned long with_growth(void)
{
	for (unsigned i = 0; i < CHAINS / 10; i++) {
		unsigned char *object = begin_small();
		memset(object, 0x5a, 100);
		object = grow_large(object);
		for (unsigned at = 0; at < 100; at++)
			if (object[at] != 0x5a)
				abort();
		free(object);
		n_objects++;
	}
	return n_objects;
}

static unsigned long in_module(const char *path)
{
	void *(*chain_module)(size_t, unsigned);
	void *module = dlopen(path, RTLD_NOW), *found = module ? dlsym(module, "chain_module") : NULL;
	if (!found) {
		fprintf(stderr, "chains: %s\n", dlerror());
		exit(1);
	}
	memcpy(&chain_module, &found, sizeof(found));
	for (unsigned i = 0; i < 20; i++) {
		void *object = chain_module(24, i);
		memset(object, 0x5a, 24 + 8 * i);
		free(object);
		n_objects++;
	}
	dlclose(module);
	return 20;
}

static unsigned long in_modules(char **paths)
{
	unsigned long sum = 0;
	for (unsigned i = 0; i < 20; i++)
		sum += in_module(paths[i % 2]);
	return sum + run(SEED, 10);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";
	unsigned long sum = 0;
	if (strcmp(how, "plain") == 0)
		sum = run(SEED, CHAINS);
	else if (strcmp(how, "thread") == 0)
		sum = in_threads();
	else if (strcmp(how, "signal") == 0)
		sum = in_handler(0);
	else if (strcmp(how, "altstack") == 0)
		sum = in_handler(SA_ONSTACK);
	else if (strcmp(how, "coroutine") == 0)
		sum = in_coroutine();
	else if (strcmp(how, "first") == 0)
		sum = in_coroutine_first();
	else if (strcmp(how, "jit") == 0)
		sum = in_jit();
	else if (strcmp(how, "grow") == 0)
		sum = with_growth();
	else if (strcmp(how, "module") == 0 && argc == 4)
		sum = in_modules(argv + 2);
	printf("seed %u: %lu objects, %lu bytes, sum %lu\n", SEED, n_objects, n_bytes, sum);
	return sum == 0;
}
