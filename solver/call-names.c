#define _GNU_SOURCE
#include "call-names.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>

/* What servers call in stages; those of newer kernels are not in the headers of every C library, nor interposed. */
#define CALLS(DO)                                                                                                      \
	DO(accept)                                                                                                     \
	DO(accept4)                                                                                                    \
	DO(access)                                                                                                     \
	DO(bind)                                                                                                       \
	DO(clock_nanosleep)                                                                                            \
	DO(close)                                                                                                      \
	DO(connect)                                                                                                    \
	DO(dup)                                                                                                        \
	DO(dup2)                                                                                                       \
	DO(dup3)                                                                                                       \
	DO(epoll_create1)                                                                                              \
	DO(epoll_ctl)                                                                                                  \
	DO(epoll_pwait)                                                                                                \
	DO(epoll_wait)                                                                                                 \
	DO(eventfd2)                                                                                                   \
	DO(faccessat)                                                                                                  \
	DO(fallocate)                                                                                                  \
	DO(fcntl)                                                                                                      \
	DO(fdatasync)                                                                                                  \
	DO(flock)                                                                                                      \
	DO(fstat)                                                                                                      \
	DO(fsync)                                                                                                      \
	DO(ftruncate)                                                                                                  \
	DO(getdents64)                                                                                                 \
	DO(getpeername)                                                                                                \
	DO(getsockname)                                                                                                \
	DO(getsockopt)                                                                                                 \
	DO(ioctl)                                                                                                      \
	DO(kill)                                                                                                       \
	DO(link)                                                                                                       \
	DO(listen)                                                                                                     \
	DO(lseek)                                                                                                      \
	DO(lstat)                                                                                                      \
	DO(madvise)                                                                                                    \
	DO(mkdir)                                                                                                      \
	DO(mmap)                                                                                                       \
	DO(mprotect)                                                                                                   \
	DO(msync)                                                                                                      \
	DO(munmap)                                                                                                     \
	DO(nanosleep)                                                                                                  \
	DO(newfstatat)                                                                                                 \
	DO(open)                                                                                                       \
	DO(openat)                                                                                                     \
	DO(pipe)                                                                                                       \
	DO(pipe2)                                                                                                      \
	DO(poll)                                                                                                       \
	DO(ppoll)                                                                                                      \
	DO(pread64)                                                                                                    \
	DO(preadv)                                                                                                     \
	DO(preadv2)                                                                                                    \
	DO(pselect6)                                                                                                   \
	DO(pwrite64)                                                                                                   \
	DO(pwritev)                                                                                                    \
	DO(pwritev2)                                                                                                   \
	DO(read)                                                                                                       \
	DO(readahead)                                                                                                  \
	DO(readlink)                                                                                                   \
	DO(readv)                                                                                                      \
	DO(recvfrom)                                                                                                   \
	DO(recvmmsg)                                                                                                   \
	DO(recvmsg)                                                                                                    \
	DO(rename)                                                                                                     \
	DO(rmdir)                                                                                                      \
	DO(sched_yield)                                                                                                \
	DO(select)                                                                                                     \
	DO(sendfile)                                                                                                   \
	DO(sendmmsg)                                                                                                   \
	DO(sendmsg)                                                                                                    \
	DO(sendto)                                                                                                     \
	DO(setsockopt)                                                                                                 \
	DO(shutdown)                                                                                                   \
	DO(socket)                                                                                                     \
	DO(socketpair)                                                                                                 \
	DO(splice)                                                                                                     \
	DO(stat)                                                                                                       \
	DO(statfs)                                                                                                     \
	DO(statx)                                                                                                      \
	DO(symlink)                                                                                                    \
	DO(sync)                                                                                                       \
	DO(sync_file_range)                                                                                            \
	DO(tee)                                                                                                        \
	DO(timerfd_settime)                                                                                            \
	DO(truncate)                                                                                                   \
	DO(uname)                                                                                                      \
	DO(unlink)                                                                                                     \
	DO(unlinkat)                                                                                                   \
	DO(utimensat)                                                                                                  \
	DO(vmsplice)                                                                                                   \
	DO(wait4)                                                                                                      \
	DO(write)                                                                                                      \
	DO(writev)

#define NAME(call) [SYS_##call] = #call,
static const char *const names[] = {CALLS(NAME)};

char *stingy_call_name(uint32_t number, char *text, size_t size)
{
	if (number < sizeof(names) / sizeof(names[0]) && names[number])
		snprintf(text, size, "%s", names[number]);
	else
		snprintf(text, size, "call %" PRIu32, number);
	return text;
}
