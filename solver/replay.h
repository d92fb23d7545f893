/*
 * Goes through a trace once more and tells a census what happened: which thread was in which turn, for which task,
 * in which stage, which objects began and ended there.
 *
 * Turns: a thread's WAIT ends one, TURN begins one for the task of its descriptor. ACCEPT begins a task, which is the
 * current one from then on; CLOSE ends one; a descriptor that is used again is another task. Stages that the program
 * announces go before what is inferred, while they are open. What a thread does before its first WAIT is set-up.
 * Ends of objects that were not seen to begin (inherited over fork) are passed over. It ends where the program ceased
 * to serve (input.h): what is live there has not ended. Nothing is printed; heap memory, freed on return; one thread.
 */
#ifndef STINGY_REPLAY_H
#define STINGY_REPLAY_H

#include "census.h"
#include "input.h"
#include "stages.h"

/* Replays the input into the census. The stages must be settled. */
void stingy_replay(const struct stingy_input *input, const struct stingy_places *places,
		   const struct stingy_stages *stages, struct stingy_census *census);

#endif
