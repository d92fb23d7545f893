#include "binary.h"

#include "memory.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_ENCODINGS 4u /* bytes at the start of the index: its version, and how its three fields are written */
#define INDEX_VERSION    1
#define REGISTER_BP      6 /* DWARF's numbers */
#define REGISTER_SP      7
#define STUB_SIZE        16u  /* bytes of an entry of a procedure linkage table */
#define JUMP_OPCODE      0x25 /* of ff 25: jump to where the word at so many bytes from here says */

/* A name and where it belongs. */
struct stingy_symbol {
	uint64_t address;
	const char *name;
};

/* The bytes at an address, of which there are at least size in the segment; NULL: there are not. */
static const uint8_t *bytes_at(const struct stingy_binary *binary, uint64_t address, uint64_t size)
{
	uint64_t offset = stingy_binary_offset(binary, address);
	size_t file_size = 0;
	const char *file = elf_rawfile(binary->elf, &file_size);

	if (!file || offset > file_size || size > file_size - offset)
		return NULL;
	return (const uint8_t *)file + offset;
}

static int32_t read_i32(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint64_t stingy_binary_address(const struct stingy_binary *binary, uint64_t offset)
{
	GElf_Phdr segment;

	for (int i = 0; gelf_getphdr(binary->elf, i, &segment); i++)
		if (segment.p_type == PT_LOAD && offset >= segment.p_offset &&
		    offset - segment.p_offset < segment.p_filesz)
			return offset - segment.p_offset + segment.p_vaddr;
	return UINT64_MAX;
}

uint64_t stingy_binary_offset(const struct stingy_binary *binary, uint64_t address)
{
	GElf_Phdr segment;

	for (int i = 0; gelf_getphdr(binary->elf, i, &segment); i++)
		if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
		    address - segment.p_vaddr < segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	return UINT64_MAX;
}

static void measure(struct stingy_binary *binary)
{
	GElf_Phdr segment;
	GElf_Ehdr header;

	binary->low = UINT64_MAX;
	for (int i = 0; gelf_getphdr(binary->elf, i, &segment); i++) {
		if (segment.p_type != PT_LOAD)
			continue;
		if (segment.p_vaddr < binary->low)
			binary->low = segment.p_vaddr;
		if (segment.p_vaddr + segment.p_memsz > binary->high)
			binary->high = segment.p_vaddr + segment.p_memsz;
	}
	binary->is_fixed = gelf_getehdr(binary->elf, &header) && header.e_type == ET_EXEC;
}

/*
 * Takes a function from its entry in the unwind tables: its length, then where its common part is, then, from their own
 * places on, the address and the size, 32 bits each, as all compilers for this processor write them. What is written in
 * another way does not agree with the index, and is left out.
 */
static void take_function(struct stingy_binary *binary, uint64_t address, uint64_t entry)
{
	const uint8_t *at = bytes_at(binary, entry, 16);
	struct stingy_function function = {.address = address};

	if (!at || entry + 8 + (uint64_t)(int64_t)read_i32(at + 8) != address)
		return;
	function.size = (uint32_t)read_i32(at + 12);
	function.code = bytes_at(binary, address, function.size);
	if (function.code && function.size)
		binary->function[binary->n_functions++] = function;
}

static int compare_functions(const void *a, const void *b)
{
	const struct stingy_function *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* Of functions that overlap, the first one counts. */
static void sort_functions(struct stingy_binary *binary)
{
	uint32_t n = 0;

	qsort(binary->function, binary->n_functions, sizeof(*binary->function), compare_functions);
	for (uint32_t i = 0; i < binary->n_functions; i++) {
		const struct stingy_function *last = n ? &binary->function[n - 1] : NULL;

		if (!last || last->address + last->size <= binary->function[i].address)
			binary->function[n++] = binary->function[i];
	}
	binary->n_functions = n;
}

/* The index of the unwind tables: pairs of a function's address and its entry's, from the index on. */
static int read_functions(struct stingy_binary *binary)
{
	static const uint8_t encodings[] = {DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_udata4,
					    DW_EH_PE_datarel | DW_EH_PE_sdata4};
	GElf_Phdr segment;
	const uint8_t *at = NULL;
	uint32_t n;

	for (int i = 0; !at && gelf_getphdr(binary->elf, i, &segment); i++)
		if (segment.p_type == PT_GNU_EH_FRAME)
			at = bytes_at(binary, segment.p_vaddr, segment.p_filesz);
	if (!at || segment.p_filesz < 12 || at[0] != INDEX_VERSION ||
	    memcmp(at + 1, encodings, HEADER_ENCODINGS - 1) != 0)
		return -1;
	n = (uint32_t)read_i32(at + 8);
	if (n > (segment.p_filesz - 12) / 8)
		return -1;
	binary->function = stingy_memory_new(n, sizeof(*binary->function));
	for (uint32_t i = 0; i < n; i++)
		take_function(binary, segment.p_vaddr + (uint64_t)(int64_t)read_i32(at + 12 + 8 * (size_t)i),
			      segment.p_vaddr + (uint64_t)(int64_t)read_i32(at + 16 + 8 * (size_t)i));
	sort_functions(binary);
	return 0;
}

/* Of several names of a function the least one counts, whatever the order. */
static void name_functions(struct stingy_binary *binary, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(binary->elf, header->sh_link, symbol.st_name);
		uint32_t function;

		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || !name || !*name)
			continue;
		function = stingy_binary_find(binary, symbol.st_value);
		if (function == STINGY_NO_FUNCTION || binary->function[function].address != symbol.st_value)
			continue;
		if (!binary->function[function].name || strcmp(name, binary->function[function].name) < 0)
			binary->function[function].name = name;
	}
}

static int compare_symbols(const void *a, const void *b)
{
	const struct stingy_symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static const char *find_symbol(const struct stingy_symbol *symbol, size_t n, uint64_t address)
{
	struct stingy_symbol key = {.address = address};
	const struct stingy_symbol *found = n ? bsearch(&key, symbol, n, sizeof(*symbol), compare_symbols) : NULL;

	return found ? found->name : NULL;
}

/* The words that the loader fills with the addresses of other modules' functions, by address; the caller frees them. */
static struct stingy_symbol *read_slots(const struct stingy_binary *binary, Elf_Scn *section, const GElf_Shdr *header,
					size_t *n)
{
	Elf_Data *data = elf_getdata(section, NULL), *symbols = NULL;
	Elf_Scn *of = elf_getscn(binary->elf, header->sh_link);
	struct stingy_symbol *slot = NULL;
	GElf_Shdr names;
	GElf_Rela relocation;
	GElf_Sym symbol;
	size_t room = 0;

	if (of && gelf_getshdr(of, &names))
		symbols = elf_getdata(of, NULL);
	for (int i = 0; data && symbols && gelf_getrela(data, i, &relocation); i++) {
		const char *name = NULL;

		if (gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol))
			name = elf_strptr(binary->elf, names.sh_link, symbol.st_name);
		if (!name || !*name)
			continue;
		STINGY_GROW(slot, &room, *n + 1);
		slot[(*n)++] = (struct stingy_symbol){.address = relocation.r_offset, .name = name};
	}
	if (*n)
		qsort(slot, *n, sizeof(*slot), compare_symbols);
	return slot;
}

/* Entries of the table: each has one jump by way of a slot, somewhere in its bytes. */
static void read_imports(struct stingy_binary *binary, const GElf_Shdr *table, const struct stingy_symbol *slot,
			 size_t n)
{
	const uint8_t *code = bytes_at(binary, table->sh_addr, table->sh_size);

	for (uint64_t i = 0; code && i + STUB_SIZE <= table->sh_size; i += STUB_SIZE) {
		for (uint64_t j = i; j + 6 <= i + STUB_SIZE; j++) {
			uint64_t next = table->sh_addr + j + 6;
			const char *name;

			if (code[j] != 0xff || code[j + 1] != JUMP_OPCODE)
				continue;
			name = find_symbol(slot, n, next + (uint64_t)(int64_t)read_i32(code + j + 2));
			if (!name)
				continue;
			STINGY_GROW(binary->import, &binary->import_room, binary->n_imports + 1);
			binary->import[binary->n_imports++] =
				(struct stingy_symbol){.address = table->sh_addr + i, .name = name};
			break;
		}
	}
}

/* All tables whose name begins so: .plt, .plt.sec, .plt.got. */
static void read_tables(struct stingy_binary *binary, const struct stingy_symbol *slot, size_t n)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(binary->elf, &names) < 0)
		return;
	while ((section = elf_nextscn(binary->elf, section))) {
		const char *name =
			gelf_getshdr(section, &header) ? elf_strptr(binary->elf, names, header.sh_name) : NULL;

		if (name && strncmp(name, ".plt", 4) == 0 && header.sh_type == SHT_PROGBITS)
			read_imports(binary, &header, slot, n);
	}
	if (binary->n_imports)
		qsort(binary->import, binary->n_imports, sizeof(*binary->import), compare_symbols);
}

static void read_sections(struct stingy_binary *binary)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(binary->elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB)
			name_functions(binary, section, &header);
		if (header.sh_type == SHT_RELA) {
			size_t n = 0;
			struct stingy_symbol *slot = read_slots(binary, section, &header, &n);

			read_tables(binary, slot, n);
			free(slot);
		}
	}
}

int stingy_binary_init(struct stingy_binary *binary, const char *path)
{
	memset(binary, 0, sizeof(*binary));
	binary->fd = -1;
	if (stingy_elf_id_read(&binary->id, path) < 0)
		return -1;
	binary->path = stingy_memory_text(path, strlen(path));
	binary->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (binary->fd >= 0) {
		elf_version(EV_CURRENT);
		binary->elf = elf_begin(binary->fd, ELF_C_READ_MMAP, NULL);
		errno = ENOEXEC;
		if (binary->elf && read_functions(binary) == 0) {
			binary->cfi = dwarf_getcfi_elf(binary->elf);
			measure(binary);
			read_sections(binary);
			return 0;
		}
	}
	stingy_binary_fini(binary);
	return -1;
}

void stingy_binary_fini(struct stingy_binary *binary)
{
	int error = errno;

	if (binary->cfi)
		dwarf_cfi_end(binary->cfi);
	if (binary->elf)
		elf_end(binary->elf);
	if (binary->fd >= 0)
		close(binary->fd);
	free(binary->import);
	free(binary->function);
	free(binary->path);
	memset(binary, 0, sizeof(*binary));
	binary->fd = -1;
	errno = error;
}

uint32_t stingy_binary_find(const struct stingy_binary *binary, uint64_t address)
{
	uint32_t low = 0, high = binary->n_functions;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct stingy_function *function = &binary->function[middle];

		if (address < function->address)
			high = middle;
		else if (address - function->address >= function->size)
			low = middle + 1;
		else
			return middle;
	}
	return STINGY_NO_FUNCTION;
}

const char *stingy_binary_imported(const struct stingy_binary *binary, uint64_t address)
{
	return find_symbol(binary->import, binary->n_imports, address);
}

static int read_cfa(Dwarf_Frame *frame, struct stingy_rule *rule)
{
	Dwarf_Op *ops;
	size_t n_ops;

	if (dwarf_frame_cfa(frame, &ops, &n_ops) < 0 || n_ops != 1 || ops[0].atom != DW_OP_bregx ||
	    (ops[0].number != REGISTER_SP && ops[0].number != REGISTER_BP))
		return -1;
	rule->base = ops[0].number == REGISTER_SP ? STINGY_RULE_SP : STINGY_RULE_BP;
	rule->cfa = (int32_t)ops[0].number2;
	return rule->cfa == (int64_t)ops[0].number2 ? 0 : -1;
}

/* Where the caller's frame pointer is: untouched, or in memory at a distance from the canonical frame address. */
static int read_bp(Dwarf_Frame *frame, struct stingy_rule *rule)
{
	Dwarf_Op memory[3], *ops;
	size_t n_ops;

	if (dwarf_frame_register(frame, REGISTER_BP, memory, &ops, &n_ops) < 0)
		return -1;
	if (n_ops == 0)
		return 0;
	if (n_ops != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_plus_uconst)
		return -1;
	rule->bp = (int16_t)ops[1].number;
	return rule->bp == (int64_t)ops[1].number ? 0 : -1;
}

int stingy_binary_rule(const struct stingy_binary *binary, uint64_t address, struct stingy_rule *rule)
{
	Dwarf_Frame *frame = NULL;
	int result;

	memset(rule, 0, sizeof(*rule));
	/* The call is what counts: the return address may be another function's, if nothing was to come back. */
	if (!binary->cfi || dwarf_cfi_addrframe(binary->cfi, address - 1, &frame) != 0)
		return -1;
	result = read_cfa(frame, rule) < 0 || read_bp(frame, rule) < 0 || !stingy_rule_is_valid(rule) ? -1 : 0;
	free(frame);
	return result;
}
