/*
 * The loaded modules: what identifies each (build-id, else path and size) and how its addresses map to offsets in its
 * file, so that a return address has a name that survives ASLR, upgrades of others, and a program that overwrites
 * argv[0]: the main program is /proc/self/exe.
 *
 * Reads the loader's own list (dl_iterate_phdr). That takes the loader's lock: call it with no lock of ours held. It
 * does not allocate. Any thread.
 */
#ifndef STINGY_MODULES_H
#define STINGY_MODULES_H

#include "../manifests/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STINGY_SEGMENTS_MAX 4 /* executable segments of one module; compilers make one */

/* Executable addresses [low, high), and the file offset of the first. */
struct stingy_segment {
	uintptr_t low, high;
	uint64_t offset;
};

struct stingy_module {
	const char *path;
	bool is_program;
	const uint8_t *id; /* build-id; NULL: none */
	uint32_t id_len;   /* bytes */
	unsigned n_segments;
	struct stingy_segment segment[STINGY_SEGMENTS_MAX];
	uintptr_t bias;         /* load address minus link address */
	uintptr_t eh_frame_hdr; /* address of the unwind tables' index; 0: none */
};

/* Counts that change when modules come (adds) and go (subs). */
struct stingy_modules_version {
	unsigned long long adds, subs;
};

/*
 * Calls each(module, data) for every loaded module, the program first; a non-zero result ends it. The module is valid
 * during the call only, except for id, which is in the module's own memory.
 */
void stingy_modules_each(int (*each)(const struct stingy_module *module, void *data), void *data);

struct stingy_modules_version stingy_modules_version(void);

/* The file's size in bytes; 0 if it cannot be had. */
uint64_t stingy_module_file_size(const struct stingy_module *module);

/* Path of the running program, as the kernel knows it; "" if it cannot be had. */
const char *stingy_program_path(void);

/* Whether the module contains the return address. */
static inline bool stingy_module_contains(const struct stingy_module *module, uintptr_t ra)
{
	for (unsigned i = 0; i < module->n_segments; i++) /* an address after a final call may be the segment's end */
		if (ra > module->segment[i].low && ra <= module->segment[i].high)
			return true;
	return false;
}

/* The file offset of a return address in the module; UINT64_MAX if it is not in it. */
uint64_t stingy_module_offset(const struct stingy_module *module, uintptr_t ra);

/* The reverse: the address of a file offset; 0 if it is in no executable segment. */
uintptr_t stingy_module_address(const struct stingy_module *module, uint64_t offset);

#endif
