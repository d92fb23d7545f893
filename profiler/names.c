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

static size_t search(const struct file *file, uint64_t address, char *name, size_t size)
{
	const Elf64_Ehdr *elf = part(file, 0, sizeof(*elf));
	if (!elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->e_shentsize != sizeof(Elf64_Shdr))
		return 0;
	const Elf64_Shdr *sections = part(file, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(*sections));
	if (!sections)
		return 0;
	static const uint32_t kinds[] = {SHT_SYMTAB, SHT_DYNSYM};
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		for (unsigned i = 0; i < elf->e_shnum; i++) {
			if (sections[i].sh_type != kinds[k] || sections[i].sh_link >= elf->e_shnum)
				continue;
			const Elf64_Sym *symbol = best_symbol(file, &sections[i], address);
			if (symbol)
				return copy_name(file, &sections[sections[i].sh_link], symbol->st_name, name, size);
		}
	}
	return 0;
}

size_t stingy_name_of(const char *path, uint64_t link_address, char *name, size_t size)
{
	struct stat st;
	size_t len = 0;
	name[0] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		struct file file = {.size = (size_t)st.st_size};
		void *at = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED) {
			file.data = at;
			len = search(&file, link_address, name, size);
			munmap(at, file.size);
		}
	}
	close(fd);
	return len;
}
