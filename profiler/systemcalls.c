/*
 * More of the libc functions that are system calls, interposed in the profiling library only to tell how often a stage
 * makes them and how long they take: files, sockets' settings, sleep. What reads and writes is in io.c, and what has to
 * do with events in loop.c. Calls that the C library makes by itself do not come by here.
 *
 * The program gets what libc gives, errno included. Nothing is held over the call.
 */
#define _GNU_SOURCE
#include "events.h"
#include "record.h"

#include "../shim/next.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ENTRY __attribute__((visibility("default")))

/* What the C library's headers make of these in programs built with _FORTIFY_SOURCE. */
ENTRY int __open_2(const char *path, int flags);
ENTRY int __open64_2(const char *path, int flags);
ENTRY int __openat_2(int folder, const char *path, int flags);
ENTRY int __openat64_2(int folder, const char *path, int flags);
ENTRY ssize_t __pread_chk(int fd, void *buf, size_t size, off_t at, size_t room);
ENTRY ssize_t __pread64_chk(int fd, void *buf, size_t size, off64_t at, size_t room);

/* Those that are passed on as they are: name, result, the kernel's call, descriptor, parameters, arguments. */
#define FOR_EACH_PLAIN(DO)                                                                                             \
	DO(__open_2, int, openat, -1, (const char *path, int flags), (path, flags))                                    \
	DO(__open64_2, int, openat, -1, (const char *path, int flags), (path, flags))                                  \
	DO(__openat_2, int, openat, -1, (int folder, const char *path, int flags), (folder, path, flags))              \
	DO(__openat64_2, int, openat, -1, (int folder, const char *path, int flags), (folder, path, flags))            \
	DO(__pread_chk, ssize_t, pread64, fd, (int fd, void *buf, size_t size, off_t at, size_t room),                 \
	   (fd, buf, size, at, room))                                                                                  \
	DO(__pread64_chk, ssize_t, pread64, fd, (int fd, void *buf, size_t size, off64_t at, size_t room),             \
	   (fd, buf, size, at, room))                                                                                  \
	DO(pread, ssize_t, pread64, fd, (int fd, void *buf, size_t size, off_t at), (fd, buf, size, at))               \
	DO(pread64, ssize_t, pread64, fd, (int fd, void *buf, size_t size, off64_t at), (fd, buf, size, at))           \
	DO(preadv, ssize_t, preadv, fd, (int fd, const struct iovec *parts, int count, off_t at),                      \
	   (fd, parts, count, at))                                                                                     \
	DO(preadv64, ssize_t, preadv, fd, (int fd, const struct iovec *parts, int count, off64_t at),                  \
	   (fd, parts, count, at))                                                                                     \
	DO(pwrite, ssize_t, pwrite64, fd, (int fd, const void *buf, size_t size, off_t at), (fd, buf, size, at))       \
	DO(pwrite64, ssize_t, pwrite64, fd, (int fd, const void *buf, size_t size, off64_t at), (fd, buf, size, at))   \
	DO(pwritev, ssize_t, pwritev, fd, (int fd, const struct iovec *parts, int count, off_t at),                    \
	   (fd, parts, count, at))                                                                                     \
	DO(pwritev64, ssize_t, pwritev, fd, (int fd, const struct iovec *parts, int count, off64_t at),                \
	   (fd, parts, count, at))                                                                                     \
	DO(lseek, off_t, lseek, fd, (int fd, off_t at, int from), (fd, at, from))                                      \
	DO(lseek64, off64_t, lseek, fd, (int fd, off64_t at, int from), (fd, at, from))                                \
	DO(fsync, int, fsync, fd, (int fd), (fd))                                                                      \
	DO(fdatasync, int, fdatasync, fd, (int fd), (fd))                                                              \
	DO(ftruncate, int, ftruncate, fd, (int fd, off_t size), (fd, size))                                            \
	DO(ftruncate64, int, ftruncate, fd, (int fd, off64_t size), (fd, size))                                        \
	DO(flock, int, flock, fd, (int fd, int operation), (fd, operation))                                            \
	DO(stat, int, newfstatat, -1, (const char *path, struct stat *st), (path, st))                                 \
	DO(stat64, int, newfstatat, -1, (const char *path, struct stat64 *st), (path, st))                             \
	DO(lstat, int, newfstatat, -1, (const char *path, struct stat *st), (path, st))                                \
	DO(lstat64, int, newfstatat, -1, (const char *path, struct stat64 *st), (path, st))                            \
	DO(fstat, int, fstat, fd, (int fd, struct stat *st), (fd, st))                                                 \
	DO(fstat64, int, fstat, fd, (int fd, struct stat64 *st), (fd, st))                                             \
	DO(fstatat, int, newfstatat, -1, (int folder, const char *path, struct stat *st, int flags),                   \
	   (folder, path, st, flags))                                                                                  \
	DO(fstatat64, int, newfstatat, -1, (int folder, const char *path, struct stat64 *st, int flags),               \
	   (folder, path, st, flags))                                                                                  \
	DO(access, int, access, -1, (const char *path, int mode), (path, mode))                                        \
	DO(readlink, ssize_t, readlink, -1, (const char *path, char *buf, size_t size), (path, buf, size))             \
	DO(rename, int, rename, -1, (const char *from, const char *to), (from, to))                                    \
	DO(unlink, int, unlink, -1, (const char *path), (path))                                                        \
	DO(mkdir, int, mkdir, -1, (const char *path, mode_t mode), (path, mode))                                       \
	DO(socket, int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))                    \
	DO(shutdown, int, shutdown, fd, (int fd, int how), (fd, how))                                                  \
	DO(setsockopt, int, setsockopt, fd, (int fd, int level, int name, const void *value, socklen_t len),           \
	   (fd, level, name, value, len))                                                                              \
	DO(getsockopt, int, getsockopt, fd, (int fd, int level, int name, void *value, socklen_t *len),                \
	   (fd, level, name, value, len))                                                                              \
	DO(getsockname, int, getsockname, fd, (int fd, struct sockaddr *address, socklen_t *len), (fd, address, len))  \
	DO(getpeername, int, getpeername, fd, (int fd, struct sockaddr *address, socklen_t *len), (fd, address, len))  \
	DO(nanosleep, int, nanosleep, -1, (const struct timespec *time, struct timespec *rest), (time, rest))          \
	DO(usleep, int, nanosleep, -1, (useconds_t us), (us))

/* And those whose last argument may be missing. */
#define FOR_EACH(DO)                                                                                                   \
	FOR_EACH_PLAIN(DO)                                                                                             \
	DO(open, )                                                                                                     \
	DO(open64, )                                                                                                   \
	DO(openat, )                                                                                                   \
	DO(openat64, )                                                                                                 \
	DO(fcntl, )                                                                                                    \
	DO(fcntl64, )                                                                                                  \
	DO(ioctl, )

#define DECLARE(name, ...) __typeof__(&(name)) name; /* NOLINT(bugprone-macro-parentheses): it is a name */
static struct {
	FOR_EACH(DECLARE)
} next;

#define FIND(name, ...) stingy_next_find(&next.name, #name);
void stingy_systemcalls_init(void)
{
	FOR_EACH(FIND)
}

/* Before the constructor each is found when it is called. */
#define NEXT(name) (next.name ? next.name : (stingy_next_find(&next.name, #name), next.name))

/* NOLINTBEGIN(bugprone-macro-parentheses): types, parameters and arguments */
#define DEFINE(name, result_type, number, fd, parameters, arguments)                                                   \
	ENTRY result_type name parameters                                                                              \
	{                                                                                                              \
		STINGY_CALL_BEGIN(number, fd);                                                                         \
		result_type result = NEXT(name) arguments;                                                             \
		stingy_events_call_end(&call);                                                                         \
		return result;                                                                                         \
	}
FOR_EACH_PLAIN(DEFINE)

/* A mode is there only if the flags ask for one; what is not there is not looked at by libc, either. */
#define DEFINE_OPEN(name, parameters, ...)                                                                             \
	ENTRY int name parameters                                                                                      \
	{                                                                                                              \
		va_list rest;                                                                                          \
		va_start(rest, flags);                                                                                 \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                              \
		va_end(rest);                                                                                          \
		STINGY_CALL_BEGIN(openat, -1);                                                                         \
		int result = NEXT(name)(__VA_ARGS__, flags, mode);                                                     \
		stingy_events_call_end(&call);                                                                         \
		return result;                                                                                         \
	}
DEFINE_OPEN(open, (const char *path, int flags, ...), path)
DEFINE_OPEN(open64, (const char *path, int flags, ...), path)
DEFINE_OPEN(openat, (int folder, const char *path, int flags, ...), folder, path)
DEFINE_OPEN(openat64, (int folder, const char *path, int flags, ...), folder, path)

/* One more word, whatever it is, and be it none, is passed on in the register that it came in. */
#define DEFINE_CONTROL(name, number, type)                                                                             \
	ENTRY int name(int fd, type command, ...)                                                                      \
	{                                                                                                              \
		va_list rest;                                                                                          \
		va_start(rest, command);                                                                               \
		void *argument = va_arg(rest, void *);                                                                 \
		va_end(rest);                                                                                          \
		STINGY_CALL_BEGIN(number, fd);                                                                         \
		int result = NEXT(name)(fd, command, argument);                                                        \
		stingy_events_call_end(&call);                                                                         \
		return result;                                                                                         \
	}
DEFINE_CONTROL(fcntl, fcntl, int)
DEFINE_CONTROL(fcntl64, fcntl, int)
DEFINE_CONTROL(ioctl, ioctl, unsigned long)
/* NOLINTEND(bugprone-macro-parentheses) */
