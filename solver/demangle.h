/*
 * C++ names as people know them: without it, a server's kinds and stages are called _ZN13ConnStateData5startEv. The one
 * file that knows libiberty. Any thread.
 */
#ifndef STINGY_DEMANGLE_H
#define STINGY_DEMANGLE_H

#include <stddef.h>

/*
 * The name that the len bytes at name stand for, without the types of its parameters. Bytes that are no mangled name
 * are returned as they are, and so is a name that would become too long (a few bytes can stand for gigabytes, and a
 * trace may hold anything). Heap memory, the caller's to free.
 */
char *stingy_demangle(const char *name, size_t len);

#endif
