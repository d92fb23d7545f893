/*
 * Gates: pieces of code that a call of a watched function comes through. A gate tells stingy_declared_enter of the call
 * and then jumps on to the function, with every register as it was: no frame is left on the stack, so unwinding from
 * what the function calls finds its caller. All registers, not only those of arguments: calls within one module may
 * rely on what the compiler knows of the function (gcc's -fipa-ra).
 *
 * Where the result is wanted too, the gate calls the function from a frame of its own, with a copy of 64 bytes of the
 * caller's stack for arguments that are passed there, and tells stingy_declared_leave. That frame has unwind tables, so
 * exceptions and cancellation pass; walkers of call chains leave it out by stingy_gate_skip, as it is not there in
 * production.
 *
 * A gate has a page of its own, which is never given back. Making one makes system calls; passing one makes none.
 */
#ifndef STINGY_GATE_H
#define STINGY_GATE_H

#include "../shim/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STINGY_GATE_ROOM 256u /* bytes behind a gate for the caller's code */

/* What a gate keeps on the stack: gate.c's assembler knows where each lies. */
struct stingy_gate {
	uint64_t note[2]; /* the callee's own, from enter to leave */
	uint64_t index;   /* of the gate, as made */
	uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	uint64_t rbp;   /* the caller's */
	uint64_t go_on; /* to be set by enter: the function's address, or that of its moved first bytes */
	uint64_t ra;    /* where the function returns to */
};

/* The call that came through the gate, as a place to walk from. */
static inline struct stingy_frame stingy_gate_frame(const struct stingy_gate *gate)
{
	return (struct stingy_frame){.ra = gate->ra, .sp = (uintptr_t)(gate + 1), .bp = gate->rbp};
}

/* Must be called once before the first gate is made. */
void stingy_gate_init(void);

/*
 * Makes the gate of that index; near: an address from which jumps must reach it (0: any will do). There is room behind
 * it, at gate + STINGY_GATE_ROOM, for as many bytes of code. NULL, with errno, if it cannot be. The gate cannot be run,
 * and can be written to, until it is shut.
 */
uint8_t *stingy_gate_make(uint64_t index, uintptr_t near);

/* Makes the gate code, or gives it back if it cannot be: returns 0, or -1 with errno. */
int stingy_gate_shut(uint8_t *gate);

extern const char stingy_gate_returned[] __attribute__((visibility("hidden")));

/* Whether the address is where a function returns to that a gate has called. */
static inline bool stingy_gate_is_return(uintptr_t ra)
{
	return ra == (uintptr_t)stingy_gate_returned;
}

/* If the frame is a gate's own, replaces it by its caller's. */
void stingy_gate_skip(struct stingy_frame *frame, const struct stingy_stack *stack);

/* Takes what is a gate's own out of a chain of return addresses. Returns how many are left. */
size_t stingy_gate_leave_out(uintptr_t *chain, size_t n);

/* By whoever makes gates. enter: whether the result is wanted. */
bool stingy_declared_enter(struct stingy_gate *gate);
void stingy_declared_leave(struct stingy_gate *gate);

#endif
