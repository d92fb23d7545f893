/*
 * The environment variables of the preloaded libraries (man 7 stingy-environment). In a program that runs with more
 * rights than its caller (AT_SECURE) there are none. Read in the constructor only.
 */
#ifndef STINGY_ENV_H
#define STINGY_ENV_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the program runs with no more rights than whoever set the environment. */
bool stingy_env_is_trusted(void);

/* The variable's value; NULL if it is unset or empty, or must not be trusted. */
const char *stingy_env(const char *name);

/* Whether the variable is set to something other than "0". */
bool stingy_env_is_set(const char *name);

/* The variable as a decimal number; fallback if it is unset or not a number. */
uint64_t stingy_env_number(const char *name, uint64_t fallback);

/*
 * Whether this process is the one that the user started under us: its pid is STINGY_MAIN's, as `stingy run` and
 * `stingy profile` set it, or there is no STINGY_MAIN; then it is set, for what this process runs in turn, as that is
 * not worth a message each.
 */
bool stingy_env_is_main(void);

#endif
