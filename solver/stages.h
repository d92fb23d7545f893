/*
 * The stages of a program: the functions its scheduler runs, announced by the program or inferred from call chains.
 *
 * Inference needs two complete chains of one thread: that of the call by which its event loop last waited, and that of
 * an allocation or a system call. Seen from main they are the same until they part; where they part is the scheduler,
 * and the next function inwards is the stage. Unless that is a dispatcher, such as libevent's or a queue of calls that
 * the loop empties after the events: a function that does all but nothing but call others by pointer, itself or a few
 * direct calls below. Then what it calls is the stage, or a dispatcher again; though what is itself called by pointer
 * is one only if it was seen to call several from one place. What a function reads or writes by a method that does no
 * more (tcp_read), called in some function below it, is its own work. All pairs of chains are noted first, then
 * settled, then asked for. Stage 0 is the work of which no function is known.
 *
 * Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_STAGES_H
#define STINGY_STAGES_H

#include "chains.h"

#define STINGY_STAGE_OTHER   0u
#define STINGY_STAGES_QUEUED UINT32_MAX /* in the place of a system call: a declared queue function was called */
#define STINGY_DISPATCHERS   8u         /* dispatchers, one calling the next, that are looked through */

struct stingy_stage {
	uint32_t module; /* STINGY_NO_MODULE: stage 0 */
	uint64_t function;
	char *name; /* NULL: none */
};

struct stingy_stages {
	struct stingy_stage *stage;
	uint32_t n_stages;
	/* the rest is the module's own */
	size_t room;
	struct stingy_stage_pair *pairs;
	struct stingy_stage_function *functions;
};

void stingy_stages_init(struct stingy_stages *stages);
void stingy_stages_fini(struct stingy_stages *stages);

/* The stage of the function in which the place is; find gives STINGY_STAGE_OTHER if there is none yet. */
uint32_t stingy_stages_find(const struct stingy_stages *stages, const struct stingy_place *place);
uint32_t stingy_stages_add(struct stingy_stages *stages, const struct stingy_place *place);

/*
 * Notes that a thread which had waited at one chain was at the other n times: to allocate (call is 0), or to call the
 * system (call is its number + 1), or to queue a stage (STINGY_STAGES_QUEUED). What is only seen to queue is a stage
 * where it was declared to be one: so that the stages are the same whether queue functions were declared or not.
 */
void stingy_stages_note(struct stingy_stages *stages, const struct stingy_places *places,
			const struct stingy_chains *chains, uint32_t wait, uint32_t chain, uint64_t n, uint32_t call);

/* After the last pair: decides which functions are stages. */
void stingy_stages_settle(struct stingy_stages *stages, const struct stingy_places *places,
			  const struct stingy_chains *chains);

/* The stage of an allocation or a call, after settle. STINGY_STAGE_OTHER: it could not be inferred. */
uint32_t stingy_stages_of(const struct stingy_stages *stages, uint32_t wait, uint32_t chain);

/* The numbers of all stages, in an order that does not depend on who came first; the caller frees them. */
uint32_t *stingy_stages_sort(const struct stingy_stages *stages, const struct stingy_places *places);

#endif
