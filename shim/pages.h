/*
 * The pages under a range of addresses: how to get some of the kind that is wanted. All of these make system calls, but
 * for the last two; they are for start-up and for fork.
 *
 * Ranges are private anonymous memory, multiples of STINGY_HUGE_PAGE but for stingy_pages_populate.
 */
#ifndef STINGY_PAGES_H
#define STINGY_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Of newer kernels than the C library's headers may know. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define STINGY_PAGE      4096u       /* bytes; x86-64 has no other base page */
#define STINGY_HUGE_PAGE (2ul << 20) /* bytes */

/* Touches every page for writing. Returns 0, or -1 if there is no memory. */
int stingy_pages_populate(char *at, size_t size);

/* Small pages, untouched, in place of what is there. Returns 0, or -1 with a hole. */
int stingy_pages_map(char *at, size_t size);

/*
 * Explicit huge pages in place of what is there, all of them touched now, as a pool that runs dry later would kill the
 * program; hidden from fork. If it fails there may be a hole.
 */
bool stingy_pages_make_explicit(char *at, size_t size);

/* Touches all of it, and sees to it that it is on transparent huge pages; they were asked for by MADV_HUGEPAGE. */
bool stingy_pages_make_transparent(char *at, size_t size);

/*
 * Both put what was on transparent huge pages before fork on such pages again, and return whether it is; contents stay.
 *
 * stingy_pages_mend is for the parent, where other threads, and the kernel on behalf of a read or write under way, may
 * use those pages meanwhile. It takes 0.2 to 0.4 ms a huge page, and longer on a machine that has more to run than
 * processors, as the kernel waits for each of them. stingy_pages_renew is for the child, which has one thread and
 * nothing under way; signals must be blocked, and the stack must not be in those pages. It takes 0.25 ms.
 */
bool stingy_pages_mend(char *at, size_t size);
bool stingy_pages_renew(char *at, size_t size);

/* Whether the calling thread's stack is there just now. */
bool stingy_pages_hold_stack(const char *at, size_t size);

/* A clock that takes no system call, in ms. */
int64_t stingy_pages_clock(void);

#endif
