#include "latch.h"

#include <sched.h>
#include <stddef.h>
#include <sys/single_threaded.h>
#include <time.h>

#define WAIT_MOST 100 /* ms that fork waits for a thread that is inside */

static __thread char me; /* its address tells threads apart */

bool stingy_latch_try(struct stingy_latch *latch)
{
	const void *nobody = NULL;
	return __atomic_compare_exchange_n(&latch->held_by, &nobody, &me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void stingy_latch_give_back(struct stingy_latch *latch)
{
	__atomic_store_n(&latch->held_by, NULL, __ATOMIC_SEQ_CST);
}

static int64_t now_in_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Another thread is inside for a moment. If it stays, it may be waiting for what the thread that forks holds (the
 * loader's lock, which it has in a call-back of dl_iterate_phdr): then fork goes ahead.
 */
void stingy_latch_before_fork(struct stingy_latch *latch)
{
	bool is_taken = false;
	int64_t until = 0;
	while (!is_taken && !stingy_latch_try(latch)) {
		is_taken = __atomic_load_n(&latch->held_by, __ATOMIC_RELAXED) == &me ||
			   (until != 0 && now_in_ms() > until);
		if (until == 0)
			until = now_in_ms() + WAIT_MOST;
		if (!is_taken)
			sched_yield();
	}
	latch->n_inside += is_taken;
	latch->is_shared = !__libc_single_threaded || is_taken;
}

bool stingy_latch_after_fork(struct stingy_latch *latch)
{
	if (latch->n_inside != 0) {
		latch->n_inside--;
		return false;
	}
	stingy_latch_give_back(latch);
	return true;
}
