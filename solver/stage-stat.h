/*
 * The part of `stingy stat` that shows the stages which a program announces: how often each ran, and how many runs of
 * it followed each other. Nothing for a program that has announced none.
 */
#ifndef STINGY_STAGE_STAT_H
#define STINGY_STAGE_STAT_H

#include "live-reader.h"
#include "mapped-file.h"

/* Both take the text of the manifest that the process runs under, for the names; its data is NULL if it is not known.
 */
void stingy_stage_stat_print(const struct stingy_live_reader *reader, const struct stingy_mapped_file *manifest);

/* Continues a JSON object. */
void stingy_stage_stat_json(const struct stingy_live_reader *reader, const struct stingy_mapped_file *manifest);

#endif
