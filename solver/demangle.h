/*
 * Names of C++ functions as people write them, for what is shown to people.
 *
 * The C++ library that C++ programs come with does it; it is opened when the first such name is met. Where there is
 * none, names stay as the compiler made them: nothing that is stored or compared may go by this. One thread.
 */
#ifndef STINGY_DEMANGLE_H
#define STINGY_DEMANGLE_H

#include <stddef.h>

/*
 * Makes name, of size bytes, readable in place: without its parameters, and cut to fit; what follows a '#' is kept.
 * Returns name.
 */
char *stingy_demangle(char *name, size_t size);

#endif
