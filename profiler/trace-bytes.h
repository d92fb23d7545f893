/*
 * The bytes that a trace's records are made of: numbers, changes, strings and frame rules, both ways side by side.
 *
 * For trace.c alone. Nothing is allocated. The decoder reads what may have been damaged: every byte is fetched through
 * a cursor that knows the end, and once something is wrong the cursor stays at the end, so that what is fetched after
 * that is zero and no loop goes on for long.
 */
#ifndef STINGY_TRACE_BYTES_H
#define STINGY_TRACE_BYTES_H

#include "trace.h"

#include <string.h>

#define LEB_MAX 10 /* bytes of the longest number */

/* Where the decoder is in the data. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	const char *error;
};

static inline void damage(struct cursor *cursor, const char *error)
{
	if (!cursor->error)
		cursor->error = error;
	cursor->at = cursor->end;
}

/*
 * A number of 2 to 8 bytes, without a branch: how long an address's change is, nobody can foretell, and each wrong
 * guess of the processor's costs more than all of this. Eight bytes are written, of which the last may be nobody's.
 */
static __attribute__((noinline, hot)) uint8_t *put_some(uint8_t *out, uint64_t value)
{
	unsigned len = ((63u - (unsigned)__builtin_clzll(value)) * 9 + 73) / 64; /* a seventh, without a division */
	value = (value & 0xfffffff) | (value & 0xfffffff0000000) << 4;           /* groups of 28 bits; of 14; of 7 */
	value = (value & 0x00003fff00003fff) | (value & 0x0fffc0000fffc000) << 2;
	value = (value & 0x007f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
	value |= UINT64_C(0x8080808080808080) >> (72 - 8 * len); /* in all but the last */
	memcpy(out, &value, sizeof(value));
	return out + len;
}

/* Numbers: seven bits a byte, the lowest first; the top bit of a byte says that more follow. */
static inline uint8_t *put(uint8_t *out, uint64_t value)
{
	if (value >= 0x80 && value >> 56 == 0)
		return put_some(out, value);
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

static inline uint64_t get(struct cursor *cursor)
{
	uint64_t value = 0;

	if (cursor->at < cursor->end && *cursor->at < 0x80) /* as most are */
		return *cursor->at++;
	for (unsigned i = 0; i < LEB_MAX; i++) {
		uint8_t byte;

		if (cursor->at == cursor->end) {
			damage(cursor, "record cut short");
			return 0;
		}
		byte = *cursor->at++;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		/* The last byte is not zero, for then the one before was the last; the tenth holds one bit. */
		if ((byte == 0 && i > 0) || (i == LEB_MAX - 1 && byte > 1))
			break;
		return value;
	}
	damage(cursor, "malformed number");
	return 0;
}

/* A number that must be below the limit: one that was declared before, or one with a bound. */
static inline uint32_t get_below(struct cursor *cursor, uint64_t limit, const char *error)
{
	uint64_t value = get(cursor);

	if (value < limit)
		return (uint32_t)value;
	damage(cursor, error);
	return 0;
}

/* Addresses and times: the difference to the last one, its sign moved to the lowest bit, so that near means short. */
static inline uint8_t *put_change(uint8_t *out, uint64_t *last, uint64_t value)
{
	uint64_t change = value - *last;

	*last = value;
	return put(out, change << 1 ^ (change >> 63 ? UINT64_MAX : 0));
}

static inline uint64_t get_change(struct cursor *cursor, uint64_t *last)
{
	uint64_t change = get(cursor);

	*last += change >> 1 ^ (change & 1 ? UINT64_MAX : 0);
	return *last;
}

/* Strings and build-ids: the length, then the bytes. */
static inline uint8_t *put_text(uint8_t *out, struct stingy_text text, size_t max)
{
	size_t len = text.len < max ? text.len : max;

	out = put(out, len);
	if (len)
		memcpy(out, text.at, len);
	return out + len;
}

static inline struct stingy_text get_text(struct cursor *cursor, size_t max)
{
	struct stingy_text text = {.len = get_below(cursor, max + 1, "string too long")};

	text.at = (const char *)cursor->at;
	if (text.len > (size_t)(cursor->end - cursor->at)) {
		damage(cursor, "record cut short");
		text.len = 0;
	}
	cursor->at += text.len;
	return text;
}

/* Frame rules: the base; for sp and bp the distances, both positive. One that cannot be followed is written as none. */
static inline uint8_t *put_rule(uint8_t *out, const struct stingy_rule *rule)
{
	if (!stingy_rule_is_valid(rule))
		return put(out, STINGY_RULE_NONE);
	out = put(out, rule->base);
	if (rule->base != STINGY_RULE_SP && rule->base != STINGY_RULE_BP)
		return out;
	out = put(out, (uint32_t)rule->cfa);
	return put(out, (uint32_t)-rule->bp);
}

static inline struct stingy_rule get_rule(struct cursor *cursor)
{
	struct stingy_rule rule = {.base = (uint8_t)get_below(cursor, STINGY_RULE_BP + 1, "unknown kind of rule")};

	if (rule.base == STINGY_RULE_SP || rule.base == STINGY_RULE_BP) {
		rule.cfa = (int32_t)get_below(cursor, UINT64_C(1) << 31, "rule out of range");
		rule.bp = (int16_t)(0 - get_below(cursor, (1 << 15) + 1, "rule out of range"));
	}
	if (!cursor->error && !stingy_rule_is_valid(&rule))
		damage(cursor, "rule that cannot be followed");
	return rule;
}

#endif
