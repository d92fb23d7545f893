/*
 * What interface files declared of a program, as its traces carry it (profiler/interface.h), and the places that it
 * applies to. Declarations of functions to watch are of no interest here: their calls are in the trace.
 *
 * The traces of one program may each have some; all of them count. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_DECLARATIONS_H
#define STINGY_DECLARATIONS_H

#include "../profiler/interface.h"
#include "chains.h"

struct stingy_declarations {
	struct stingy_declaration *at;
	uint32_t n;
	size_t room;
};

/* A zeroed structure has no declarations. */
void stingy_declarations_fini(struct stingy_declarations *declarations);

/* Adds the declaration on the line, unless it is there already, or none that is of interest. */
void stingy_declarations_add(struct stingy_declarations *declarations, struct stingy_text line);

/* Whether any of the places is in the declared function. */
bool stingy_declarations_is_seen(const struct stingy_declaration *declaration, const struct stingy_places *places,
				 uint32_t program);

/* Marks the places in functions that were declared; program: the module that "program" stands for. */
void stingy_declarations_mark(const struct stingy_declarations *declarations, struct stingy_places *places,
			      uint32_t program);

/* The user's estimates of what is allocated in the function of the place, where they are beyond those given. */
void stingy_declarations_estimate(const struct stingy_declarations *declarations, const struct stingy_places *places,
				  uint32_t place, uint32_t program, uint64_t *bytes, uint32_t *instances);

/* Whether the chain is in a function that is to be left out. */
bool stingy_declarations_leave_out(const struct stingy_places *places, const struct stingy_chain *chain);

/*
 * What was declared goes before what can be inferred of an allocation's stage: *frame, the outermost one that may be
 * the stage's, or STINGY_NO_FRAME, is corrected; if the stage itself was declared, *stage is a place in it, and *frame
 * is STINGY_NO_FRAME.
 */
#define STINGY_NO_FRAME UINT32_MAX
void stingy_declarations_heed(const struct stingy_places *places, const struct stingy_chain *chain, uint32_t *frame,
			      uint32_t *stage);

/* The frame, or what it calls if it is of a function that was declared to be a wrapper, which is no stage. */
uint32_t stingy_declarations_unwrap(const struct stingy_places *places, const struct stingy_chain *chain,
				    uint32_t frame);

#endif
