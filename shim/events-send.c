/*
 * libc's entry points by which a server answers, in the production library: what is sent to an accepted connection is
 * counted, to measure how much work a turn of the server's loop did. Counting events would not do: one that the server
 * leaves unhandled is reported again in the next turn.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "order.h"
#include "watch.h"

#define ENTRY __attribute__((visibility("default")))

#define NEXT(name) STINGY_CALL(name)

/* Counts what was sent, if anything was. Returns result, with errno as it is. */
static ssize_t sent(int fd, ssize_t result)
{
	if (stingy_order_is_counting && result > 0)
		stingy_order_answers += stingy_watch_role_of(fd) == STINGY_ROLE_ACCEPTED;
	return result;
}

ENTRY ssize_t write(int fd, const void *buf, size_t size)
{
	return sent(fd, NEXT(write)(fd, buf, size));
}

ENTRY ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return sent(fd, NEXT(writev)(fd, parts, count));
}

ENTRY ssize_t send(int fd, const void *buf, size_t size, int flags)
{
	return sent(fd, NEXT(send)(fd, buf, size, flags));
}

ENTRY ssize_t sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *address, socklen_t len)
{
	return sent(fd, NEXT(sendto)(fd, buf, size, flags, address, len));
}

ENTRY ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return sent(fd, NEXT(sendmsg)(fd, message, flags));
}

ENTRY ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
	return sent(to, NEXT(sendfile)(to, from, offset, size));
}

ENTRY ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	return sent(to, NEXT(sendfile64)(to, from, offset, size));
}
