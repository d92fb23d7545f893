/*
 * What liburing exports to wait for completions, without the kernel's io_uring, which sandboxes forbid: each wait hands
 * out one completion, whose user_data is the number of the wait.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <signal.h>
#include <stddef.h>

struct io_uring {
	struct io_uring_cqe cqe;
};

int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit, unsigned n, sigset_t *mask);
int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n, struct __kernel_timespec *time,
		       sigset_t *mask);
int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, struct __kernel_timespec *time);
int io_uring_submit_and_wait(struct io_uring *ring, unsigned n);
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
				     struct __kernel_timespec *time, sigset_t *mask);
int io_uring_enter(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask);
int io_uring_enter2(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask, size_t size);

int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit, unsigned n, sigset_t *mask)
{
	(void)submit;
	(void)mask;
	*cqe = n ? &ring->cqe : NULL;
	if (!n)
		return -EAGAIN;
	ring->cqe.user_data++;
	return 0;
}

int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n, struct __kernel_timespec *time,
		       sigset_t *mask)
{
	(void)time;
	return __io_uring_get_cqe(ring, cqe, 0, n, mask);
}

/* As the real one does, it calls another function that may wait. */
int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, struct __kernel_timespec *time)
{
	return io_uring_wait_cqes(ring, cqe, 1, time, NULL);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned n)
{
	ring->cqe.user_data += n;
	return (int)n;
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
				     struct __kernel_timespec *time, sigset_t *mask)
{
	return io_uring_wait_cqes(ring, cqe, n, time, mask);
}

int io_uring_enter(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask)
{
	return io_uring_enter2(ring, submit, n, flags, mask, sizeof(sigset_t));
}

int io_uring_enter2(unsigned ring, unsigned submit, unsigned n, unsigned flags, sigset_t *mask, size_t size)
{
	(void)ring;
	(void)submit;
	(void)mask;
	return flags & IORING_ENTER_GETEVENTS && size ? (int)n : 0;
}
