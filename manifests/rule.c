/* Frame rules as text, and what makes one usable: see rule.h. */
#include "rule.h"

#include <stdbool.h>
#include <string.h>

#define WORD 8 /* bytes of a stack slot on x86-64 */

/* The CFA is just above the return address, and what a frame saves lies below that address. */
#define CFA_MIN WORD
#define BP_MAX  (-2 * WORD)

/* Whether the offsets are such as a compiler makes. */
static bool is_walkable(const struct stingy_rule *rule)
{
	if (rule->cfa < CFA_MIN || rule->cfa % WORD != 0)
		return false;
	return rule->bp == 0 || (rule->bp <= BP_MAX && rule->bp % WORD == 0);
}

int stingy_rule_is_valid(const struct stingy_rule *rule)
{
	switch (rule->base) {
	case STINGY_RULE_NONE:
	case STINGY_RULE_END:
		return rule->cfa == 0 && rule->bp == 0;
	case STINGY_RULE_SP:
	case STINGY_RULE_BP:
		return is_walkable(rule);
	default:
		return 0;
	}
}

/* Writes "sp+24" or the like at out; returns the byte after it. A 64-bit value, so that -value cannot overflow. */
static char *print_term(char *out, const char *base, int64_t value)
{
	char digits[20];
	unsigned n = 0;
	uint64_t rest = (uint64_t)(value < 0 ? -value : value);

	memcpy(out, base, 2);
	out[2] = value < 0 ? '-' : '+';
	out += 3;
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	while (n)
		*out++ = digits[--n];
	return out;
}

/* No stdio: the profiling shim prints rules where a call of the C library could end up in malloc. */
char *stingy_rule_print(const struct stingy_rule *rule, char *text)
{
	char *out = text;

	if (rule->base == STINGY_RULE_END)
		return memcpy(text, "end", sizeof("end"));
	if (rule->base != STINGY_RULE_SP && rule->base != STINGY_RULE_BP)
		return memcpy(text, "none", sizeof("none"));
	out = print_term(out, rule->base == STINGY_RULE_SP ? "sp" : "bp", rule->cfa);
	if (rule->bp) {
		*out++ = '/';
		out = print_term(out, "bp", rule->bp);
	}
	*out = '\0';
	return text;
}

static bool starts_with(const char *at, const char *end, const char *start)
{
	size_t len = strlen(start);

	return (size_t)(end - at) >= len && memcmp(at, start, len) == 0;
}

/* Reads a number of at most max. Returns the byte behind it, or NULL; no digits are taken for zero. */
static const char *parse_number(const char *at, const char *end, int32_t max, int32_t *value)
{
	int64_t sum = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		sum = sum * 10 + (*at - '0');
		if (sum > max)
			return NULL;
	}
	*value = (int32_t)sum;
	return at;
}

/* Reads what follows the base register. */
static const char *parse_offsets(const char *at, const char *end, struct stingy_rule *rule)
{
	int32_t bp;

	at = parse_number(at, end, INT32_MAX, &rule->cfa);
	if (at && starts_with(at, end, "/bp-")) {
		at = parse_number(at + strlen("/bp-"), end, -(int32_t)INT16_MIN, &bp);
		/* Zero would mean "unchanged", which is written by leaving this part out. */
		if (!at || bp == 0)
			return NULL;
		rule->bp = (int16_t)-bp;
	}
	return at && is_walkable(rule) ? at : NULL;
}

const char *stingy_rule_parse(const char *text, const char *end, struct stingy_rule *rule)
{
	*rule = (struct stingy_rule){.base = STINGY_RULE_SP};
	if (starts_with(text, end, "sp+"))
		return parse_offsets(text + strlen("sp+"), end, rule);
	rule->base = STINGY_RULE_BP;
	if (starts_with(text, end, "bp+"))
		return parse_offsets(text + strlen("bp+"), end, rule);
	rule->base = STINGY_RULE_END;
	if (starts_with(text, end, "end"))
		return text + strlen("end");
	rule->base = STINGY_RULE_NONE;
	return starts_with(text, end, "none") ? text + strlen("none") : NULL;
}
