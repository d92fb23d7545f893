/*
 * The part of a model that comes from the flow of tasks through stages: what is live and allocated in each stage, what
 * its first run costs, and which kinds are never there without others. For model.c only.
 */
#ifndef STINGY_FLOW_H
#define STINGY_FLOW_H

#include "model.h"

/* Adds the stages to the model's problem, which has its kinds. */
void stingy_flow_add_stages(const struct stingy_model_source *source, struct stingy_model *model);

/* Adds the order constraints, less those that follow from others. */
void stingy_flow_add_orders(const struct stingy_model_source *source, struct stingy_model *model);

#endif
