#define _GNU_SOURCE
#include "modules.h"

#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char program_path[PATH_MAX];

const char *stingy_program_path(void)
{
	if (program_path[0] == '\0') {
		ssize_t len = readlink("/proc/self/exe", program_path, sizeof(program_path) - 1);
		program_path[len > 0 ? len : 0] = '\0';
	}
	return program_path;
}

/* Looks for the build-id in one segment of notes. */
static void read_notes(struct stingy_module *module, uintptr_t at, size_t size)
{
	const size_t pad = 3;
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
		size_t name = ((size_t)note->n_namesz + pad) & ~pad;
		size_t desc = ((size_t)note->n_descsz + pad) & ~pad;
		size_t whole = sizeof(*note) + name + desc;
		if (whole > size)
			return;
		const char *owner = (const char *)(note + 1);
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof("GNU") &&
		    memcmp(owner, "GNU", 4) == 0 && note->n_descsz > 0 && note->n_descsz <= STINGY_ID_MAX) {
			module->id = (const uint8_t *)owner + name;
			module->id_len = note->n_descsz;
			return;
		}
		at += whole;
		size -= whole;
	}
}

static void read_segment(struct stingy_module *module, const ElfW(Phdr) * segment)
{
	uintptr_t at = module->bias + segment->p_vaddr;
	switch (segment->p_type) {
	case PT_LOAD:
		if ((segment->p_flags & PF_X) && module->n_segments < STINGY_SEGMENTS_MAX)
			module->segment[module->n_segments++] =
				(struct stingy_segment){at, at + segment->p_filesz, segment->p_offset};
		break;
	case PT_NOTE:
		if (!module->id)
			read_notes(module, at, segment->p_memsz);
		break;
	case PT_GNU_EH_FRAME:
		module->eh_frame_hdr = at;
		break;
	default:
		break;
	}
}

struct iteration {
	int (*each)(const struct stingy_module *module, void *data);
	void *data;
	bool began;
};

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	struct iteration *iteration = data;
	struct stingy_module module = {.path = info->dlpi_name, .bias = info->dlpi_addr};
	module.is_program = !iteration->began; /* the loader lists it first */
	iteration->began = true;
	if (module.is_program)
		module.path = stingy_program_path();
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		read_segment(&module, &info->dlpi_phdr[i]);
	return iteration->each(&module, iteration->data);
}

void stingy_modules_each(int (*each)(const struct stingy_module *module, void *data), void *data)
{
	struct iteration iteration = {each, data, false};
	dl_iterate_phdr(visit, &iteration);
}

static int visit_version(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	*(struct stingy_modules_version *)data = (struct stingy_modules_version){info->dlpi_adds, info->dlpi_subs};
	return 1;
}

struct stingy_modules_version stingy_modules_version(void)
{
	struct stingy_modules_version version = {0, 0};
	dl_iterate_phdr(visit_version, &version);
	return version;
}

uint64_t stingy_module_file_size(const struct stingy_module *module)
{
	struct stat st;
	return stat(module->path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

uint64_t stingy_module_offset(const struct stingy_module *module, uintptr_t ra)
{
	for (unsigned i = 0; i < module->n_segments; i++) {
		const struct stingy_segment *segment = &module->segment[i];
		if (ra > segment->low && ra <= segment->high)
			return segment->offset + (ra - segment->low);
	}
	return UINT64_MAX;
}

uintptr_t stingy_module_address(const struct stingy_module *module, uint64_t offset)
{
	for (unsigned i = 0; i < module->n_segments; i++) {
		const struct stingy_segment *segment = &module->segment[i];
		if (offset >= segment->offset && offset - segment->offset <= segment->high - segment->low)
			return segment->low + (offset - segment->offset);
	}
	return 0;
}
