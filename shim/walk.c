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

#define PAGE       4096u
#define TCB_WORDS  256u         /* of glibc's struct pthread, which is larger, that are looked at */
#define ABOVE_MOST (16ul << 20) /* bytes of a stack's block above the thread pointer: thread-local storage, at most */
#define BLOCK_MOST (1ul << 40)

/*
 * glibc notes the block of a thread's stack in its struct pthread, at the thread pointer, which is in that block, near
 * its high end. Where in the structure is its own business; but no other pair of words looks like it: a page's address
 * and a size in pages that span the thread pointer. pthread_getattr_np would tell, and make a system call besides, for
 * which sandboxes kill.
 */
static bool find_block(struct stingy_stack *stack)
{
	const uintptr_t *tcb = (const uintptr_t *)__builtin_thread_pointer();
	uintptr_t thread = (uintptr_t)tcb;
	for (unsigned i = 0; i + 1 < TCB_WORDS; i++) {
		uintptr_t low = tcb[i], size = tcb[i + 1], above = low + size - thread;
		if (low % PAGE != 0 || size % PAGE != 0 || size == 0 || size > BLOCK_MOST || low >= thread ||
		    thread - low >= size || above > ABOVE_MOST)
			continue;
		*stack = (struct stingy_stack){low, low + size};
		return true;
	}
	return false;
}

struct stingy_stack stingy_stack_of_thread(void)
{
	const struct stingy_stack none = {0, 0};
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	/* Not by thread and process number: in the child of another thread's fork these are the same. */
	if (contains(main_stack, here) || pthread_equal(pthread_self(), main_thread))
		return main_stack;
	struct stingy_stack block;
	if (find_block(&block))
		return block;
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
