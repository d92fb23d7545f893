/*
 * The libc functions by which a server reads and writes, interposed in the profiling library: where on a kept-alive
 * connection a request begins, which descriptors work for whose task, and the system calls themselves. A request begins
 * with the first read since something was written; of HTTP, whose answers can be known by their first bytes, also with
 * an answer that follows another one, and not after an interim answer.
 *
 * The program gets what libc gives, errno included. These are cancellation points and may be called in signal handlers:
 * nothing is held over the call, and what is told of it afterwards is dropped where the recorder was interrupted.
 */
#define _GNU_SOURCE
#include "descriptors.h"
#include "events.h"
#include "record.h"

#include "../shim/calls.h"
#include "../shim/next.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ENTRY __attribute__((visibility("default")))

/* What the C library's headers make of reads in programs built with _FORTIFY_SOURCE. */
ENTRY ssize_t __read_chk(int fd, void *buf, size_t size, size_t room);
ENTRY ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags);
ENTRY ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *address,
			     socklen_t *len);

/* Those that only the profiling library stands before; the others are in shim/calls.h. */
#define FOR_EACH(DO)                                                                                                   \
	DO(read)                                                                                                       \
	DO(readv)                                                                                                      \
	DO(recv)                                                                                                       \
	DO(recvfrom)                                                                                                   \
	DO(recvmsg)                                                                                                    \
	DO(recvmmsg)                                                                                                   \
	DO(__read_chk)                                                                                                 \
	DO(__recv_chk)                                                                                                 \
	DO(__recvfrom_chk)                                                                                             \
	DO(sendmmsg)                                                                                                   \
	DO(splice)                                                                                                     \
	DO(connect)

#define DECLARE(name) __typeof__(&(name)) name; /* NOLINT(bugprone-macro-parentheses): it is a name */
static struct {
	FOR_EACH(DECLARE)
} next;

#define FIND(name) stingy_next_find(&next.name, #name);
void stingy_io_init(void)
{
	FOR_EACH(FIND)
}

/* Before the constructor each is found when it is called. */
#define NEXT(name) (next.name ? next.name : (stingy_next_find(&next.name, #name), next.name))

#define BEGIN(name, fd) STINGY_CALL_BEGIN(name, fd)

static ssize_t did_read(const struct stingy_call *call, ssize_t result)
{
	int saved = errno;
	if (result > 0 && stingy_descriptors_read(call->fd))
		stingy_events_request(call->fd);
	stingy_events_call_end(call);
	errno = saved;
	return result;
}

/* What is written by one call, as far as HTTP tells; of another protocol nothing begins like that. */
enum message {
	MESSAGE_OTHER,
	MESSAGE_ANSWER,  /* an answer begins with it */
	MESSAGE_INTERIM, /* "100 Continue" and its like, alone: the request goes on */
};

#define HTTP         "HTTP/1."
#define INTERIM      "HTTP/1.1 10"
#define SWITCHED     "HTTP/1.1 101" /* to another protocol: the last answer of this one */
#define STATUS_LEAST (sizeof(SWITCHED) - 1)

static bool begins(const char *text, const char *wanted)
{
	return memcmp(text, wanted, strlen(wanted)) == 0;
}

/* Of size bytes that were written the first room ones are at text. */
static enum message message_of(const char *text, size_t room, size_t size)
{
	if (size < STATUS_LEAST || room < STATUS_LEAST || !begins(text, HTTP))
		return MESSAGE_OTHER;
	if (!begins(text, INTERIM) || begins(text, SWITCHED) || size > room)
		return MESSAGE_ANSWER;
	const char *end = memmem(text, size, "\r\n\r\n", 4);
	return end && end + 4 == text + size ? MESSAGE_INTERIM : MESSAGE_ANSWER;
}

static ssize_t did_write_from(const struct stingy_call *call, ssize_t result, const void *text, size_t room)
{
	int saved = errno;
	enum message message = result > 0 ? message_of(text, room, (size_t)result) : MESSAGE_OTHER;
	if (message == MESSAGE_ANSWER && stingy_descriptors_answered(call->fd))
		stingy_events_request(call->fd);
	if (result > 0 && message != MESSAGE_INTERIM && stingy_descriptors_written(call->fd))
		stingy_events_link(call->fd);
	stingy_events_call_end(call);
	errno = saved;
	return result;
}

/* What a call was given is looked at only once the kernel has found it good. */
static ssize_t did_write_parts(const struct stingy_call *call, ssize_t result, const struct iovec *part)
{
	return result > 0 ? did_write_from(call, result, part->iov_base, part->iov_len)
			  : did_write_from(call, result, NULL, 0);
}

static ssize_t did_write(const struct stingy_call *call, ssize_t result)
{
	return did_write_from(call, result, NULL, 0);
}

ENTRY ssize_t read(int fd, void *buf, size_t size)
{
	BEGIN(read, fd);
	return did_read(&call, NEXT(read)(fd, buf, size));
}

ENTRY ssize_t readv(int fd, const struct iovec *parts, int count)
{
	BEGIN(readv, fd);
	return did_read(&call, NEXT(readv)(fd, parts, count));
}

ENTRY ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	BEGIN(recvfrom, fd);
	return did_read(&call, NEXT(recv)(fd, buf, size, flags));
}

ENTRY ssize_t recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *address, socklen_t *len)
{
	BEGIN(recvfrom, fd);
	return did_read(&call, NEXT(recvfrom)(fd, buf, size, flags, address, len));
}

ENTRY ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	BEGIN(recvmsg, fd);
	return did_read(&call, NEXT(recvmsg)(fd, message, flags));
}

ENTRY int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	BEGIN(recvmmsg, fd);
	return (int)did_read(&call, NEXT(recvmmsg)(fd, messages, count, flags, timeout));
}

ssize_t __read_chk(int fd, void *buf, size_t size, size_t room)
{
	BEGIN(read, fd);
	return did_read(&call, NEXT(__read_chk)(fd, buf, size, room));
}

ssize_t __recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	BEGIN(recvfrom, fd);
	return did_read(&call, NEXT(__recv_chk)(fd, buf, size, room, flags));
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *address, socklen_t *len)
{
	BEGIN(recvfrom, fd);
	return did_read(&call, NEXT(__recvfrom_chk)(fd, buf, size, room, flags, address, len));
}

ENTRY ssize_t write(int fd, const void *buf, size_t size)
{
	BEGIN(write, fd);
	return did_write_from(&call, STINGY_CALL(write)(fd, buf, size), buf, size);
}

ENTRY ssize_t writev(int fd, const struct iovec *parts, int count)
{
	BEGIN(writev, fd);
	return did_write_parts(&call, STINGY_CALL(writev)(fd, parts, count), parts);
}

ENTRY ssize_t send(int fd, const void *buf, size_t size, int flags)
{
	BEGIN(sendto, fd);
	return did_write_from(&call, STINGY_CALL(send)(fd, buf, size, flags), buf, size);
}

ENTRY ssize_t sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *address, socklen_t len)
{
	BEGIN(sendto, fd);
	return did_write_from(&call, STINGY_CALL(sendto)(fd, buf, size, flags, address, len), buf, size);
}

ENTRY ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	BEGIN(sendmsg, fd);
	ssize_t result = STINGY_CALL(sendmsg)(fd, message, flags);
	return did_write_parts(&call, result, result > 0 ? message->msg_iov : NULL);
}

ENTRY int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	BEGIN(sendmmsg, fd);
	return (int)did_write(&call, NEXT(sendmmsg)(fd, messages, count, flags));
}

ENTRY ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
	BEGIN(sendfile, to);
	return did_write(&call, STINGY_CALL(sendfile)(to, from, offset, size));
}

ENTRY ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	BEGIN(sendfile, to);
	return did_write(&call, STINGY_CALL(sendfile64)(to, from, offset, size));
}

/* It reads from one, and writes to the other. */
ENTRY ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
	BEGIN(splice, to);
	ssize_t result = NEXT(splice)(from, from_at, to, to_at, size, flags);
	int saved = errno;
	if (result > 0 && stingy_descriptors_read(from))
		stingy_events_request(from);
	errno = saved;
	return did_write(&call, result);
}

/* From now on events may come for it. */
ENTRY int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	BEGIN(connect, fd);
	int result = NEXT(connect)(fd, address, len);
	int saved = errno;
	if (result == 0 || saved == EINPROGRESS) {
		stingy_descriptors_note(fd);
		if (stingy_descriptors_written(fd))
			stingy_events_link(fd);
	}
	stingy_events_call_end(&call);
	errno = saved;
	return result;
}
