#include "patch.h"

#include "decode.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE      4096u
#define FAR_JUMP  14u /* bytes: a jump to what the next eight bytes hold */
#define MOVED_MAX (STINGY_PATCH_SIZE - 1 + STINGY_INSTRUCTION_MAX)

/* The instructions that make way. */
struct prologue {
	struct stingy_instruction at[STINGY_PATCH_SIZE];
	unsigned n, len;
	bool is_final;    /* nothing follows: they end in a jump or return */
	unsigned is_free; /* bit of each byte, but the first, where another instruction begins with the stack untouched
			   */
};

static bool ends(enum stingy_instruction_kind kind)
{
	return kind == STINGY_INSTRUCTION_JUMP || kind == STINGY_INSTRUCTION_INDIRECT ||
	       kind == STINGY_INSTRUCTION_RETURN;
}

static const char *read_prologue(const struct stingy_patch_target *target, struct prologue *prologue)
{
	bool is_moved = false;
	memset(prologue, 0, sizeof(*prologue));
	while (prologue->len < STINGY_PATCH_SIZE) {
		struct stingy_instruction *next = &prologue->at[prologue->n];
		const uint8_t *code = target->function + prologue->len;
		if (stingy_decode(code, target->text_end, next) < 0)
			return "it begins with an instruction that is not known";
		if (prologue->is_final || code >= target->end) { /* only what fills up to the next function may go */
			if (next->kind != STINGY_INSTRUCTION_FILL)
				return "it is too short";
			prologue->is_final = true;
			prologue->len += next->len;
			continue;
		}
		if (next->kind == STINGY_INSTRUCTION_CALL || next->kind == STINGY_INSTRUCTION_LOOP || *code == 0xcc)
			return "it begins with an instruction that cannot be moved";
		if (prologue->len > 0 && !is_moved)
			prologue->is_free |= 1u << prologue->len;
		is_moved |= next->moves_stack;
		prologue->is_final = ends(next->kind);
		prologue->len += next->len;
		prologue->n++;
	}
	return NULL;
}

/* Whether the address is among the bytes that are replaced, but not the first. */
static bool is_within(const struct stingy_patch_target *target, const uint8_t *address)
{
	return address > target->function && address < target->function + STINGY_PATCH_SIZE;
}

/* Any four bytes in the module's text that could be a jump's distance: from a part of the function that lies apart. */
static bool is_reached_from_far(const struct stingy_patch_target *target)
{
	for (const uint8_t *at = target->text + 1; at + 5 <= target->text_end; at++) {
		int32_t distance;
		if (*at != 0xe8 && *at != 0xe9 && (at[-1] != 0x0f || (*at & 0xf0) != 0x80))
			continue;
		memcpy(&distance, at + 1, sizeof(distance));
		if (is_within(target, at + 5 + distance))
			return true;
	}
	return false;
}

/* Looks through the whole function for what might lead into the bytes that are replaced. */
static const char *check_jumps(const struct stingy_patch_target *target, const struct prologue *prologue)
{
	struct stingy_instruction next;
	for (const uint8_t *code = target->function; code < target->end; code += next.len) {
		if (stingy_decode(code, target->end, &next) < 0)
			return "it has an instruction that is not known";
		if (next.target && is_within(target, next.target))
			return "it jumps to its own beginning";
		if (next.kind == STINGY_INSTRUCTION_INDIRECT && prologue->is_free)
			return "it has a table of jumps that might lead to its own beginning";
	}
	return is_reached_from_far(target) ? "something jumps into its beginning" : NULL;
}

/* Writes the distance from the byte behind it to the target. Returns whether it can be expressed. */
static bool put_distance(uint8_t *out, const uint8_t *target)
{
	intptr_t distance = (intptr_t)target - (intptr_t)(out + 4);
	int32_t near = (int32_t)distance;
	memcpy(out, &near, sizeof(near));
	return near == distance;
}

static uint8_t *put_far_jump(uint8_t *out, const uint8_t *target)
{
	static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
	memcpy(out, jump, sizeof(jump));
	memcpy(out + sizeof(jump), &target, sizeof(target));
	return out + FAR_JUMP;
}

/* Copies one instruction, jumps in their long forms. Returns behind it; NULL: what it refers to is too far off. */
static uint8_t *move(const uint8_t *code, const struct stingy_instruction *instruction, uint8_t *out)
{
	if (instruction->kind == STINGY_INSTRUCTION_JUMP)
		return put_far_jump(out, instruction->target);
	if (instruction->kind == STINGY_INSTRUCTION_BRANCH) {
		*out++ = 0x0f;
		*out++ = 0x80 | instruction->condition;
		return put_distance(out, instruction->target) ? out + 4 : NULL;
	}
	memcpy(out, code, instruction->len);
	if (instruction->relative_at) {
		int32_t distance;
		memcpy(&distance, code + instruction->relative_at, sizeof(distance));
		intptr_t moved = distance + ((intptr_t)code - (intptr_t)out);
		distance = (int32_t)moved;
		if (distance != moved)
			return NULL;
		memcpy(out + instruction->relative_at, &distance, sizeof(distance));
	}
	return out + instruction->len;
}

const char *stingy_patch_move(const struct stingy_patch_target *target, uint8_t *out, size_t n)
{
	struct prologue prologue;
	const uint8_t *code = target->function;
	const char *error = read_prologue(target, &prologue);
	if (!error)
		error = check_jumps(target, &prologue);
	if (error)
		return error;
	if (n < STINGY_PATCH_SIZE * FAR_JUMP + MOVED_MAX + FAR_JUMP)
		return "there is no room for what is moved";
	for (unsigned i = 0; i < prologue.n; i++) {
		out = move(code, &prologue.at[i], out);
		if (!out)
			return "it refers to what is too far off";
		code += prologue.at[i].len;
	}
	if (!prologue.is_final)
		put_far_jump(out, code);
	return NULL;
}

const char *stingy_patch_write(const struct stingy_patch_target *target, const uint8_t *there)
{
	uint8_t jump[STINGY_PATCH_SIZE] = {0xe9};
	uintptr_t first = (uintptr_t)target->function & -(uintptr_t)PAGE;
	size_t len = (uintptr_t)target->function + STINGY_PATCH_SIZE - first;
	intptr_t distance = (intptr_t)there - (intptr_t)(target->function + STINGY_PATCH_SIZE);
	int32_t near = (int32_t)distance;
	if (near != distance)
		return "no jump reaches the gate";
	memcpy(jump + 1, &near, sizeof(near));
	if (mprotect((void *)first, len, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return "the system does not let its code be changed";
	memcpy((void *)target->function, jump, sizeof(jump));
	mprotect((void *)first, len, PROT_READ | PROT_EXEC);
	return NULL;
}
