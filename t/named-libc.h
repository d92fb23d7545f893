/*
 * The program and the C library as modules of a manifest, for tests of sites: where the library's text is in its file,
 * and where it is loaded.
 */
#ifndef NAMED_LIBC_H
#define NAMED_LIBC_H

#include "../shim/sites.h"

#include <string.h>

static struct stingy_manifest_module named[2]; /* the program, the C library */
static uint64_t libc_text;                     /* file offset */
static uintptr_t libc_low;

static int name_module(const struct stingy_module *module, void *data)
{
	struct stingy_manifest_module *name = &named[!module->is_program];

	(void)data;
	if (!module->is_program && !strstr(module->path, "/libc.so.6"))
		return 0;
	name->id_len = module->id_len;
	memcpy(name->id, module->id, module->id_len);
	libc_text = module->segment[0].offset;
	libc_low = module->segment[0].low;
	return !module->is_program;
}

/* For a group of tests. */
static int set_up(void **state)
{
	(void)state;
	stingy_modules_each(name_module, NULL);
	return libc_low != 0 && named[0].id_len != 0 ? 0 : -1;
}

#endif
