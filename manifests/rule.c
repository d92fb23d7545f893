/* Frame rules as text, and what makes one usable: see rule.h. */
#include "rule.h"

#include <string.h>

#define WORD 8 /* bytes of a stack slot on x86-64 */

/* The CFA is just above the return address, and what a frame saves lies below that address. */
#define CFA_MIN WORD
#define BP_MAX  (-2 * WORD)

int stingy_rule_is_valid(const struct stingy_rule *rule)
{
	switch (rule->base) {
	case STINGY_RULE_NONE:
	case STINGY_RULE_END:
		return rule->cfa == 0 && rule->bp == 0;
	case STINGY_RULE_SP:
	case STINGY_RULE_BP:
		break;
	default:
		return 0;
	}
	if (rule->cfa < CFA_MIN || rule->cfa % WORD != 0)
		return 0;
	return rule->bp == 0 || (rule->bp <= BP_MAX && rule->bp % WORD == 0);
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

/* Reads base, sign and a number of at most max at *at, and moves *at behind them. Returns the number, or 0. */
static int32_t parse_term(const char **at, const char *end, const char *start, int32_t max)
{
	int64_t value = 0;
	const char *c = *at;

	if (end - c < 3 || memcmp(c, start, 3) != 0)
		return 0;
	for (c += 3; c < end && *c >= '0' && *c <= '9'; c++) {
		value = value * 10 + (*c - '0');
		if (value > max)
			return 0;
	}
	*at = c;
	return (int32_t)value;
}

int stingy_rule_parse(const char *text, size_t len, struct stingy_rule *rule)
{
	const char *at = text, *end = text + len;

	*rule = (struct stingy_rule){.base = STINGY_RULE_NONE};
	if (len == 4 && memcmp(text, "none", 4) == 0)
		return 0;
	rule->base = STINGY_RULE_END;
	if (len == 3 && memcmp(text, "end", 3) == 0)
		return 0;
	rule->base = len && *text == 's' ? STINGY_RULE_SP : STINGY_RULE_BP;
	rule->cfa = parse_term(&at, end, rule->base == STINGY_RULE_SP ? "sp+" : "bp+", INT32_MAX);
	if (at < end && *at == '/') {
		at++;
		rule->bp = (int16_t)-parse_term(&at, end, "bp-", -(int32_t)INT16_MIN);
		/* Zero would mean "unchanged", which is written by leaving this part out. */
		if (rule->bp == 0)
			return -1;
	}
	return at == end && stingy_rule_is_valid(rule) ? 0 : -1;
}
