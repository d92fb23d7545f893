/*
 * What call chains tell of stages: the functions seen below a stage, and the stages that it calls by themselves.
 *
 * Each pair of a stage and a chain is looked at once. A stage whose function is not on the chain (it was announced, and
 * the call came from elsewhere) gets nothing from it. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_GRAPH_CHAINS_H
#define STINGY_GRAPH_CHAINS_H

#include "stages.h"

/* What a chain shows of a stage. */
struct stingy_graph_below {
	uint32_t *called; /* stages, each one once */
	uint32_t n_called;
};

struct stingy_graph_chains {
	const struct stingy_stages *stages;
	const struct stingy_places *places;
	const struct stingy_chains *chains;
	struct stingy_graph_pair *pairs;
	struct stingy_graph_function *functions;
	uint32_t *n_functions; /* by stage: distinct functions */
};

void stingy_graph_chains_init(struct stingy_graph_chains *below, const struct stingy_stages *stages,
			      const struct stingy_places *places, const struct stingy_chains *chains);
void stingy_graph_chains_fini(struct stingy_graph_chains *below);

/* What the chain shows of the stage; good until fini. */
const struct stingy_graph_below *stingy_graph_chains_look(struct stingy_graph_chains *below, uint32_t stage,
							  uint32_t chain);

#endif
