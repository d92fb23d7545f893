/*
 * What is known of the server's descriptors, by number: how it came by them, and what it registered with epoll.
 *
 * Two tables with a place for every number that a process can have here, mapped once and never moved; pages of them are
 * taken as numbers are used. What poll has to know of all descriptors in each turn is one of a byte each, as thousands
 * of them should cost the server little of its cache. No lock: a descriptor's place follows the descriptor, which no
 * sane program opens, registers and closes in two threads at once.
 */
#ifndef STINGY_WATCH_H
#define STINGY_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STINGY_WATCHES (1u << 20) /* descriptors: what Linux allows a process, unless it is told otherwise */

#define STINGY_ROLE_WAITS  0x80 /* it is not under way, but by an event that its role has, too */
#define STINGY_ROLE_MARKED 0x40 /* poll: it was ready, and has not been handed out */

enum stingy_role {
	STINGY_ROLE_OTHER = 0, /* nobody's connection: never delayed */
	STINGY_ROLE_EPOLL,     /* an epoll instance of the server */
	STINGY_ROLE_FIRST,     /* one of ours */
	STINGY_ROLE_LISTENER = STINGY_ROLE_WAITS,
	STINGY_ROLE_ACCEPTED = STINGY_ROLE_WAITS | POLLOUT, /* somebody's connection: carries tasks */
};

enum stingy_copy {
	STINGY_COPY_NONE = 0, /* our instance does not know the descriptor */
	STINGY_COPY_SPENT,    /* it has told what it was to tell, and is to be asked anew */
	STINGY_COPY_ARMED,
};

struct stingy_watch {
	uint64_t data;  /* what the server's events are to carry */
	uint32_t mask;  /* which events it wants */
	uint8_t order;  /* with which instance it is registered: its number; 0: none */
	uint8_t copy;   /* enum stingy_copy */
	bool is_told;   /* epoll: that it may write, since it asked to be told; it may ask longer than it needs */
	uint8_t number; /* an epoll instance's, of role STINGY_ROLE_EPOLL or _FIRST */
};

_Static_assert(sizeof(struct stingy_watch) == 16, "four of them share a cache line");

extern struct stingy_watch *stingy_watches __attribute__((visibility("hidden")));

/* enum stingy_role of each, and STINGY_ROLE_MARKED. */
extern uint8_t *stingy_roles __attribute__((visibility("hidden")));

/* Maps the tables. Returns 0, or -1 if there is no memory. */
int stingy_watch_init(void);

/* The descriptor's place; NULL: there is none. */
static inline struct stingy_watch *stingy_watch_of(int fd)
{
	return fd >= 0 && (uint32_t)fd < STINGY_WATCHES ? &stingy_watches[fd] : NULL;
}

static inline uint8_t stingy_watch_role(const struct stingy_watch *watch)
{
	return stingy_roles[watch - stingy_watches] & (uint8_t)~STINGY_ROLE_MARKED;
}

/* The descriptor's role; STINGY_ROLE_LISTENER, which nothing is done for, if it has no place. */
static inline uint8_t stingy_watch_role_of(int fd)
{
	const struct stingy_watch *watch = stingy_watch_of(fd);
	return watch ? stingy_watch_role(watch) : STINGY_ROLE_LISTENER;
}

/* The descriptor is a new one, of this role; STINGY_ROLE_OTHER: nothing is known of it. */
static inline void stingy_watch_renew(struct stingy_watch *watch, enum stingy_role role)
{
	*watch = (struct stingy_watch){.order = 0};
	stingy_roles[watch - stingy_watches] = (uint8_t)role;
}

/* Something is known of the descriptor, which is one of the table. */
void stingy_watch_note(int fd);

/* The highest of those. */
uint32_t stingy_watch_last(void);

#endif
