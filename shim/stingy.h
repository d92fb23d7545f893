/*
 * Stingy's public header: what an event-driven program may ask of the memory manager, and tell it.
 *
 * Nothing needs to be linked. The functions are weak symbols: under `stingy profile` or `stingy run` (or the
 * LD_PRELOADs they set) they are there, without them the stingy_* wrappers below fall back to "yes" and "do
 * nothing". A stage is named by the address of its function, a task by any address or number that is its own
 * while it lives (usually the address of its record).
 *
 * All may be called from any thread, and none sets errno. StingyDynCheck neither blocks nor allocates; the others may
 * do both while a profile is made, and cost nothing otherwise. Not for signal handlers.
 *
 * Compile with -fPIE or -fPIC, as distributions do: without, the linker settles for good that the functions are absent.
 */
#ifndef STINGY_H
#define STINGY_H

#if !defined(__PIC__) && !defined(__PIE__)
#warning "stingy.h: compile with -fPIE or -fPIC, or this program will never find the library"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * StingyDynCheck: are there enough free instances of every object kind that one run of the stage allocates?
 * (Bhatia, Consel, Lawall, ISMM 2006, the dynamic check of the modified scheduler.) Returns 1 if so, and also for
 * a stage the manifest does not know; 0 if a run would overflow the arena into the next allocator. The answer is
 * advice: a run that goes ahead all the same is served from the next allocator and stays correct. A scheduler
 * must therefore never refuse the only work it has left.
 */
int StingyDynCheck(const void *stage) __attribute__((weak));

/*
 * What the program tells a profiling run: that it begins to run a stage for a task, that the run is over, and
 * that a task has ended (its record may be used again). Without these calls stages and tasks are inferred.
 */
void StingyStageBegin(const void *stage, const void *task) __attribute__((weak));
void StingyStageEnd(const void *stage, const void *task) __attribute__((weak));
void StingyTaskEnd(const void *task) __attribute__((weak));

static inline int stingy_dyn_check(const void *stage)
{
	return StingyDynCheck ? StingyDynCheck(stage) : 1;
}

static inline void stingy_stage_begin(const void *stage, const void *task)
{
	if (StingyStageBegin)
		StingyStageBegin(stage, task);
}

static inline void stingy_stage_end(const void *stage, const void *task)
{
	if (StingyStageEnd)
		StingyStageEnd(stage, task);
}

static inline void stingy_task_end(const void *task)
{
	if (StingyTaskEnd)
		StingyTaskEnd(task);
}

#ifdef __cplusplus
}
#endif
#endif
