/*
 * Which descriptor an event is for: epoll hands back what the program registered (a pointer, mostly), and this
 * remembers for which descriptor that was. Also which descriptors have to do with the event loop at all, so that
 * closing others is not worth a record; and where requests begin on those that were accepted.
 *
 * Fixed tables; descriptors beyond them are not followed. Any thread: a lock of its own, in which nothing else is
 * called. In a signal handler that interrupted one of these, the others do nothing and know nothing.
 */
#ifndef STINGY_DESCRIPTORS_H
#define STINGY_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

/* The descriptor was registered with the epoll instance, its events to carry data. */
void stingy_descriptors_register(int epoll, int fd, uint64_t data);

/* The descriptor whose events carry data; -1: not known. */
int stingy_descriptors_find(int epoll, uint64_t data);

/* The descriptor belongs to a task. */
void stingy_descriptors_note(int fd);

/* The descriptor is a connection that was accepted: it belongs to a task, and a first request is to come. */
void stingy_descriptors_accept(int fd);

/*
 * A read from the descriptor gave something. Whether a request begins with it: the first on an accepted connection, or
 * the first since something was written there.
 */
bool stingy_descriptors_read(int fd);

/*
 * An answer begins on the descriptor, and stingy_descriptors_written will be told. Whether its request is one that was
 * read together with an earlier one: nothing was read on the accepted connection since something was written there.
 */
bool stingy_descriptors_answered(int fd);

/*
 * Something was written to the descriptor, or it begins to connect. Whether it works from now on for the run under way:
 * events may come for it, it was not accepted, and that has not been said since the last stingy_descriptors_turn.
 */
bool stingy_descriptors_written(int fd);

/* A run begins, in whichever thread. */
void stingy_descriptors_turn(void);

/* The descriptor goes; whether it was registered or noted. */
bool stingy_descriptors_forget(int fd);

/* In the constructor; off: all of these do nothing and know nothing. */
void stingy_descriptors_init(bool off);

/* After fork, in the child. */
void stingy_descriptors_after_fork(void);

#endif
