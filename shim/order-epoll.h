/*
 * Ordering for epoll (order.h has the rules).
 *
 * Beside the server's epoll instance there is a second one of ours, called first. It has copies of the registrations
 * of what is under way; the server's own instance always has all of them. So waiting is done there alone, and who
 * loses a copy loses no event, but its place in the order. A turn of kind 1 asks first, without waiting; one of kind
 * 2 asks the server's instance, in the server's own way, for at most `bound` events: the kernel keeps the rest ready,
 * and takes turns among them.
 * An accepted connection is copied when the server asks whether it may be written to, with EPOLLONESHOT: it is told of
 * once for each time of asking, and not again when the next request arrives. What was not accepted is copied
 * edge-triggered, for as long as it is registered. A listening socket is copied with EPOLLONESHOT, too, and armed again
 * after so many turns (order.h). What first reports is masked with, and carries the data of, what the
 * server asked for last (watch.h), and is dropped if the server has deregistered the descriptor: so it is what the
 * server's own instance would say.
 * (poll on the descriptors of tasks under way would do for first, and take fewer calls; but a server's seccomp filter
 * need not allow it, and what it says may be of a descriptor that was closed meanwhile by ways we do not see.)
 *
 * Registrations that are edge-triggered or one-shot are never copied: the server's own instance alone tells of them,
 * and as often as ever. They have their place in the kernel's list, behind what was ready before them, which is as much
 * work as without us; so do all of a descriptor's registrations but that with the first instance, and EPOLLEXCLUSIVE,
 * which is for listening sockets. (To take such events from the kernel and to hand them out later would order them too.
 * But the kernel forgets the events of a descriptor that is closed, and we would not: fclose, freopen and other parts
 * of libc close descriptors without calling close, and the server would be given data that it has freed. And there is
 * hardly anything to win: who registers for edges asks whether it may write from the beginning, once for all time, so
 * nothing tells what is under way.)
 *
 * Left alone for good, with the reason in the live statistics: an instance of which no accepted connection is
 * level-triggered, that several threads wait on or register with, or, in the child, that was made before a fork. (Each
 * process could have a first instance of its own, with copies of what was registered before. But what the other one
 * then deregisters from the instance that they share, or what it alone has open, first would go on telling of, with
 * data that is not good any more; and who is to use the instance, one of them or both, only the server knows.) io_uring
 * is not looked at.
 *
 * stingy_order_epoll_closed may be called by a signal handler. A child by vfork closes its own descriptors, but in our
 * memory, and asking whether that is so would be a system call more: then the parent's instance is not ordered any
 * more.
 */
#ifndef STINGY_ORDER_EPOLL_H
#define STINGY_ORDER_EPOLL_H

#include "order.h"

#include <stdbool.h>
#include <sys/epoll.h>

/* The server made an epoll instance; and we another one, first (-1: that failed), which is closed with it. */
void stingy_order_epoll_made(int epoll, int first);

/* The server's epoll_ctl succeeded. */
void stingy_order_epoll_registered(int epoll, int operation, int fd, const struct epoll_event *event);

/* accept gave the server this connection. */
void stingy_order_epoll_accepted(int listener, int fd);

/* The descriptors from `from` to `to` are closed, or about to be. */
void stingy_order_epoll_closed(unsigned from, unsigned to);

/* In the child, after fork. */
void stingy_order_epoll_forked(struct stingy_order *order);

/*
 * The server waits: the order of its instance, or NULL: it is left alone. Then, if it is ordering and
 * stingy_order_asks_first, what order->first says at once goes through stingy_order_epoll_sort, which returns how many
 * events are left; if none, the server's own call, for at most stingy_order_epoll_most. In the end, _turned.
 */
struct stingy_order *stingy_order_epoll_enter(int epoll);
int stingy_order_epoll_sort(struct stingy_order *order, struct epoll_event *events, int n);
int stingy_order_epoll_most(const struct stingy_order *order, int max);
void stingy_order_epoll_turned(struct stingy_order *order, const struct epoll_event *events, int n, bool is_first);

#endif
