/*
 * The part of `stingy stat` that shows the stages which a program announces: how often each ran, and how many runs of
 * it followed each other. Nothing for a program that has announced none. Prints to stdout, whose errors are main's to
 * find (stingy.c).
 */
#ifndef STINGY_STAGE_STAT_H
#define STINGY_STAGE_STAT_H

#include "labels.h"
#include "live-reader.h"

/* Lines for people: a table of the stages that have run. */
void stingy_stage_stat_print(const struct stingy_live_reader *reader, const struct stingy_labels *labels);

/* The JSON members "stages" and "other_stages", with the comma before them. */
void stingy_stage_stat_json(const struct stingy_live_reader *reader, const struct stingy_labels *labels);

/* Runs of the stage in a row, counted as one, that are over. */
uint64_t stingy_stage_stat_batches(const struct stingy_live_stage *stage);

#endif
