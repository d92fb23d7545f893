/*
 * What is known of the server's descriptors, by number: how it came by them, and what it registered with epoll.
 *
 * A table with a place for every number that a process can have here, mapped once and never moved; pages of it are
 * taken as numbers are used. No lock: a descriptor's place follows the descriptor, which no sane
 * program opens, registers and closes in two threads at once.
 */
#ifndef STINGY_WATCH_H
#define STINGY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STINGY_WATCHES (1u << 20) /* descriptors: what Linux allows a process, unless it is told otherwise */

enum stingy_role {
	STINGY_ROLE_OTHER = 0, /* nobody's connection: never delayed */
	STINGY_ROLE_ACCEPTED,  /* somebody's connection: carries tasks */
	STINGY_ROLE_LISTENER,
	STINGY_ROLE_EPOLL, /* an epoll instance of the server */
	STINGY_ROLE_FIRST, /* one of ours */
};

enum stingy_copy {
	STINGY_COPY_NONE = 0, /* our instance does not know the descriptor */
	STINGY_COPY_SPENT,    /* it has told what it was to tell, and is to be asked anew */
	STINGY_COPY_ARMED,
	STINGY_COPY_MARKED, /* poll: it was ready, and has not been handed out */
};

struct stingy_watch {
	uint64_t data;       /* what the server's events are to carry */
	uint32_t mask;       /* which events it wants */
	uint8_t order;       /* with which instance it is registered: its number; 0: none */
	uint8_t role;        /* enum stingy_role */
	uint8_t copy : 4;    /* enum stingy_copy */
	uint8_t is_told : 1; /* epoll: that it may write, since it asked to be told; it may ask longer than it needs */
	uint8_t number;      /* an epoll instance's, of role STINGY_ROLE_EPOLL or _FIRST */
};

_Static_assert(sizeof(struct stingy_watch) == 16, "four of them share a cache line");

extern struct stingy_watch *stingy_watches __attribute__((visibility("hidden")));

/* Maps the table. Returns 0, or -1 if there is no memory. */
int stingy_watch_init(void);

/* The descriptor's place; NULL: there is none. */
static inline struct stingy_watch *stingy_watch_of(int fd)
{
	return fd >= 0 && (uint32_t)fd < STINGY_WATCHES ? &stingy_watches[fd] : NULL;
}

/* Something is known of the descriptor, which is one of the table. */
void stingy_watch_note(int fd);

/* The highest of those. */
uint32_t stingy_watch_last(void);

#endif
