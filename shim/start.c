#define _GNU_SOURCE
#include "start.h"

#include "next.h"
#include "say.h"
#include "serve.h"
#include "walk.h"

#include <link.h>
#include <stddef.h>

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
			   void (*loader_fini)(void), void *stack_end);

__attribute__((visibility("default"))) start_function __libc_start_main;

static main_function *program_main;

/*
 * Calls main(argc, argv, environment) with the stack pointer at top, and returns what it returns. As the frame pointer
 * stays on the old stack, whoever unwinds finds the frames there; as that stack has the higher addresses, they are in
 * the order in which unwinders want them.
 */
int stingy_start_switch(char *top, main_function *main, int argc, char **argv, char **environment)
	__attribute__((visibility("hidden")));

__asm__(".text\n"
	".p2align 4\n"
	".hidden stingy_start_switch\n"
	".globl stingy_start_switch\n"
	".type stingy_start_switch, @function\n"
	"stingy_start_switch:\n"
	"	.cfi_startproc\n"
	"	pushq	%rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	movq	%rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	movq	%rdi, %rsp\n"
	"	movq	%rsi, %rax\n"
	"	movl	%edx, %edi\n"
	"	movq	%rcx, %rsi\n"
	"	movq	%r8, %rdx\n"
	"	call	*%rax\n"
	"	leave\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size stingy_start_switch, . - stingy_start_switch\n");

static int is_executable(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_STACK && info->dlpi_phdr[i].p_flags & PF_X)
			return 1;
	return 0;
}

bool stingy_start_can_place(void)
{
	return !dl_iterate_phdr(is_executable, NULL);
}

/* Runs in place of main, where the C library calls it. */
static int main_elsewhere(int argc, char **argv, char **environment)
{
	const struct stingy_arena *arena = &stingy_serve.arena;
	char *top = arena->base + arena->stack;
	stingy_walk_set_main(arena->low, top);
	stingy_serve_forget_stack(); /* a constructor may have asked for it */
	int status = stingy_start_switch(top, program_main, argc, argv, environment);
	stingy_walk_init();
	stingy_serve_forget_stack();
	return status;
}

static __attribute__((noinline)) start_function *find_next(void)
{
	start_function *next;
	if (stingy_next_find(&next, "__libc_start_main") < 0)
		stingy_die("this program's C library lacks __libc_start_main");
	return next;
}

/* Ends in a jump: a frame of ours, which the profile does not have, would be in the chain of all that main calls. */
int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*loader_fini)(void), void *stack_end)
{
	start_function *next = find_next();
	if (stingy_serve.is_on && !stingy_serve.is_dry && stingy_serve.arena.stack) {
		program_main = main;
		main = main_elsewhere;
	}
	return next(main, argc, argv, init, fini, loader_fini, stack_end);
}
