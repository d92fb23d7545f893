#include "elf-id.h"

#include "mapped-file.h"
#include "round.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define NATIVE_DATA  (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)

/* A stretch of the file; taking from it what it does not hold is refused. */
struct stretch {
	const char *at;
	size_t left;
};

/* Copies the next size bytes into to (which may be NULL) and steps over them. Returns 0, or -1 if they are not there.
 */
static int take(struct stretch *stretch, void *to, uint64_t size)
{
	if (size > stretch->left)
		return -1;
	if (to)
		memcpy(to, stretch->at, size);
	stretch->at += size;
	stretch->left -= size;
	return 0;
}

/* Narrows the stretch to size bytes from offset on. */
static int narrow(struct stretch *stretch, uint64_t offset, uint64_t size)
{
	if (take(stretch, NULL, offset) < 0 || size > stretch->left)
		return -1;
	stretch->left = size;
	return 0;
}

/*
 * Looks for the build-id among the notes. What follows a note's name, and what follows the note, is padded to a
 * multiple of align from the note's beginning; the padding of the last may be missing.
 */
static void read_notes(struct stretch notes, uint64_t align, struct stingy_elf_id *elf)
{
	static const char owner[] = "GNU";
	ElfW(Nhdr) note;

	for (struct stretch begin = notes; take(&notes, &note, sizeof(note)) == 0; begin = notes) {
		struct stretch name = begin, desc = begin;
		uint64_t desc_at = stingy_round_up(sizeof(note) + (uint64_t)note.n_namesz, align);

		if (narrow(&name, sizeof(note), note.n_namesz) < 0 || narrow(&desc, desc_at, note.n_descsz) < 0)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && name.left == sizeof(owner) &&
		    memcmp(name.at, owner, sizeof(owner)) == 0 && desc.left <= STINGY_ID_MAX) {
			elf->len = note.n_descsz;
			memcpy(elf->id, desc.at, elf->len);
			return;
		}
		notes = begin;
		if (take(&notes, NULL, stingy_round_up(desc_at + note.n_descsz, align)) < 0)
			return;
	}
}

static int read_segments(struct stretch file, struct stingy_elf_id *elf)
{
	struct stretch segments = file;
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;

	if (take(&segments, &header, sizeof(header)) < 0 || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != NATIVE_CLASS || header.e_ident[EI_DATA] != NATIVE_DATA ||
	    header.e_phentsize != sizeof(segment))
		return -1;
	segments = file;
	if (narrow(&segments, header.e_phoff, (uint64_t)header.e_phnum * sizeof(segment)) < 0)
		return -1;
	while (take(&segments, &segment, sizeof(segment)) == 0) {
		struct stretch notes = file;

		if (segment.p_type == PT_INTERP)
			elf->has_loader = true;
		if (segment.p_type == PT_NOTE && elf->len == 0 &&
		    narrow(&notes, segment.p_offset, segment.p_filesz) == 0)
			read_notes(notes, segment.p_align == 8 ? 8 : 4, elf);
	}
	return 0;
}

int stingy_elf_id_read(struct stingy_elf_id *elf, const char *path)
{
	struct stingy_mapped_file file;
	int result;

	memset(elf, 0, sizeof(*elf));
	if (stingy_mapped_file_init(&file, path) < 0)
		return -1;
	elf->size = file.size;
	elf->is_set_id = (file.mode & (S_ISUID | S_ISGID)) != 0;
	result = read_segments((struct stretch){file.data, file.size}, elf);
	stingy_mapped_file_fini(&file);
	if (result < 0)
		errno = ENOEXEC;
	return result;
}

bool stingy_elf_id_is(const struct stingy_elf_id *elf, const struct stingy_manifest_module *module)
{
	if (module->id_len != elf->len)
		return false;
	return elf->len ? memcmp(module->id, elf->id, elf->len) == 0 : module->size == elf->size;
}
