/*
 * Goes through a trace once more and tells a census what happened: which objects began and ended, in which run of which
 * stage, for which task (runs.h).
 *
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
