/*
 * The names of the system calls that the profiling library records, by the kernel's numbers for x86-64. Any thread.
 */
#ifndef STINGY_CALL_NAMES_H
#define STINGY_CALL_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* "read", or "call 500" where the number has no name here. Writes into text, always terminated. Returns text. */
char *stingy_call_name(uint32_t number, char *text, size_t size);

#endif
