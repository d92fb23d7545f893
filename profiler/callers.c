#define _GNU_SOURCE
#include "callers.h"

#include "../shim/say.h"
#include "gate.h"
#include "routes.h"
#include "unwind.h"

#include <pthread.h>
#include <unistd.h>

/* How far below the stack's high end, or the thread pointer, the outermost frame is at most, in bytes: below the latter
 * is the thread's static storage. */
#define ROOT_IN_MAIN   (4ul << 10)
#define ROOT_IN_THREAD (64ul << 10)

static bool must_check; /* settled by the constructor */
static uint64_t n_checked, n_different;

static __thread struct {
	bool has_stack;
	bool complete;       /* the chain found last reaches the outermost frame, */
	uintptr_t outermost; /* whose stack pointer this is */
	struct stingy_stack stack;
} self __attribute__((tls_model("initial-exec")));

static __thread struct stingy_trail trail __attribute__((tls_model("initial-exec")));

int stingy_callers_init(bool check)
{
	must_check = check;
	return stingy_routes_init();
}

const struct stingy_stack *stingy_callers_stack(void)
{
	if (__builtin_expect(!self.has_stack, 0)) {
		int cancel;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
		self.has_stack = true;
		self.stack = stingy_stack_of_thread();
		pthread_setcancelstate(cancel, NULL);
	}
	return &self.stack;
}

__attribute__((hot)) uint32_t stingy_callers_find(const struct stingy_frame *at)
{
	const struct stingy_route *route = stingy_routes_find(at, &self.stack);
	if (!route)
		return STINGY_CHAIN_NONE;
	self.complete = route->complete;
	self.outermost = route->outermost;
	return route->chain;
}

bool stingy_callers_walk(const struct stingy_frame *at)
{
	self.complete = false;
	if (!stingy_trail_walk(&trail, at, stingy_callers_stack()))
		return false;
	self.complete = trail.complete;
	self.outermost = trail.step[0].frame.sp;
	return true;
}

uint32_t stingy_callers_chain(const struct stingy_frame *at)
{
	uint32_t chain = stingy_trail_chain(&trail);
	if (trail.depth > 0)
		stingy_routes_learn(&trail, at, chain);
	return chain;
}

/* Only what the gates have not added is to be in the chain. */
void stingy_callers_check(const struct stingy_frame *at, uint32_t chain)
{
	uintptr_t theirs[STINGY_CHAIN_MAX];
	bool ended;
	if (!must_check)
		return;
	size_t n = stingy_unwind_walk(at->ra, theirs, STINGY_CHAIN_MAX, &ended, stingy_frames_tables, NULL), i = 0;
	n = stingy_gate_leave_out(theirs, n);
	for (; i < n && chain != STINGY_CHAIN_NONE; chain = stingy_chains_at(chain)->caller)
		if (stingy_frames_at(stingy_chains_at(chain)->frame)->ra != theirs[i++])
			break;
	__atomic_fetch_add(&n_checked, 1, __ATOMIC_RELAXED);
	if (i != n || chain != STINGY_CHAIN_NONE)
		__atomic_fetch_add(&n_different, 1, __ATOMIC_RELAXED);
}

void stingy_callers_say(void)
{
	if (must_check)
		stingy_say("check-walk %s[%d]: %lu chains, %lu not as libunwind walks them", stingy_program_path(),
			   getpid(), n_checked, n_different);
}

bool stingy_callers_are_rooted(void)
{
	const struct stingy_stack *stack = stingy_callers_stack();
	uintptr_t high = (uintptr_t)__builtin_thread_pointer(), most = ROOT_IN_THREAD;
	if (high < stack->low || high >= stack->high) { /* that of the main thread is elsewhere */
		high = stack->high;
		most = ROOT_IN_MAIN;
	}
	return self.complete && self.outermost < high && high - self.outermost <= most;
}

void stingy_callers_after_fork(void)
{
	stingy_routes_forget();
	n_checked = n_different = 0;
}
