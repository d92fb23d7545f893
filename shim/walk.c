#define _GNU_SOURCE
#include "walk.h"

#include <pthread.h>
#include <sys/resource.h>

/* Of the main thread's stack as glibc found it: every frame is below. */
extern void *__libc_stack_end;

/* More of the main thread's stack is not looked at, in bytes: the kernel keeps as much free below it, and more. */
#define STACK_MOST (64ul << 20)

static pthread_t main_thread;
static struct stingy_stack main_stack;

void stingy_walk_init(void)
{
	struct rlimit limit;
	main_thread = pthread_self();
	uintptr_t high = (uintptr_t)__libc_stack_end & ~(sizeof(uintptr_t) - 1), size = STACK_MOST;
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < size)
		size = limit.rlim_cur;
	main_stack = (struct stingy_stack){size < high ? high - size : 0, high};
}

void stingy_walk_set_main(const void *low, const void *high)
{
	main_stack = (struct stingy_stack){(uintptr_t)low, (uintptr_t)high};
}

static bool contains(struct stingy_stack stack, uintptr_t address)
{
	return address >= stack.low && address < stack.high;
}

struct stingy_stack stingy_stack_of_thread(void)
{
	const struct stingy_stack none = {0, 0};
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	/* Not by thread and process number: in the child of another thread's fork these are the same. */
	if (contains(main_stack, here) || pthread_equal(pthread_self(), main_thread))
		return main_stack;
	pthread_attr_t attr;
	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return none;
	void *low = NULL;
	size_t size = 0;
	int failed = pthread_attr_getstack(&attr, &low, &size);
	pthread_attr_destroy(&attr);
	if (failed)
		return none;
	/* Also if we are on a coroutine's or a signal's stack just now: the bounds are kept for when we are back. */
	return (struct stingy_stack){(uintptr_t)low, (uintptr_t)low + size};
}
