/*
 * An amount of bytes as a user writes it: a number, with K, M or G behind it in either case, which multiply by powers
 * of 1,024. Nothing is allocated, and nothing is printed.
 */
#ifndef STINGY_AMOUNT_H
#define STINGY_AMOUNT_H

#include <stdint.h>

/* Reads "64", "64K", "64M" or "64G". Returns 0, or -1 if it is no such text, or more than 64 bits hold. */
int stingy_amount_parse(const char *text, uint64_t *bytes);

#endif
