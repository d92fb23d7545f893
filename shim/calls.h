/*
 * The next definitions (libc's, as a rule) of the functions by which an event loop can be observed. Both preloaded
 * libraries interpose these functions, each with entry points of its own (events.c, ../profiler/loop.c), which call
 * what they stand in for through this table.
 *
 * A function that an older C library lacks stays NULL. Any thread; after fork the table is as it was.
 */
#ifndef STINGY_CALLS_H
#define STINGY_CALLS_H

#include "next.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What the C library's headers make of poll and ppoll in programs built with _FORTIFY_SOURCE. */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);

/* Events that may be asked for in one epoll_wait; more are an error. */
#define STINGY_EPOLL_MOST ((int)(INT_MAX / sizeof(struct epoll_event)))

#define STINGY_FOR_EACH_CALL(DO)                                                                                       \
	DO(epoll_wait)                                                                                                 \
	DO(epoll_pwait)                                                                                                \
	DO(epoll_pwait2)                                                                                               \
	DO(epoll_ctl)                                                                                                  \
	DO(poll)                                                                                                       \
	DO(ppoll)                                                                                                      \
	DO(__poll_chk)                                                                                                 \
	DO(__ppoll_chk)                                                                                                \
	DO(select)                                                                                                     \
	DO(pselect)                                                                                                    \
	DO(accept)                                                                                                     \
	DO(accept4)                                                                                                    \
	DO(close)                                                                                                      \
	DO(close_range)                                                                                                \
	DO(closefrom)                                                                                                  \
	DO(dup2)                                                                                                       \
	DO(dup3)                                                                                                       \
	DO(epoll_create)                                                                                               \
	DO(epoll_create1)                                                                                              \
	DO(prctl)                                                                                                      \
	DO(write)                                                                                                      \
	DO(writev)                                                                                                     \
	DO(send)                                                                                                       \
	DO(sendto)                                                                                                     \
	DO(sendmsg)                                                                                                    \
	DO(sendfile)                                                                                                   \
	DO(sendfile64)

#define STINGY_DECLARE_CALL(name) __typeof__(&(name)) name; /* NOLINT(bugprone-macro-parentheses): it is a name */
struct stingy_calls {
	STINGY_FOR_EACH_CALL(STINGY_DECLARE_CALL)
};

extern struct stingy_calls stingy_calls __attribute__((visibility("hidden")));

/* Fills the table. In the constructor. */
void stingy_calls_init(void);

/* The function to call. Before the constructor has run, each is looked up when it is first called. */
#define STINGY_CALL(name)                                                                                              \
	(stingy_calls.name ? stingy_calls.name : (stingy_next_find(&stingy_calls.name, #name), stingy_calls.name))

#endif
