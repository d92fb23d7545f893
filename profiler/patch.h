/*
 * The patched entry of a function: its first bytes, five at least, become a jump to a gate; behind the gate stand the
 * instructions that were there, changed where they depend on their place, and a jump to those that follow.
 *
 * What could go wrong is looked for first, and then the function is left alone: instructions that are not known or
 * cannot be moved; a jump, from the function itself or from anywhere in its module, into the bytes that are replaced; a
 * jump through a table that might lead there; too few bytes. Text is made writable for the moment: only while no other
 * thread can run it, that is, in the constructor. A signal that comes amid the few moved instructions finds no unwind
 * tables for them.
 */
#ifndef STINGY_PATCH_H
#define STINGY_PATCH_H

#include <stddef.h>
#include <stdint.h>

#define STINGY_PATCH_SIZE 5u /* bytes of the jump */

/* A function, and the part of its module that can be run. */
struct stingy_patch_target {
	const uint8_t *function, *end;
	const uint8_t *text, *text_end;
};

/*
 * Copies the instructions that make way for the jump to out, which has room for n bytes and is where they will run, and
 * a jump to what follows. Returns NULL, or a static string that says why it cannot be done. Nothing is patched.
 */
const char *stingy_patch_move(const struct stingy_patch_target *target, uint8_t *out, size_t n);

/* Lets the function begin with a jump to there. Returns NULL, or why not. */
const char *stingy_patch_write(const struct stingy_patch_target *target, const uint8_t *there);

#endif
