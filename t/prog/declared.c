/*
 * Calls functions that a test declares: across modules, in this program, and in a module loaded late; from four threads
 * when given a number of rounds. What it prints must be the same whoever stands before the functions.
 *
 *	declared MODULE [ROUNDS]
 */
#include "declared.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN __attribute__((noinline, noclone))

static uint64_t sum; /* of everything, in the main thread */

static void stage_one(void *task)
{
	sum += (uintptr_t)task;
}

static void stage_two(void *task)
{
	sum += 2 * (uintptr_t)task;
}

/* Called directly. Not static, so that its name stays; hidden, so that it is in no dynamic table. */
HIDDEN __attribute__((visibility("hidden"))) uint64_t direct(int n, void *task, stage_function *stage, ...);

uint64_t direct(int n, void *task, stage_function *stage, ...)
{
	uint64_t result = (uintptr_t)task + (stage == stage_two);
	va_list args;

	va_start(args, stage);
	for (int i = 0; i < n; i++)
		result = result * 7 + (uint64_t)va_arg(args, double) + va_arg(args, unsigned);
	va_end(args);
	return result;
}

/*
 * Functions that begin in odd ways: each takes (task, stage) and gives the task back, changed. short: 4 bytes, then
 * what fills; test: a jump within the first bytes; data: reads memory relative to itself; tail: jumps on at once;
 * frame: with a frame pointer; again: jumps back into its first bytes, and must be left alone; keep: does not touch
 * r11, xmm9.
 */
uint64_t odd_short(void *task, stage_function *stage);
uint64_t odd_test(void *task, stage_function *stage);
uint64_t odd_data(void *task, stage_function *stage);
uint64_t odd_tail(void *task, stage_function *stage);
uint64_t odd_frame(void *task, stage_function *stage);
uint64_t odd_again(void *task, stage_function *stage);
uint64_t odd_mark(void *task, stage_function *stage);
uint64_t odd_keep(void *task, stage_function *stage);

#define ODD(name, code)                                                                                                \
	__asm__(".text\n.p2align 4\n.globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" #name           \
		":\n.cfi_startproc\n" code "\n.cfi_endproc\n.size " #name ", . - " #name "\n.p2align 4\n")

ODD(odd_short, "movq %rdi, %rax\nret");
ODD(odd_test, "testq %rdi, %rdi\nje 1f\nleaq 1(%rdi), %rax\nret\n1: movl $77, %eax\nret");
ODD(odd_data, "movq odd_word(%rip), %rax\naddq %rdi, %rax\nret");
ODD(odd_tail, "jmp odd_data");
ODD(odd_frame, "endbr64\npushq %rbp\nmovq %rsp, %rbp\nleaq 3(%rdi), %rax\npopq %rbp\nret");
ODD(odd_again, "decq %rdi\n1: addq $3, %rdi\ntestq $4, %rdi\njne 1b\nmovq %rdi, %rax\nret");
ODD(odd_mark, "movl $7, %eax\nimulq %rdi, %rax\nret");
ODD(odd_keep, "movl $9, %eax\nimulq %rdi, %rax\nret");
__asm__(".data\n.p2align 3\nodd_word: .quad 1234567\n.text");

/* Calls odd_keep with values in registers that it does not touch, as a compiler may that knows it. */
static uint64_t call_keep(uint64_t task)
{
	uint64_t result, kept, vector;

	__asm__ volatile(
		"movq %3, %%r11\n\tmovq %3, %%xmm9\n\tmovq %3, %%rcx\n\tmovq %3, %%rdi\n\tleaq stage_any(%%rip), "
		"%%rsi\n\tsubq $128, %%rsp\n\tcall odd_keep\n\taddq $128, %%rsp\n\tmovq %%rax, %0\n\tleaq (%%r11, "
		"%%rcx), %1\n\tmovq %%xmm9, %2"
		: "=&r"(result), "=&r"(kept), "=&r"(vector)
		: "r"(task)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm9", "memory");
	return result + kept * 3 + vector * 5;
}
__asm__(".text\nstage_any: ret");

static uint64_t call_all(uint64_t n)
{
	void *task = (void *)(0x10000 + n * 16);
	struct watcher on_stack = {{0, 0, 0}, stage_one};
	struct watcher *made = watcher_new(stage_two, task);
	void *object = pool_alloc(40);
	uint64_t result = across(task, stage_one, 3, 4, 5, 6, 7, 8.5);

	result = result * 31 + direct(2, task, stage_two, 1.0, 2u, 3.0, 4u);
	result = result * 31 + odd_short(task, stage_one) + odd_test(task, stage_one) + odd_test(NULL, stage_two);
	result = result * 31 + odd_data(task, stage_one) + odd_tail(task, stage_two) + odd_frame(task, stage_one);
	result = result * 31 + odd_again(task, stage_one) + odd_mark(task, stage_two) + call_keep(0x10000 + n * 16);
	result = result * 31 + (uint64_t)watcher_start(made);
	watcher_set(&on_stack, stage_one, task);
	result = result * 31 + (uint64_t)watcher_start(&on_stack) + (uint64_t)watcher_inside(2.0, &on_stack);
	if (object)
		memset(object, 1, 40);
	pool_free(object);
	free(made);
	return result;
}

static void *run(void *data)
{
	uint64_t rounds = *(const uint64_t *)data, *result = malloc(sizeof(*result));

	*result = 0;
	for (uint64_t i = 0; i < rounds; i++)
		*result = *result * 33 + call_all(i);
	return result;
}

static void run_threads(uint64_t rounds)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, run, &rounds);
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(thread[i], &result);
		printf("thread %d: %" PRIu64 "\n", i, *(uint64_t *)result);
		free(result);
	}
}

int main(int argc, char **argv)
{
	uint64_t (*late)(void *, stage_function *) = NULL;
	void *module, *found;

	if (argc < 2)
		return 2;
	printf("once: %" PRIu64 "\n", call_all(0));
	module = dlopen(argv[1], RTLD_LAZY);
	found = module ? dlsym(module, "late") : NULL;
	memcpy(&late, &found, sizeof(late));
	printf("late: %" PRIu64 "\n", late ? late((void *)0x77770, stage_one) : 0);
	if (argc > 2)
		run_threads(strtoull(argv[2], NULL, 10));
	stage_one(NULL);
	printf("sum: %" PRIu64 "\n", sum);
	return 0;
}
