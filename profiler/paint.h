/*
 * How much of the stack a run uses: the memory below the stack pointer is painted when the run begins, and the deepest
 * word that has changed is looked for when it ends.
 *
 * Only some runs are measured, for the cost. What the recorder itself uses amid a run is looked through before and
 * painted over after each of its entries; what remains of it is that entry's own frames, so a figure may be too large
 * by a few hundred bytes, and never too small. Memory is touched only within the bounds of the thread's stack, where
 * the kernel said that it can be, and clear of the red zone; a run on another stack (a coroutine's, a signal's) is not
 * measured. Handlers of signals that come amid a run count as part of it.
 *
 * State is the calling thread's. Not in signal handlers, but where one has interrupted these functions nothing breaks.
 * System calls: clock_gettime, when a thread's window is chosen.
 */
#ifndef STINGY_PAINT_H
#define STINGY_PAINT_H

#include "../shim/walk.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the calling thread is in a run that is being measured. */
extern __thread bool stingy_paint_is_on __attribute__((visibility("hidden"), tls_model("initial-exec")));

/* Measures no run from now on, as what is done amid them goes too deep. In the constructor. */
void stingy_paint_forbid(void);

/*
 * A run begins in the function that has this stack pointer: paints, if it is one to be measured. Nothing below it may
 * be alive: the caller sees to it that this is the thread's own stack and not a coroutine's that lies in it.
 */
void stingy_paint_begin(uintptr_t sp, const struct stingy_stack *stack);

/* The run is over, where sp is as it was: whether it was measured, and then the bytes that it used below sp. */
bool stingy_paint_end(uintptr_t sp, uint64_t *used);

/* What was done since it began, by functions that the present one has called, was no part of the run yet. */
void stingy_paint_over(void);

/* Around what the recorder does amid a run; spoilt: it went deeper than usual, and the run cannot be measured. */
void stingy_paint_enter(void);
void stingy_paint_leave(bool spoilt);

#endif
