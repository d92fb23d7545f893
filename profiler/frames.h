/*
 * The return addresses seen so far: each with its frame rule, its module and file offset, its function.
 *
 * Found without a lock (on every frame of every allocation); a new one is learnt once, from libunwind and the
 * module's tables, with no lock held, as that takes the loader's. Entries are never removed; those of a module
 * that has gone are blanked, and a later module at the same addresses gets new ones.
 *
 * Memory: mappings of a fixed size, made at init, filled as needed. Any thread.
 */
#ifndef STINGY_FRAMES_H
#define STINGY_FRAMES_H

#include "../manifests/rule.h"
#include "../shim/modules.h"

#include <stdbool.h>
#include <stdint.h>

#define STINGY_FRAMES_MAX  (1u << 17)
#define STINGY_FRAME_NONE  UINT32_MAX
#define STINGY_MODULE_NONE UINT32_MAX
#define STINGY_NAME_MAX    128 /* bytes of a function's name, with its end; longer ones are cut */

/* Whether something has been declared in the trace of this process, and as what: trace says in which process's. */
struct stingy_declared {
	uint32_t trace; /* number of the process's trace, counted over forks; 0: in none yet */
	uint32_t number;
};

struct stingy_known_frame {
	uintptr_t ra; /* 0: blanked */
	struct stingy_rule rule;
	uint32_t module;   /* index for stingy_frames_module, or STINGY_MODULE_NONE */
	uint64_t offset;   /* file offset of ra; the bare address without a module */
	uint64_t function; /* file offset of the function's first byte; 0: unknown */
	bool is_indirect;  /* the call before ra takes its target from a register or from a computed place */
	const char *name;  /* terminated, "" if there is none */
	struct stingy_declared declared;
};

struct stingy_known_module {
	struct stingy_module module; /* path points to the copy below */
	bool is_gone;
	uint8_t id[STINGY_ID_MAX];
	uint64_t size; /* of the file, where there is no build-id */
	char path[1024];
	struct stingy_declared declared;
};

/* Makes the tables. Returns 0, or -1 with errno. */
int stingy_frames_init(void);

/* The entry of a return address, learnt if it is new; STINGY_FRAME_NONE if there is no room. It may allocate. */
uint32_t stingy_frames_get(uintptr_t ra);

/* The same for the address of a function's first byte: a stage that a program announces. */
uint32_t stingy_frames_get_function(uintptr_t function);

/* How many return addresses and functions the calling thread has learnt: that takes libunwind, and much of the stack.
 */
unsigned stingy_frames_learnt(void);

struct stingy_known_frame *stingy_frames_at(uint32_t index);
struct stingy_known_module *stingy_frames_module(uint32_t index);

/* Looks which modules have come and gone, and blanks the entries of those that have gone: after dlclose. */
void stingy_frames_refresh(void);

extern uint32_t stingy_frames_n_gone __attribute__((visibility("hidden"))); /* for the next alone */

/* How often modules were found to have gone: entries got before may have been blanked then. Atomic. */
static inline uint32_t stingy_frames_gone(void)
{
	return __atomic_load_n(&stingy_frames_n_gone, __ATOMIC_ACQUIRE);
}

/* Finds the unwind tables for an address: for stingy_unwind_walk. */
struct stingy_unwind_tables;
bool stingy_frames_tables(uintptr_t address, struct stingy_unwind_tables *tables, void *unused);

/*
 * In fork. No other thread is inside meanwhile. The loader's lock may be held by another one, and stays so in the
 * child: so the child of a process that had threads never asks the loader again, and what it does not know has no
 * module.
 */
void stingy_frames_before_fork(void);
void stingy_frames_after_fork_in_parent(void);
void stingy_frames_after_fork_in_child(void);

#endif
