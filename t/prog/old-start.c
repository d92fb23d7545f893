/*
 * The first instructions of a program that was linked before glibc 2.34, as the linker's start files had them: link
 * with -Wl,-e,start_as_of_old. The program's constructors are run by __libc_start_main, through an init function it is
 * given.
 */
#include <stdio.h>
#include <stdlib.h>

static unsigned n_begun;

void begin_as_of_old(void);
void begin_as_of_old(void)
{
	n_begun++;
}

int main(int argc, char **argv, char **environment);

int main_as_of_old(int argc, char **argv, char **environment);
int main_as_of_old(int argc, char **argv, char **environment)
{
	if (n_begun != 1) {
		fprintf(stderr, "old-start: init was called %u times\n", n_begun);
		abort();
	}
	return main(argc, argv, environment);
}

__asm__(".symver __libc_start_main, __libc_start_main@GLIBC_2.2.5\n"
	".text\n"
	".globl start_as_of_old\n"
	"start_as_of_old:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	xorl	%ebp, %ebp\n"
	"	movq	%rdx, %r9\n"
	"	popq	%rsi\n"
	"	movq	%rsp, %rdx\n"
	"	andq	$-16, %rsp\n"
	"	pushq	%rax\n"
	"	pushq	%rsp\n"
	"	xorl	%r8d, %r8d\n"
	"	leaq	begin_as_of_old(%rip), %rcx\n"
	"	leaq	main_as_of_old(%rip), %rdi\n"
	"	call	*__libc_start_main@GOTPCREL(%rip)\n"
	"	hlt\n"
	"	.cfi_endproc\n");
