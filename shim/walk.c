#define _GNU_SOURCE
#include "walk.h"

#include <pthread.h>
#include <sys/resource.h>

/* Of the main thread's stack as glibc found it: every frame is below. */
extern void *__libc_stack_end;

/* What an unlimited stack is taken to be, in bytes: only has to cover how deep a call chain can be. */
#define STACK_UNLIMITED (64ul << 20)

static struct stingy_stack main_stack(void)
{
	static struct stingy_stack stack;
	if (stack.high != 0)
		return stack;
	struct rlimit limit;
	uintptr_t size = STACK_UNLIMITED;
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		size = limit.rlim_cur;
	uintptr_t high = (uintptr_t)__libc_stack_end & ~(sizeof(uintptr_t) - 1);
	if (size > high)
		size = high;
	stack.low = high - size;
	stack.high = high;
	return stack;
}

static bool contains(struct stingy_stack stack, uintptr_t address)
{
	return address >= stack.low && address < stack.high;
}

struct stingy_stack stingy_stack_of_thread(void)
{
	const struct stingy_stack none = {0, 0};
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct stingy_stack stack = main_stack();
	if (contains(stack, here))
		return stack;
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
