/*
 * The frame rule of a return address: how to get from one stack frame to the next by loads alone.
 *
 * In code that a compiler made, the place of the caller's frame is a property of the return address,
 * and not of the run: the canonical frame address (CFA, the stack pointer before the call) is the stack
 * pointer plus a constant, or the frame pointer plus a constant, and the caller's frame pointer is either
 * still in its register or at a fixed distance from the CFA. The profiling run learns the rule of each
 * return address; the manifest carries it; the production walker follows it. Whoever evaluates a rule
 * must check that what it reads lies in the stack: a rule may be wrong, or be used on another build.
 *
 * Plain data: no allocation, no state, any thread, any signal context.
 */
#ifndef STINGY_RULE_H
#define STINGY_RULE_H

#include <stddef.h>
#include <stdint.h>

enum stingy_rule_base {
	STINGY_RULE_NONE = 0, /* no rule is known: the walk ends here, and the chain is incomplete */
	STINGY_RULE_END = 1,  /* the outermost frame: the walk ends here, and the chain is complete */
	STINGY_RULE_SP = 2,   /* CFA = stack pointer just after the return + cfa */
	STINGY_RULE_BP = 3,   /* CFA = frame pointer just after the return + cfa */
};

struct stingy_rule {
	int32_t cfa;  /* bytes from the base register to the CFA */
	int16_t bp;   /* where the caller's frame pointer is, in bytes from the CFA (negative); 0: unchanged */
	uint8_t base; /* enum stingy_rule_base */
};

/* The longest text of a rule, its terminating NUL included. */
#define STINGY_RULE_TEXT 40

/* Whether a walker could follow the rule: offsets are multiples of the word, the CFA is above the frame. */
int stingy_rule_is_valid(const struct stingy_rule *rule);

/* Writes the rule as text ("sp+24", "bp+16/bp-16", "none", "end") into text[STINGY_RULE_TEXT]. Returns text. */
char *stingy_rule_print(const struct stingy_rule *rule, char *text);

/* Reads a rule at the start of the text that ends before end. Returns the byte behind it, or NULL if there is none. */
const char *stingy_rule_parse(const char *text, const char *end, struct stingy_rule *rule);

#endif
