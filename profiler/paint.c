#define _GNU_SOURCE
#include "paint.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE         4096u
#define COLOUR       UINT64_C(0x5ca1ab1e0ddba11c) /* no address, no small number, no text */
#define RED_ZONE     128u                         /* bytes below the stack pointer that a leaf function may use */
#define WINDOW_LEAST (64ul << 10)                 /* bytes that are painted */
#define WINDOW_MOST  (256ul << 10)
#define OWN          8192u /* bytes that the recorder uses at most, but for what it says spoils a run */
#define FIRST_RUNS   64u   /* of a thread: all of them are measured, */
#define ONE_OF       64u   /* and of those that follow this part, taken at random */

static bool is_forbidden;

__thread bool stingy_paint_is_on;

static __thread struct {
	uintptr_t base;            /* stack pointer at the beginning of the run being measured */
	uintptr_t deepest;         /* changed word that is known already; base: none */
	uintptr_t low;             /* where the painted window begins */
	uintptr_t own, kept;       /* while the recorder is at work: what it may use, up to what was changed before */
	bool is_spoilt, is_beyond; /* it cannot be measured; as it went too deep */
	uintptr_t window_sp;       /* the stack pointer that the window below was chosen for; 0: none was yet */
	uintptr_t window;          /* bytes; 0: there is nothing that may be painted */
	uintptr_t wanted;          /* bytes that the next choice is for */
	uint32_t runs;
	uint32_t random;
} self __attribute__((tls_model("initial-exec")));

void stingy_paint_forbid(void)
{
	is_forbidden = true;
}

/* The highest address below which nothing belongs to the functions under way, the caller's own included. */
#define BELOW_ALL()                                                                                                    \
	({                                                                                                             \
		uintptr_t sp_;                                                                                         \
		__asm__ volatile("mov %%rsp, %0" : "=r"(sp_));                                                         \
		(sp_ - RED_ZONE) & ~(uintptr_t)15;                                                                     \
	})

/* Where the first word that is not painted is in [low, high); high: all are. */
static inline __attribute__((always_inline)) uintptr_t find_change(uintptr_t low, uintptr_t high)
{
	while (low < high && *(const volatile uint64_t *)low == COLOUR)
		low += sizeof(uint64_t);
	return low;
}

static inline __attribute__((always_inline)) void paint(uintptr_t low, uintptr_t high)
{
	for (; low < high; low += sizeof(uint64_t))
		*(volatile uint64_t *)low = COLOUR;
}

/*
 * Whether all pages from low to below high can be written. The kernel tells, where a wrong guess of ours would be a
 * fault: it puts the time at the beginning of each page, where nothing lives, or fails. The main thread's stack grows
 * by that as far as its limit allows.
 */
static bool is_writable(uintptr_t low, uintptr_t high)
{
	int saved = errno;
	bool result = true;
	for (uintptr_t page = high & ~(uintptr_t)(PAGE - 1); result && page > low;) {
		page -= PAGE;
		result = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, page) == 0;
	}
	errno = saved;
	return result;
}

/* As much of what is wanted as there is. */
static uintptr_t choose_window(uintptr_t sp, const struct stingy_stack *stack)
{
	for (uintptr_t size = self.wanted; size >= WINDOW_LEAST / 4; size /= 2)
		if (sp > stack->low && sp - stack->low > size + PAGE && is_writable(sp - size, BELOW_ALL()))
			return size;
	return 0;
}

static bool has_window(uintptr_t sp, const struct stingy_stack *stack)
{
	if (sp < stack->low || sp >= stack->high)
		return false;
	if (self.wanted == 0)
		self.wanted = WINDOW_LEAST;
	if (sp != self.window_sp) {
		self.window_sp = sp;
		self.window = choose_window(sp, stack);
	}
	return self.window != 0;
}

/* A linear congruential generator, as any regular choice could go in step with the program. */
static bool is_chosen(void)
{
	self.random = self.random * 1664525u + 1013904223u;
	return self.runs++ < FIRST_RUNS || (self.random >> 16) % ONE_OF == 0;
}

__attribute__((noinline)) void stingy_paint_begin(uintptr_t sp, const struct stingy_stack *stack)
{
	stingy_paint_is_on = false;
	if (is_forbidden || !is_chosen() || !has_window(sp, stack))
		return;
	uintptr_t top = BELOW_ALL();
	self.low = (sp - self.window) & ~(uintptr_t)(PAGE - 1);
	if (top <= self.low || top >= sp)
		return;
	/* What was painted for an earlier run is so still, below where it and those after it went. */
	paint(find_change(self.low, top), top);
	self.deepest = sp;
	self.is_spoilt = self.is_beyond = false;
	self.base = sp;
	stingy_paint_is_on = true;
}

/* A run that reached the window's end may have gone further: the next ones get a larger one, if there is. */
static void widen(void)
{
	if (self.wanted >= WINDOW_MOST)
		return;
	self.wanted *= 2;
	self.window_sp = 0;
}

__attribute__((noinline)) bool stingy_paint_end(uintptr_t sp, uint64_t *used)
{
	bool was_on = stingy_paint_is_on;
	stingy_paint_is_on = false;
	if (!was_on || self.base != sp)
		return false;
	if (self.is_beyond)
		widen();
	if (self.is_spoilt)
		return false;
	uintptr_t deepest = find_change(self.low, BELOW_ALL());
	if (deepest > self.deepest)
		deepest = self.deepest;
	if (deepest < self.low + PAGE)
		widen();
	*used = sp - deepest;
	return true;
}

__attribute__((noinline)) void stingy_paint_enter(void)
{
	uintptr_t top = BELOW_ALL();
	if (!stingy_paint_is_on)
		return;
	if (top <= self.low + OWN || top >= self.base) { /* beyond the window, or on another stack */
		self.is_spoilt = self.is_beyond = true;
		return;
	}
	self.own = top - OWN;
	self.kept = find_change(self.own, top);
	if (self.kept < top && self.kept < self.deepest)
		self.deepest = self.kept;
}

/*
 * What is painted here was so before the recorder began: even if it is part of something alive, such as the stack of a
 * coroutine that lies in this one, it becomes what it was.
 */
__attribute__((noinline)) void stingy_paint_leave(bool spoilt)
{
	uintptr_t top = BELOW_ALL();
	if (!stingy_paint_is_on)
		return;
	self.is_spoilt |= spoilt;
	if (!self.is_spoilt)
		paint(self.own, self.kept < top ? self.kept : top);
}

__attribute__((noinline)) void stingy_paint_over(void)
{
	uintptr_t top = BELOW_ALL();
	if (stingy_paint_is_on && top > self.low + OWN && top < self.base)
		paint(top - OWN, top);
}
