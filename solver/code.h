/*
 * The machine code of one function, as far as it is the same wherever the linker puts it.
 *
 * Where a function is, and where what it refers to is, changes with every build; what it does, and in which order it
 * calls, does not. The code is known by a hash of its bytes without those of such addresses, and by what they refer
 * to, in their order. Zydis decodes; this is the only file that knows it. Heap memory, from init to fini; any thread.
 */
#ifndef STINGY_CODE_H
#define STINGY_CODE_H

#include "binary.h"

#define STINGY_INDIRECT UINT64_MAX /* the target of a call by a register or by memory */

struct stingy_reference {
	uint64_t target; /* address; STINGY_INDIRECT */
	uint32_t after;  /* bytes from the function's start to the next instruction: of a call, where it returns to */
	bool is_call;
};

struct stingy_code {
	uint64_t hash;
	struct stingy_reference *reference;
	uint32_t n_references;
};

void stingy_code_init(struct stingy_code *code, const struct stingy_binary *binary,
		      const struct stingy_function *function);
void stingy_code_fini(struct stingy_code *code);

#endif
