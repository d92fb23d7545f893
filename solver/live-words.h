/*
 * The words for what a process says of itself (manifests/live.h): the same in `stingy stat`, its JSON, `stingy top` and
 * the report. Static strings and arithmetic; any thread.
 */
#ifndef STINGY_LIVE_WORDS_H
#define STINGY_LIVE_WORDS_H

#include "live-reader.h"

/* The enumerations' values must be valid, as the live reader has seen to. */
const char *stingy_live_words_state(uint32_t state);
const char *stingy_live_words_pages(uint32_t pages);
const char *stingy_live_words_fell_back(int reason);
const char *stingy_live_words_ordering(uint32_t state);
const char *stingy_live_words_left(uint32_t why); /* empty if it is not left alone */

/* Tasks in flight, and the connections that may carry one, of a place to wait; -1: not known. */
int64_t stingy_live_words_tasks(const struct stingy_live_order *order);
int64_t stingy_live_words_connections(const struct stingy_live_order *order);

/* The pages of the arenas: the kernel's word where it can be had, else the process's. */
uint32_t stingy_live_words_pages_of(const struct stingy_live_reader *reader);

/* Allocations at managed sites that were served elsewhere, for all reasons. */
uint64_t stingy_live_words_all_fell_back(const struct stingy_live_counters *counters);

#endif
