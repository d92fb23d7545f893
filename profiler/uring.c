/*
 * Waiting for completions of io_uring, interposed in the profiling library: the functions of liburing that may wait, of
 * which its inline ones call __io_uring_get_cqe, and the kernel's io_uring_enter through libc's syscall(). Nobody
 * stands before the system calls of a program that makes them itself, or has liburing linked into it.
 *
 * A wait is a turn's end and the next one's begin, as epoll_wait's. The turn is for no known descriptor: the program
 * takes completions from memory that it shares with the kernel, as many as are there, and what they carry (user_data)
 * names whatever it likes. It goes over to the connections that it reads, writes or accepts through the C library.
 *
 * The program gets what the library gives, errno included. Nothing is held over the wait.
 */
#define _GNU_SOURCE
#include "events.h"
#include "record.h"

#include "../shim/lookup.h"
#include "../shim/next.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRY __attribute__((visibility("default")))

struct io_uring;

/* This thread is in one of them, which may call another. */
static __thread bool is_waiting __attribute__((tls_model("initial-exec")));

static bool begin(bool waits, const struct stingy_frame *at)
{
	if (!waits || is_waiting)
		return false;
	stingy_events_wait(at);
	is_waiting = true;
	return true;
}

static long end(bool is_wait, long result)
{
	int saved = errno;
	if (is_wait) {
		is_waiting = false;
		stingy_events_turn(-1);
	}
	errno = saved;
	return result;
}

/* The library's own function. What finding it allocates is on our account. */
static void *find(struct stingy_lookup *lookup)
{
	bool is_entered = stingy_record_enter();
	void *found = stingy_lookup_get(lookup);
	if (is_entered)
		stingy_record_leave();
	return found;
}

/* Without liburing nobody calls these but who has found them here: then there is no io_uring. */
#define WAIT(function, waits, parameters, arguments)                                                                   \
	ENTRY int function parameters;                                                                                 \
	int function parameters                                                                                        \
	{                                                                                                              \
		static struct stingy_lookup next = {.name = #function};                                                \
		__typeof__(&(function)) call = find(&next);                                                            \
		if (!call)                                                                                             \
			return -ENOSYS;                                                                                \
		bool is_wait = begin(waits, &STINGY_HERE());                                                           \
		return (int)end(is_wait, call arguments);                                                              \
	}

WAIT(__io_uring_get_cqe, n > 0,
     (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned submit, unsigned n, sigset_t *mask),
     (ring, cqe, submit, n, mask))
WAIT(io_uring_wait_cqes, n > 0,
     (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned n, struct __kernel_timespec *time, sigset_t *mask),
     (ring, cqe, n, time, mask))
WAIT(io_uring_wait_cqe_timeout, true,
     (struct io_uring * ring, struct io_uring_cqe **cqe, struct __kernel_timespec *time), (ring, cqe, time))
WAIT(io_uring_submit_and_wait, n > 0, (struct io_uring * ring, unsigned n), (ring, n))
WAIT(io_uring_submit_and_wait_timeout, n > 0,
     (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned n, struct __kernel_timespec *time, sigset_t *mask),
     (ring, cqe, n, time, mask))
WAIT(io_uring_enter, n > 0 && flags & IORING_ENTER_GETEVENTS,
     (unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask), (ring, submit, n, flags, mask))
WAIT(io_uring_enter2, n > 0 && flags & IORING_ENTER_GETEVENTS,
     (unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask, size_t size),
     (ring, submit, n, flags, mask, size))

typedef long system_call(long number, long a, long b, long c, long d, long e, long f);

system_call *stingy_uring_next __attribute__((visibility("hidden"))); /* libc's syscall; NULL: not found yet */

void stingy_uring_init(void)
{
	stingy_next_find(&stingy_uring_next, "syscall");
}

/* The system calls that are of interest here, and all others before libc's function is found. */
__attribute__((visibility("hidden"), used)) system_call stingy_uring_enter; /* by what is below */

long stingy_uring_enter(long number, long ring, long submit, long n, long flags, long argument, long size)
{
	if (!stingy_uring_next)
		stingy_uring_init();
	bool waits = number == SYS_io_uring_enter && (unsigned)n > 0 && (unsigned)flags & IORING_ENTER_GETEVENTS;
	bool is_wait = begin(waits, &STINGY_HERE());
	return end(is_wait, stingy_uring_next(number, ring, submit, n, flags, argument, size));
}

/* Others go on by a jump: a call that returns twice, on two stacks, must find the caller's stack as it was. */
__asm__(".text\n"
	".p2align 4\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	.cfi_startproc\n"
	"	cmpq	$426, %rdi\n"
	"	je	stingy_uring_enter\n"
	"	movq	stingy_uring_next(%rip), %rax\n"
	"	testq	%rax, %rax\n"
	"	je	stingy_uring_enter\n"
	"	jmp	*%rax\n"
	"	.cfi_endproc\n"
	".size syscall, . - syscall\n");

_Static_assert(SYS_io_uring_enter == 426, "syscall() above compares with the number");
