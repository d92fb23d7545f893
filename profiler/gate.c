#define _GNU_SOURCE
#include "gate.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE       4096u
#define STEP       (1u << 20) /* bytes between the places tried for a gate */
#define REACH      (1u << 30) /* bytes: jumps reach twice as far */
#define XSAVE_LEAF 0xdu
#define XSAVE_MASK 0xe7u /* x87, SSE, AVX and AVX-512: what functions may pass in and leave alone */
#define FXSAVE     512u  /* bytes, and the header of what xsave writes behind it */
#define HEADER     64u

/* For the assembler below: what the processor saves by xsave, if it has that, and the bytes it takes. */
uint32_t stingy_gate_mask __attribute__((visibility("hidden")));
uint64_t stingy_gate_bytes __attribute__((visibility("hidden"))) = FXSAVE + HEADER;

extern const char stingy_gate_pass[] __attribute__((visibility("hidden")));

#define FRAME_BP   24  /* bytes: the CFA of a gate's frame is its rbp and this */
#define CALLEE_SP  184 /* bytes: its rbp is the stack pointer and this, just after the function has returned */
#define FRAME_SIZE (CALLEE_SP + FRAME_BP)

_Static_assert(offsetof(struct stingy_gate, rbp) == 96, "the assembler's places are relative to it");
_Static_assert(offsetof(struct stingy_gate, index) == 96 - 80, "likewise");
_Static_assert(sizeof(struct stingy_gate) == 96 + FRAME_BP, "the return address comes last");

/*
 * A gate pushes its index and jumps to stingy_gate_pass; the return address is then the word above. rbp is the frame's
 * pointer, at which struct stingy_gate has its rbp. SAVE and RESTORE are all registers that a function may change.
 */
__asm__(".text\n"
	".macro STINGY_SAVE\n"
	"	movq %rax, -8(%rbp)\n"
	"	movq %rcx, -16(%rbp)\n"
	"	movq %rdx, -24(%rbp)\n"
	"	movq %rsi, -32(%rbp)\n"
	"	movq %rdi, -40(%rbp)\n"
	"	movq %r8, -48(%rbp)\n"
	"	movq %r9, -56(%rbp)\n"
	"	movq %r10, -64(%rbp)\n"
	"	movq %r11, -72(%rbp)\n"
	"	leaq -96(%rbp), %rsp\n"
	"	subq stingy_gate_bytes(%rip), %rsp\n"
	"	andq $-64, %rsp\n"
	"	movl stingy_gate_mask(%rip), %eax\n"
	"	testl %eax, %eax\n"
	"	jz 1f\n"
	"	xorl %edx, %edx\n"
	"	movq %rdx, 512(%rsp)\n" /* the header must be zeros: it is read back */
	"	movq %rdx, 520(%rsp)\n"
	"	movq %rdx, 528(%rsp)\n"
	"	movq %rdx, 536(%rsp)\n"
	"	movq %rdx, 544(%rsp)\n"
	"	movq %rdx, 552(%rsp)\n"
	"	movq %rdx, 560(%rsp)\n"
	"	movq %rdx, 568(%rsp)\n"
	"	xsave64 (%rsp)\n"
	"	jmp 2f\n"
	"1:	fxsave64 (%rsp)\n"
	"2:	leaq -96(%rbp), %rdi\n"
	".endm\n"
	".macro STINGY_RESTORE\n"
	"	movl stingy_gate_mask(%rip), %eax\n"
	"	testl %eax, %eax\n"
	"	jz 1f\n"
	"	xorl %edx, %edx\n"
	"	xrstor64 (%rsp)\n"
	"	jmp 2f\n"
	"1:	fxrstor64 (%rsp)\n"
	"2:	movq -8(%rbp), %rax\n"
	"	movq -16(%rbp), %rcx\n"
	"	movq -24(%rbp), %rdx\n"
	"	movq -32(%rbp), %rsi\n"
	"	movq -40(%rbp), %rdi\n"
	"	movq -48(%rbp), %r8\n"
	"	movq -56(%rbp), %r9\n"
	"	movq -64(%rbp), %r10\n"
	"	movq -72(%rbp), %r11\n"
	".endm\n"
	"	.globl stingy_gate_pass, stingy_gate_returned\n"
	"	.hidden stingy_gate_pass, stingy_gate_returned, stingy_declared_enter, stingy_declared_leave\n"
	"	.type stingy_gate_pass, @function\n"
	"stingy_gate_pass:\n"
	"	.cfi_startproc\n"
	"	.cfi_def_cfa_offset 16\n"
	"	pushq %rbp\n"
	"	.cfi_def_cfa_offset 24\n"
	"	.cfi_offset %rbp, -24\n"
	"	movq %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	subq $96, %rsp\n" /* a signal must find nothing of ours below the stack pointer */
	"	movq %rax, -8(%rbp)\n"
	"	movq 8(%rbp), %rax\n"
	"	movq %rax, -80(%rbp)\n"
	"	movq -8(%rbp), %rax\n"
	"	STINGY_SAVE\n"
	"	call stingy_declared_enter\n"
	"	testb %al, %al\n"
	"	jnz 3f\n"
	"	STINGY_RESTORE\n"
	"	.cfi_remember_state\n"
	"	movq %rbp, %rsp\n"
	"	popq %rbp\n"
	"	.cfi_def_cfa %rsp, 16\n"
	"	.cfi_restore %rbp\n"
	"	leaq 8(%rsp), %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	jmpq *-8(%rsp)\n" /* in the red zone, which signals leave alone */
	"	.cfi_restore_state\n"
	"3:	STINGY_RESTORE\n"
	"	leaq -184(%rbp), %rsp\n"
	"	.irp i, 0, 8, 16, 24, 32, 40, 48, 56\n"
	"	movq 24+\\i(%rbp), %r11\n"
	"	movq %r11, \\i(%rsp)\n"
	"	.endr\n"
	"	movq -72(%rbp), %r11\n"
	"	call *8(%rbp)\n"
	"stingy_gate_returned:\n"
	"	STINGY_SAVE\n"
	"	call stingy_declared_leave\n"
	"	STINGY_RESTORE\n"
	"	movq %rbp, %rsp\n"
	"	popq %rbp\n"
	"	.cfi_def_cfa %rsp, 16\n"
	"	.cfi_restore %rbp\n"
	"	leaq 8(%rsp), %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size stingy_gate_pass, . - stingy_gate_pass\n"
	".purgem STINGY_SAVE\n"
	".purgem STINGY_RESTORE\n");

/* XCR0: the state that the system lets programs use. */
static uint64_t enabled_state(void)
{
	uint32_t low, high;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

void stingy_gate_init(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	uint32_t mask = (uint32_t)enabled_state() & XSAVE_MASK;
	for (unsigned i = 2; i < 8; i++) /* each part: its size, and where it is put */
		if (mask & 1u << i && __get_cpuid_count(XSAVE_LEAF, i, &a, &b, &c, &d) && b + a > stingy_gate_bytes)
			stingy_gate_bytes = b + a;
	stingy_gate_mask = mask;
}

static uint8_t *map_at(uintptr_t hint)
{
	void *at = mmap((void *)hint, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | (hint ? MAP_FIXED_NOREPLACE : 0), -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (!hint || (uintptr_t)at == hint)
		return at;
	munmap(at, PAGE); /* before Linux 4.17 it was a hint only */
	errno = EEXIST;
	return NULL;
}

/* A free page that jumps reach from near: below, where a heap does not grow, or above. */
static uint8_t *map_near(uintptr_t near)
{
	uintptr_t base = near & -(uintptr_t)PAGE;
	uint8_t *at = NULL;
	for (uintptr_t away = STEP; !at && away < REACH && away < base; away += STEP)
		at = map_at(base - away);
	for (uintptr_t away = STEP; !at && away < REACH; away += STEP)
		at = map_at(base + away);
	return at;
}

uint8_t *stingy_gate_make(uint64_t index, uintptr_t near)
{
	static const uint8_t push = 0x68, jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* to what the next word holds */
	const void *pass = stingy_gate_pass;
	uint32_t number = (uint32_t)index;
	uint8_t *gate = near ? map_near(near) : map_at(0);
	if (!gate)
		return NULL;
	memcpy(gate, &push, 1);
	memcpy(gate + 1, &number, 4);
	memcpy(gate + 5, jump, sizeof(jump));
	memcpy(gate + 5 + sizeof(jump), &pass, sizeof(pass));
	return gate;
}

int stingy_gate_shut(uint8_t *gate)
{
	if (mprotect(gate, PAGE, PROT_READ | PROT_EXEC) == 0)
		return 0;
	int saved = errno;
	munmap(gate, PAGE);
	errno = saved;
	return -1;
}

void stingy_gate_skip(struct stingy_frame *frame, const struct stingy_stack *stack)
{
	static const struct stingy_rule rule = {.base = STINGY_RULE_SP, .cfa = FRAME_SIZE, .bp = -FRAME_BP};
	while (stingy_gate_is_return(frame->ra) && stingy_walk_step(frame, &rule, stack))
		;
}

size_t stingy_gate_leave_out(uintptr_t *chain, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!stingy_gate_is_return(chain[i]))
			chain[kept++] = chain[i];
	return kept;
}
