/*
 * What tells one build of a program or library from another: its GNU build-id, read from the file.
 *
 * Understands ELF files of this machine's word size and byte order. The file is not trusted: every offset in it is
 * checked against its size before it is followed. Nothing is printed and nothing kept; any thread.
 */
#ifndef STINGY_ELF_ID_H
#define STINGY_ELF_ID_H

#include "../manifests/manifest.h"

#include <stdbool.h>
#include <stdint.h>

struct stingy_elf_id {
	uint8_t id[STINGY_ID_MAX];
	uint32_t len;    /* bytes of id; 0: the file has no build-id, or one that is too long to be of use */
	uint64_t size;   /* bytes of the file */
	bool has_loader; /* names a dynamic loader, without which nothing can be preloaded; libraries have none */
	bool is_set_id;  /* set-user-ID or set-group-ID */
};

/* Reads the file at path. Returns 0, or -1 with errno set: ENOEXEC if it is no ELF file that could be loaded here. */
int stingy_elf_id_read(struct stingy_elf_id *elf, const char *path);

/* Whether it is the build that a manifest names: by its build-id, or, if neither has one, by the size. */
bool stingy_elf_id_is(const struct stingy_elf_id *elf, const struct stingy_manifest_module *module);

#endif
