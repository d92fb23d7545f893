/*
 * Fuzz targets: each takes any bytes, reads them as a file of its format, and holds the reader to all it promises.
 *
 * A promise that is broken ends the program: under libFuzzer (fuzz.sh) that is a finding, in t/005-corpus the test
 * fails. That nothing outside the bytes is read is for those who call: they place them where it would be noticed.
 */
#ifndef STINGY_FUZZ_H
#define STINGY_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Not assert(): it must hold whatever the program is compiled with. */
#define must(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))

static inline void broken(const char *promise, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
	abort();
}

void fuzz_manifest(const uint8_t *data, size_t size);
void fuzz_trace(const uint8_t *data, size_t size);
void fuzz_interface(const uint8_t *data, size_t size);
void fuzz_solve(const uint8_t *data, size_t size);

#endif
