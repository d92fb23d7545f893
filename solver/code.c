#include "code.h"

#include "memory.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

#define MOD_NONE    0 /* the fields of a ModRM byte by which an operand lies so many bytes from here */
#define RM_RELATIVE 5
#define HASH_START  UINT64_C(0xcbf29ce484222325) /* FNV-1a */
#define HASH_PRIME  UINT64_C(0x100000001b3)

struct decoding {
	struct stingy_code *code;
	const struct stingy_binary *binary;
	const struct stingy_function *function;
	size_t room;
};

static void add_reference(struct decoding *decoding, uint64_t target, uint64_t after, bool is_call)
{
	struct stingy_code *code = decoding->code;

	STINGY_GROW(code->reference, &decoding->room, (size_t)code->n_references + 1);
	code->reference[code->n_references++] =
		(struct stingy_reference){.target = target, .after = (uint32_t)after, .is_call = is_call};
}

static void hash(struct stingy_code *code, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		code->hash = (code->hash ^ at[i]) * HASH_PRIME;
}

/* Whether a number in the code of a program that cannot be moved may be an address in it. */
static bool is_address(const struct decoding *decoding, uint64_t value, unsigned bits)
{
	return decoding->binary->is_fixed && bits >= 32 && value >= decoding->binary->low &&
	       value < decoding->binary->high;
}

/* Takes out an address that is written at so many bytes of the copy, as so many bits; it leads to the target. */
static void blank(struct decoding *decoding, uint8_t *copy, unsigned at, unsigned bits, uint64_t target, uint64_t after)
{
	memset(copy + at, 0, bits / 8);
	add_reference(decoding, target, after, false);
}

/* What is relative to the next instruction moves with the function, if it leads out of it. */
static void blank_numbers(struct decoding *decoding, const ZydisDecodedInstruction *instruction, uint8_t *copy,
			  uint64_t after)
{
	uint64_t next = decoding->function->address + after;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t value = instruction->raw.imm[i].value.u;
		unsigned bits = instruction->raw.imm[i].size;

		if (instruction->raw.imm[i].is_relative
			    ? next + value - decoding->function->address >= decoding->function->size
			    : is_address(decoding, value, bits))
			blank(decoding, copy, instruction->raw.imm[i].offset, bits,
			      instruction->raw.imm[i].is_relative ? next + value : value, after);
	}
}

static void blank_displacement(struct decoding *decoding, const ZydisDecodedInstruction *instruction, uint8_t *copy,
			       uint64_t after)
{
	uint64_t value = (uint64_t)instruction->raw.disp.value;
	unsigned bits = instruction->raw.disp.size;

	if (bits == 32 && instruction->raw.modrm.mod == MOD_NONE && instruction->raw.modrm.rm == RM_RELATIVE)
		blank(decoding, copy, instruction->raw.disp.offset, bits, decoding->function->address + after + value,
		      after);
	else if (is_address(decoding, value, bits))
		blank(decoding, copy, instruction->raw.disp.offset, bits, value, after);
}

static void take(struct decoding *decoding, const ZydisDecodedInstruction *instruction, uint64_t begin)
{
	struct stingy_code *code = decoding->code;
	uint64_t after = begin + instruction->length, target = STINGY_INDIRECT;
	uint32_t n_before = code->n_references;
	uint8_t copy[ZYDIS_MAX_INSTRUCTION_LENGTH];

	memcpy(copy, decoding->function->code + begin, instruction->length);
	blank_numbers(decoding, instruction, copy, after);
	blank_displacement(decoding, instruction, copy, after);
	hash(code, copy, instruction->length);
	if (instruction->meta.category != ZYDIS_CATEGORY_CALL)
		return;
	if (instruction->raw.imm[0].is_relative) {
		target = decoding->function->address + after + instruction->raw.imm[0].value.u;
		code->n_references = n_before; /* it is there already if it leads out of the function */
	}
	add_reference(decoding, target, after, true);
}

void stingy_code_init(struct stingy_code *code, const struct stingy_binary *binary,
		      const struct stingy_function *function)
{
	struct decoding decoding = {.code = code, .binary = binary, .function = function};
	ZydisDecodedInstruction instruction;
	ZydisDecoder decoder;

	memset(code, 0, sizeof(*code));
	code->hash = HASH_START;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (uint64_t at = 0; at < function->size;) {
		if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, function->code + at, function->size - at,
							       &instruction))) {
			take(&decoding, &instruction, at);
			at += instruction.length;
		} else { /* data, or what the decoder does not know: taken as it is */
			hash(code, function->code + at++, 1);
		}
	}
}

void stingy_code_fini(struct stingy_code *code)
{
	free(code->reference);
	memset(code, 0, sizeof(*code));
}
