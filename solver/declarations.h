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

/* Marks the places in functions that were declared; program: the module that "program" stands for. */
void stingy_declarations_mark(const struct stingy_declarations *declarations, struct stingy_places *places,
			      uint32_t program);

/* The user's estimates of what is allocated in the function of the place, where they are beyond those given. */
void stingy_declarations_estimate(const struct stingy_declarations *declarations, const struct stingy_places *places,
				  uint32_t place, uint32_t program, uint64_t *bytes, uint32_t *instances);

/* Whether the chain is in a function that is to be left out. */
bool stingy_declarations_leave_out(const struct stingy_places *places, const struct stingy_chain *chain);

#endif
