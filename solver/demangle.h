/*
 * C++ names as people know them: without it, a server's kinds and stages are called _ZN13ConnStateData5startEv.
 */
#ifndef STINGY_DEMANGLE_H
#define STINGY_DEMANGLE_H

#include <stddef.h>

/*
 * The name that the len bytes at name stand for, without the types of its parameters; as it is if it is no mangled
 * name, or one of which too much would come (a few bytes can stand for gigabytes, and traces are anybody's). Heap
 * memory.
 */
char *stingy_demangle(const char *name, size_t len);

#endif
