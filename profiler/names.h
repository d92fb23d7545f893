/*
 * Names of functions, from the symbol tables of the file on disk: .symtab where it is, else .dynsym. A stripped program
 * has few; then there is none, and module and offset must do.
 *
 * Opens and maps the file at each call, as it is asked once for each return address. Does not allocate. Any thread.
 */
#ifndef STINGY_NAMES_H
#define STINGY_NAMES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the name of the function that contains the link address (run-time address minus the module's bias) in the ELF
 * file at path into name[size]; "" if there is none. Returns the length.
 */
size_t stingy_name_of(const char *path, uint64_t link_address, char *name, size_t size);

/*
 * Finds the function of that name: its link address goes to *link_address. Returns how many different ones there are,
 * of which it is one; -1: it is one that is chosen when the program starts (an IFUNC).
 */
int stingy_name_find(const char *path, const char *name, uint64_t *link_address);

#endif
