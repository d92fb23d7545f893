/*
 * How long an instruction of x86-64 is, and what moving it takes: enough to replace a function's first bytes.
 *
 * Knows the one-byte and 0F maps, VEX and EVEX, and refuses what it does not know. It does not tell what an instruction
 * does, but for the few things that matter to whoever moves it. Reads no byte beyond the end given. No state.
 */
#ifndef STINGY_DECODE_H
#define STINGY_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STINGY_INSTRUCTION_MAX 15u /* bytes */

enum stingy_instruction_kind {
	STINGY_INSTRUCTION_PLAIN,
	STINGY_INSTRUCTION_JUMP,     /* always, to a target */
	STINGY_INSTRUCTION_BRANCH,   /* on a condition, to a target */
	STINGY_INSTRUCTION_LOOP,     /* the same by a count: cannot reach far */
	STINGY_INSTRUCTION_CALL,     /* of a target */
	STINGY_INSTRUCTION_INDIRECT, /* a jump to where a register or memory says */
	STINGY_INSTRUCTION_RETURN,
	STINGY_INSTRUCTION_FILL, /* nop, or int3 between functions */
};

struct stingy_instruction {
	enum stingy_instruction_kind kind;
	uint8_t len;         /* bytes */
	uint8_t condition;   /* of BRANCH: the low four bits of its opcode */
	uint8_t relative_at; /* where four bytes relative to the instruction's end stand, if it reads memory by them; 0:
				no */
	bool moves_stack;    /* pushes, or takes room on the stack */
	const uint8_t *target; /* of JUMP, BRANCH, LOOP, CALL */
};

/* Decodes the instruction at code, before end. Returns 0, or -1 if it is not known or does not end there. */
int stingy_decode(const uint8_t *code, const uint8_t *end, struct stingy_instruction *instruction);

#endif
