#include "names.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	const char *data;
	size_t size;
};

/* Where size bytes at offset lie in the file; NULL if they do not. */
static const void *part(const struct file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset ? file->data + offset : NULL;
}

static const Elf64_Sym *best_symbol(const struct file *file, const Elf64_Shdr *table, uint64_t address)
{
	size_t n = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbols = part(file, table->sh_offset, n * sizeof(*symbols));
	for (size_t i = 0; symbols && i < n; i++) {
		unsigned type = ELF64_ST_TYPE(symbols[i].st_info);
		if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbols[i].st_shndx != SHN_UNDEF &&
		    address - symbols[i].st_value < symbols[i].st_size)
			return &symbols[i];
	}
	return NULL;
}

static size_t copy_name(const struct file *file, const Elf64_Shdr *strings, uint32_t at, char *name, size_t size)
{
	const char *text = part(file, strings->sh_offset, strings->sh_size);
	if (!text || at >= strings->sh_size)
		return 0;
	size_t len = strnlen(text + at, strings->sh_size - at);
	if (len >= size)
		len = size - 1;
	memcpy(name, text + at, len);
	name[len] = '\0';
	return len;
}

/* The file's section headers, and how many; NULL: it is no such file. */
static const Elf64_Shdr *sections_of(const struct file *file, unsigned *n)
{
	const Elf64_Ehdr *elf = part(file, 0, sizeof(*elf));
	if (!elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	*n = elf->e_shnum;
	return part(file, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(Elf64_Shdr));
}

static const uint32_t kinds[] = {SHT_SYMTAB, SHT_DYNSYM};

/* The next table of symbols, the full ones first; *at, which begins at 0, says where it goes on. NULL: no more. */
static const Elf64_Shdr *next_table(const Elf64_Shdr *sections, unsigned n, size_t *at)
{
	while (sections && *at < n * (sizeof(kinds) / sizeof(*kinds))) {
		const Elf64_Shdr *table = &sections[*at % n];
		uint32_t kind = kinds[(*at)++ / n];
		if (table->sh_type == kind && table->sh_link < n)
			return table;
	}
	return NULL;
}

static size_t search(const struct file *file, uint64_t address, char *name, size_t size)
{
	unsigned n = 0;
	const Elf64_Shdr *sections = sections_of(file, &n), *table;
	for (size_t at = 0; (table = next_table(sections, n, &at));) {
		const Elf64_Sym *symbol = best_symbol(file, table, address);
		if (symbol)
			return copy_name(file, &sections[table->sh_link], symbol->st_name, name, size);
	}
	return 0;
}

static bool is_named(const struct file *file, const Elf64_Shdr *strings, uint32_t at, const char *name)
{
	size_t len = strlen(name) + 1;
	const char *text =
		at < strings->sh_size && len <= strings->sh_size - at ? part(file, strings->sh_offset + at, len) : NULL;
	return text && memcmp(text, name, len) == 0;
}

static int count_symbols(const struct file *file, const Elf64_Shdr *table, const Elf64_Shdr *strings, const char *name,
			 uint64_t *address)
{
	size_t n = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbols = part(file, table->sh_offset, n * sizeof(*symbols));
	int found = 0;
	for (size_t i = 0; symbols && i < n; i++) {
		unsigned type = ELF64_ST_TYPE(symbols[i].st_info);
		if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbols[i].st_shndx == SHN_UNDEF ||
		    (found > 0 && symbols[i].st_value == *address) ||
		    !is_named(file, strings, symbols[i].st_name, name))
			continue;
		if (type == STT_GNU_IFUNC)
			return -1;
		*address = symbols[i].st_value;
		found++;
	}
	return found;
}

static int find(const struct file *file, const char *name, uint64_t *address)
{
	unsigned n = 0;
	const Elf64_Shdr *sections = sections_of(file, &n), *table;
	for (size_t at = 0; (table = next_table(sections, n, &at));) {
		int found = count_symbols(file, table, &sections[table->sh_link], name, address);
		if (found != 0)
			return found;
	}
	return 0;
}

/* Maps the file. Returns whether it could be. */
static bool open_file(struct file *file, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	file->data = MAP_FAILED;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		file->size = (size_t)st.st_size;
		file->data = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	return file->data != MAP_FAILED;
}

size_t stingy_name_of(const char *path, uint64_t link_address, char *name, size_t size)
{
	struct file file;
	name[0] = '\0';
	if (!open_file(&file, path))
		return 0;
	size_t len = search(&file, link_address, name, size);
	munmap((void *)file.data, file.size);
	return len;
}

int stingy_name_find(const char *path, const char *name, uint64_t *link_address)
{
	struct file file;
	if (!open_file(&file, path))
		return 0;
	int found = find(&file, name, link_address);
	munmap((void *)file.data, file.size);
	return found;
}
