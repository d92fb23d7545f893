/*
 * The words by which modules call functions of others (the slots of their procedure linkage and global offset tables):
 * finds those of functions that somebody asks for, and lets them lead to a gate.
 *
 * Slots that the loader has not filled yet are filled by the definition that it would choose, by name and version.
 * Those that are read-only by now (RELRO) are made writable for the moment; a word is written at once, so threads may
 * go on calling. This library's own slots are left alone. What comes with a module loaded later is found by asking
 * again.
 *
 * Takes the loader's lock: hold no other. It does not allocate, but for what the loader does to look a name up.
 */
#ifndef STINGY_SLOTS_H
#define STINGY_SLOTS_H

#include <stdint.h>

struct stingy_slots_client {
	/* Whether calls of the function of that name are wanted, and as which number; -1: they are not. */
	int (*want)(const char *name);
	/* What is to be called instead of target, for that number; 0: leave it. */
	uintptr_t (*replace)(int number, uintptr_t target);
};

/* Looks through all loaded modules. */
void stingy_slots_replace(const struct stingy_slots_client *client);

#endif
