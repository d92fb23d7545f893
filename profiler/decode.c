/* Lengths of instructions: see decode.h; the maps are those of the processor's manual (Intel, volume 2, appendix A). */
#include "decode.h"

#include <string.h>

/*
 * What follows each opcode: '0' nothing; 'm' a ModRM byte and what that brings; 'b' a byte; 'w' two; 'z' two or four,
 * by operand size; 'B', 'Z' both ModRM and that; 'j', 'J' a jump's distance of one byte, or four; 'v' four, or eight
 * with REX.W; 'a' an address; 'e' enter's three bytes; 't', 'T' a test among others of its ModRM group; 'p' is a
 * prefix, 'r' REX, 'x' opens another map; '.' is no instruction in 64-bit mode.
 */
static const char one_byte[] = "mmmmbz..mmmmbz.x"
			       "mmmmbz..mmmmbz.."
			       "mmmmbzp.mmmmbzp."
			       "mmmmbzp.mmmmbzp."
			       "rrrrrrrrrrrrrrrr"
			       "0000000000000000"
			       "..xmppppzZbB0000"
			       "jjjjjjjjjjjjjjjj"
			       "BZ.Bmmmmmmmmmmmm"
			       "0000000000.00000"
			       "aaaa0000bz000000"
			       "bbbbbbbbvvvvvvvv"
			       "BBw0xxBZe0w00b.0"
			       "mmmm...0mmmmmmmm"
			       "jjjjbbbbJJ.j0000"
			       "p0pp00tT000000mm";
static const char two_byte[] = "mmmm.00000.0.m0."
			       "mmmmmmmmmmmmmmmm"
			       "mmmm....mmmmmmmm"
			       "000000.0x.x....."
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "BBBBmmm0mm..mmmm"
			       "JJJJJJJJJJJJJJJJ"
			       "mmmmmmmmmmmmmmmm"
			       "000mBm..000mBmmm"
			       "mmmmmmmmmmBmmmmm"
			       "mmBmBBBm00000000"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm";

#define MAP_ONE 0u
#define MAP_0F  1u
#define MAP_38  2u
#define MAP_3A  3u

struct decoder {
	const uint8_t *start, *at, *end;
	bool is_cut, is_short /* operands of two bytes */, is_address_short, is_wide /* REX.W */,
		is_vector /* VEX or EVEX */;
	unsigned map;
	uint8_t opcode, modrm;
	struct stingy_instruction *out;
};

static uint8_t take(struct decoder *decoder)
{
	if (decoder->at < decoder->end)
		return *decoder->at++;
	decoder->is_cut = true;
	return 0;
}

static void skip(struct decoder *decoder, size_t n)
{
	if (n > (size_t)(decoder->end - decoder->at))
		decoder->is_cut = true;
	else
		decoder->at += n;
}

/* Takes prefixes, what opens a map, and the opcode. */
static void take_opcode(struct decoder *decoder)
{
	uint8_t byte = take(decoder);

	while (one_byte[byte] == 'p' && !decoder->is_cut) {
		decoder->is_short |= byte == 0x66;
		decoder->is_address_short |= byte == 0x67;
		byte = take(decoder);
	}
	if (one_byte[byte] == 'r') {
		decoder->is_wide = byte & 8;
		byte = take(decoder);
	}
	if (byte == 0xc5 || byte == 0xc4 || byte == 0x62) {
		decoder->is_vector = true;
		decoder->map = byte == 0xc5 ? MAP_0F : take(decoder) & (byte == 0xc4 ? 31 : 7);
		skip(decoder, byte == 0x62 ? 2 : 1);
		byte = take(decoder);
	} else if (byte == 0x0f) {
		byte = take(decoder);
		decoder->map = byte == 0x38 ? MAP_38 : byte == 0x3a ? MAP_3A : MAP_0F;
		if (decoder->map != MAP_0F)
			byte = take(decoder);
	}
	decoder->opcode = byte;
}

static char form_of(const struct decoder *decoder)
{
	char form = two_byte[decoder->opcode];

	switch (decoder->map) {
	case MAP_ONE:
		return one_byte[decoder->opcode];
	case MAP_0F:
		if (decoder->is_vector && form == 'J')
			return 'm'; /* AVX-512's mask moves are elsewhere; none jumps */
		return form;
	case MAP_38:
		return 'm';
	case MAP_3A:
		return 'B';
	default:
		return decoder->is_vector && (decoder->map == 5 || decoder->map == 6) ? 'm' : '.';
	}
}

/* The ModRM byte, SIB and displacement. */
static void take_modrm(struct decoder *decoder)
{
	uint8_t modrm = take(decoder), sib = 0;
	unsigned mode = modrm >> 6, base = modrm & 7;

	decoder->modrm = modrm;
	if (mode == 3)
		return;
	if (base == 4)
		sib = take(decoder);
	if (mode == 0 && base == 5)
		decoder->out->relative_at = (uint8_t)(decoder->at - decoder->start);
	if (mode == 1)
		skip(decoder, 1);
	else if (mode == 2 || base == 5 || (base == 4 && (sib & 7) == 5))
		skip(decoder, 4);
}

/* Immediate operands; those of a jump say where it goes. */
static int take_rest(struct decoder *decoder, char form)
{
	unsigned operand = decoder->is_short && !decoder->is_wide ? 2 : 4;
	unsigned group = decoder->modrm >> 3 & 7;
	int32_t distance = 0;

	switch (form) {
	case '0':
	case 'm':
		return 0;
	case 'b':
	case 'B':
		skip(decoder, 1);
		return 0;
	case 'w':
		skip(decoder, 2);
		return 0;
	case 'e':
		skip(decoder, 3);
		return 0;
	case 'z':
	case 'Z':
		skip(decoder, operand);
		return 0;
	case 'v':
		skip(decoder, decoder->is_wide ? 8 : operand);
		return 0;
	case 'a':
		skip(decoder, decoder->is_address_short ? 4 : 8);
		return 0;
	case 't':
		skip(decoder, group < 2 ? 1 : 0);
		return 0;
	case 'T':
		skip(decoder, group < 2 ? operand : 0);
		return 0;
	case 'j':
		distance = take(decoder);
		distance = distance < 0x80 ? distance : distance - 0x100;
		break;
	case 'J':
		skip(decoder, 4);
		if (decoder->is_short || decoder->is_cut) /* processors differ in what a short one is */
			return -1;
		memcpy(&distance, decoder->at - 4, 4);
		break;
	default:
		return -1;
	}
	decoder->out->target = decoder->at + distance;
	return 0;
}

static enum stingy_instruction_kind kind_of(const struct decoder *decoder)
{
	uint8_t opcode = decoder->opcode;
	unsigned group = decoder->modrm >> 3 & 7;

	if (decoder->is_vector)
		return STINGY_INSTRUCTION_PLAIN;
	if (decoder->map == MAP_0F) {
		if ((opcode & 0xf0) == 0x80)
			return STINGY_INSTRUCTION_BRANCH;
		return opcode == 0x1f ? STINGY_INSTRUCTION_FILL : STINGY_INSTRUCTION_PLAIN;
	}
	if (decoder->map != MAP_ONE)
		return STINGY_INSTRUCTION_PLAIN;
	if ((opcode & 0xf0) == 0x70)
		return STINGY_INSTRUCTION_BRANCH;
	if (opcode >= 0xe0 && opcode <= 0xe3)
		return STINGY_INSTRUCTION_LOOP;
	if (opcode == 0xe9 || opcode == 0xeb)
		return STINGY_INSTRUCTION_JUMP;
	if (opcode == 0xe8 || (opcode == 0xff && (group == 2 || group == 3)))
		return STINGY_INSTRUCTION_CALL;
	if (opcode == 0xff && (group == 4 || group == 5))
		return STINGY_INSTRUCTION_INDIRECT;
	if (opcode == 0xc2 || opcode == 0xc3 || opcode == 0xca || opcode == 0xcb || opcode == 0xcf)
		return STINGY_INSTRUCTION_RETURN;
	return opcode == 0x90 || opcode == 0xcc ? STINGY_INSTRUCTION_FILL : STINGY_INSTRUCTION_PLAIN;
}

static bool moves_stack(const struct decoder *decoder)
{
	uint8_t opcode = decoder->opcode;
	unsigned group = decoder->modrm >> 3 & 7;

	if (decoder->map != MAP_ONE || decoder->is_vector)
		return false;
	if ((opcode >= 0x50 && opcode <= 0x57) || opcode == 0x68 || opcode == 0x6a || opcode == 0xc8)
		return true;
	if (opcode == 0xff && group == 6)
		return true;
	return (opcode == 0x81 || opcode == 0x83) && decoder->modrm == 0xec; /* sub of rsp, or of r12: no harm */
}

int stingy_decode(const uint8_t *code, const uint8_t *end, struct stingy_instruction *instruction)
{
	struct decoder decoder = {.start = code, .at = code, .end = end, .out = instruction};
	char form;

	if ((size_t)(end - code) > STINGY_INSTRUCTION_MAX)
		decoder.end = code + STINGY_INSTRUCTION_MAX;
	*instruction = (struct stingy_instruction){.kind = STINGY_INSTRUCTION_PLAIN};
	take_opcode(&decoder);
	form = form_of(&decoder);
	if (memchr("mBZtT", form, 5))
		take_modrm(&decoder);
	if (take_rest(&decoder, form) < 0 || decoder.is_cut)
		return -1;
	instruction->kind = kind_of(&decoder);
	instruction->condition = decoder.opcode & 15;
	instruction->moves_stack = moves_stack(&decoder);
	instruction->len = (uint8_t)(decoder.at - code);
	return 0;
}
