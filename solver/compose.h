/*
 * The text of a manifest from a solved model, as `stingy solve` writes it and `stingy tune` and the report take it.
 * The same model gives the same text, byte for byte. One thread.
 */
#ifndef STINGY_COMPOSE_H
#define STINGY_COMPOSE_H

#include "solve.h"

/*
 * After a run that succeeded. The text has been read back, and is right. NULL after a line on stderr: there is no
 * memory for it, or it came out wrong; else the caller frees it.
 */
char *stingy_compose(const struct stingy_solve *solve, size_t *size);

/* What is written must be readable. Returns 0, or -1 after a line on stderr that says why it is not. */
int stingy_compose_check(const char *text, size_t size);

#endif
