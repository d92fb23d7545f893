#define _GNU_SOURCE
#include "slots.h"

#include "../shim/map.h"
#include "../shim/next.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE         4096u
#define PENDING_MAX  256u /* functions that are looked up at a time */
#define TEXT_MAX     128u /* bytes of a name or version */
#define VERSION_MASK 0x7fffu
#define VERSION_BASE 1u /* and below: none */

/* A function that a slot not yet filled is for. */
struct pending {
	char name[TEXT_MAX], version[TEXT_MAX]; /* "": none is asked for */
	uintptr_t address;                      /* 0: no definition was found */
};

struct search {
	const struct stingy_slots_client *client;
	struct pending pending[PENDING_MAX];
	unsigned n_pending, n_known; /* the known ones have been looked up */
};

/* The tables of one module, from its dynamic section. */
struct tables {
	uintptr_t bias;
	const Elf64_Phdr *phdr;
	unsigned n_phdr;
	const char *strings;
	const Elf64_Sym *symbols;
	const Elf64_Half *versions;
	const Elf64_Verneed *needed;
	const Elf64_Verdef *defined;
	const Elf64_Rela *rela[2]; /* of calls, and all others */
	size_t n_rela[2];
};

/* The loader has made addresses of most modules' entries, and left those of some (the kernel's) as they were. */
static uintptr_t address_of(const struct tables *tables, const Elf64_Dyn *entry)
{
	return entry->d_un.d_ptr >= tables->bias ? entry->d_un.d_ptr : tables->bias + entry->d_un.d_ptr;
}

static void read_entry(struct tables *tables, const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_STRTAB:
		tables->strings = (const char *)address_of(tables, entry);
		break;
	case DT_SYMTAB:
		tables->symbols = (const Elf64_Sym *)address_of(tables, entry);
		break;
	case DT_VERSYM:
		tables->versions = (const Elf64_Half *)address_of(tables, entry);
		break;
	case DT_VERNEED:
		tables->needed = (const Elf64_Verneed *)address_of(tables, entry);
		break;
	case DT_VERDEF:
		tables->defined = (const Elf64_Verdef *)address_of(tables, entry);
		break;
	case DT_JMPREL:
		tables->rela[0] = (const Elf64_Rela *)address_of(tables, entry);
		break;
	case DT_PLTRELSZ:
		tables->n_rela[0] = entry->d_un.d_val / sizeof(Elf64_Rela);
		break;
	case DT_RELA:
		tables->rela[1] = (const Elf64_Rela *)address_of(tables, entry);
		break;
	case DT_RELASZ:
		tables->n_rela[1] = entry->d_un.d_val / sizeof(Elf64_Rela);
		break;
	default:
		break;
	}
}

static bool read_tables(struct tables *tables, const struct dl_phdr_info *info)
{
	*tables = (struct tables){.bias = info->dlpi_addr, .phdr = info->dlpi_phdr, .n_phdr = info->dlpi_phnum};
	for (unsigned i = 0; i < tables->n_phdr; i++) {
		if (tables->phdr[i].p_type != PT_DYNAMIC)
			continue;
		const Elf64_Dyn *entry = (const Elf64_Dyn *)(tables->bias + tables->phdr[i].p_vaddr);
		for (; entry->d_tag != DT_NULL; entry++)
			read_entry(tables, entry);
	}
	return tables->strings && tables->symbols;
}

/* Whether the address is in a segment of the module that has all these flags. */
static bool is_in(const struct tables *tables, uintptr_t address, uint32_t flags)
{
	for (unsigned i = 0; i < tables->n_phdr; i++) {
		const Elf64_Phdr *segment = &tables->phdr[i];
		if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags &&
		    address - tables->bias - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

/* Next record of a list whose records say how far off the next is; NULL at the end. */
static const void *after(const void *record, uint32_t distance)
{
	return distance ? (const char *)record + distance : NULL;
}

static const char *needed_version(const struct tables *tables, unsigned number)
{
	for (const Elf64_Verneed *file = tables->needed; file; file = after(file, file->vn_next)) {
		const Elf64_Vernaux *version = after(file, file->vn_aux);
		for (unsigned i = 0; version && i < file->vn_cnt; i++, version = after(version, version->vna_next))
			if (version->vna_other == number)
				return tables->strings + version->vna_name;
	}
	return NULL;
}

/* The version of the symbol that a module asks for; "": none. */
static const char *version_of(const struct tables *tables, uint32_t symbol)
{
	unsigned number = tables->versions ? tables->versions[symbol] & VERSION_MASK : 0;
	if (number <= VERSION_BASE)
		return "";
	const char *needed = needed_version(tables, number);
	for (const Elf64_Verdef *defined = tables->defined; defined && !needed;
	     defined = after(defined, defined->vd_next))
		if (defined->vd_ndx == number)
			needed = tables->strings + ((const Elf64_Verdaux *)after(defined, defined->vd_aux))->vda_name;
	return needed ? needed : "";
}

/* The definition for a slot that is not filled yet: known, or to be looked up before the next search. 0: not known. */
static uintptr_t definition(struct search *search, const struct tables *tables, uint32_t symbol)
{
	const char *name = tables->strings + tables->symbols[symbol].st_name, *version = version_of(tables, symbol);
	for (unsigned i = 0; i < search->n_pending; i++)
		if (strcmp(search->pending[i].name, name) == 0 && strcmp(search->pending[i].version, version) == 0)
			return search->pending[i].address;
	size_t name_size = strlen(name) + 1, version_size = strlen(version) + 1;
	if (search->n_pending < PENDING_MAX && name_size <= TEXT_MAX && version_size <= TEXT_MAX) {
		struct pending *pending = &search->pending[search->n_pending++];
		memcpy(pending->name, name, name_size);
		memcpy(pending->version, version, version_size);
	}
	return 0;
}

/* What a call by the slot comes to. A slot that leads into its own module, but not to its function, is not filled. */
static uintptr_t target_of(struct search *search, const struct tables *tables, uint32_t number, uintptr_t value)
{
	const Elf64_Sym *symbol = &tables->symbols[number];
	bool is_defined = symbol->st_shndx != SHN_UNDEF;
	if ((is_defined && value == tables->bias + symbol->st_value) || !is_in(tables, value, PF_X))
		return value;
	uintptr_t found = definition(search, tables, number);
	/* In a program at a fixed address the loader gives out what calls by the slot, where pointers are compared. */
	return is_defined || !is_in(tables, found, PF_X) ? found : 0;
}

static void write_slot(const struct tables *tables, uintptr_t *slot, uintptr_t value)
{
	uintptr_t page = (uintptr_t)slot & -(uintptr_t)PAGE, low = 0, high = 0;
	for (unsigned i = 0; i < tables->n_phdr; i++) {
		if (tables->phdr[i].p_type != PT_GNU_RELRO)
			continue;
		low = (tables->bias + tables->phdr[i].p_vaddr) & -(uintptr_t)PAGE;
		high = (tables->bias + tables->phdr[i].p_vaddr + tables->phdr[i].p_memsz) & -(uintptr_t)PAGE;
	}
	bool is_relro = (uintptr_t)slot >= low && (uintptr_t)slot < high;
	if (is_relro && mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n(slot, value, __ATOMIC_RELEASE);
	if (is_relro)
		mprotect((void *)page, PAGE, PROT_READ);
}

static void look_at(struct search *search, const struct tables *tables, const Elf64_Rela *rela)
{
	uint32_t type = ELF64_R_TYPE(rela->r_info), number = ELF64_R_SYM(rela->r_info);
	uintptr_t *slot = (uintptr_t *)(tables->bias + rela->r_offset);
	if (number == 0 || (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT))
		return;
	int wanted = search->client->want(tables->strings + tables->symbols[number].st_name);
	if (wanted < 0 || !is_in(tables, (uintptr_t)slot, PF_W))
		return;
	uintptr_t target = target_of(search, tables, number, *slot);
	uintptr_t instead = target ? search->client->replace(wanted, target) : 0;
	if (instead)
		write_slot(tables, slot, instead);
}

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	struct search *search = data;
	struct tables tables;
	if (!read_tables(&tables, info) || is_in(&tables, (uintptr_t)__ehdr_start, 0))
		return 0;
	for (unsigned i = 0; i < 2; i++)
		for (size_t j = 0; tables.rela[i] && j < tables.n_rela[i]; j++)
			look_at(search, &tables, &tables.rela[i][j]);
	return 0;
}

/* Asks the loader, which must not be done while it goes through its list. */
static void look_up(struct pending *pending)
{
	void *found = pending->version[0] ? dlvsym(RTLD_DEFAULT, pending->name, pending->version)
					  : dlsym(RTLD_DEFAULT, pending->name);
	pending->address = (uintptr_t)found;
}

void stingy_slots_replace(const struct stingy_slots_client *client)
{
	struct search *search = stingy_map(sizeof(*search)); /* too much for the stacks of some threads */
	if (!search)
		return;
	search->client = client;
	do {
		for (; search->n_known < search->n_pending; search->n_known++)
			look_up(&search->pending[search->n_known]);
		dl_iterate_phdr(visit, search);
	} while (search->n_known < search->n_pending);
	munmap(search, sizeof(*search));
}
