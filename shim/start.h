/*
 * Where a program begins: the C library's __libc_start_main, which calls main. Ours has main run on a stack of its own,
 * at the bottom of cache slab 1, if a manifest in force asks for it; else it is the next library's alone.
 *
 * From main on, the program's stack is there: it grows down into the low slab, whose guard ends one that is deeper than
 * RLIMIT_STACK was. What comes before main (constructors) and after its return (destructors; not those that exit()
 * calls) is on the kernel's stack, as are arguments, environment and auxiliary vector. The switch has a frame that
 * debuggers, backtrace() and exceptions can pass.
 *
 * What the kernel and the C library say of the main thread's stack (pthread_getattr_np, __libc_stack_end,
 * /proc/PID/maps) is not true any more. So a program that goes by it must not be run with a stack placed: those with a
 * conservative garbage collector, foremost.
 */
#ifndef STINGY_START_H
#define STINGY_START_H

#include <stdbool.h>

/*
 * Whether the main thread's stack can be placed: not where it has to be executable, which only the kernel's and the
 * C library's own are made. In the constructor.
 */
bool stingy_start_can_place(void);

#endif
