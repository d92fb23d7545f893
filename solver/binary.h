/*
 * A program or library as a file: its functions, their code, their names, and the frame rules of return addresses.
 *
 * The functions are those that the unwind tables know (.eh_frame, by way of its sorted index), which also stripped
 * files have. Addresses are those of the file's segments; a manifest's are offsets in the file, and there is a way from
 * one to the other. libelf finds the segments and the symbols, libdw reads the rules; this is the only file that knows
 * them.
 *
 * The file is not trusted: what points out of it is left out. Heap memory and mappings, from init to fini; one thread.
 */
#ifndef STINGY_BINARY_H
#define STINGY_BINARY_H

#include "elf-id.h"

/* One function; those of a binary are in the order of their addresses, and do not overlap. */
struct stingy_function {
	uint64_t address;
	uint64_t size;       /* bytes */
	const uint8_t *code; /* the binary's */
	const char *name;    /* the binary's; NULL: there is none */
};

struct stingy_binary {
	char *path;
	struct stingy_elf_id id;
	struct stingy_function *function;
	uint32_t n_functions;
	uint64_t low, high; /* the addresses that its segments take */
	bool is_fixed;      /* it cannot be moved: its code may hold addresses as they are */
	/* the rest is the module's own */
	int fd;
	struct Elf *elf;
	struct Dwarf_CFI_s *cfi;
	struct stingy_symbol *import; /* entries of the procedure linkage table, by address */
	size_t n_imports, import_room;
};

#define STINGY_NO_FUNCTION UINT32_MAX

/* Returns 0, or -1 with errno: ENOEXEC if it is no ELF file that could be loaded here, or has no unwind tables. */
int stingy_binary_init(struct stingy_binary *binary, const char *path);
void stingy_binary_fini(struct stingy_binary *binary);

/* Between offsets in the file and addresses. UINT64_MAX: there is none. */
uint64_t stingy_binary_address(const struct stingy_binary *binary, uint64_t offset);
uint64_t stingy_binary_offset(const struct stingy_binary *binary, uint64_t address);

/* The function that holds the address; STINGY_NO_FUNCTION: none does. */
uint32_t stingy_binary_find(const struct stingy_binary *binary, uint64_t address);

/* The name of what a call of the address reaches in another module, by the linkage table; NULL: it is in none. */
const char *stingy_binary_imported(const struct stingy_binary *binary, uint64_t address);

/* The rule of a return address, as the unwind tables have it. Returns 0, or -1 if it is none that a key could have. */
int stingy_binary_rule(const struct stingy_binary *binary, uint64_t address, struct stingy_rule *rule);

#endif
