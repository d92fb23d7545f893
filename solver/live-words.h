/*
 * The words and figures for what a process says of itself (manifests/live.h): the same in `stingy stat`, its JSON,
 * `stingy top` and the report. Static strings, arithmetic, and texts in the caller's memory; any thread.
 */
#ifndef STINGY_LIVE_WORDS_H
#define STINGY_LIVE_WORDS_H

#include "live-reader.h"

#include <stdbool.h>
#include <stdint.h>

#define STINGY_LIVE_WORDS_TEXT 96u /* bytes that any of the texts takes, its end included */

/* The enumerations' values must be valid, as the live reader has seen to. */
const char *stingy_live_words_state(uint32_t state);
const char *stingy_live_words_pages(uint32_t pages);
const char *stingy_live_words_fell_back(int reason);     /* one word */
const char *stingy_live_words_fell_back_why(int reason); /* for people: what goes behind "fell back: " */
const char *stingy_live_words_ordering(uint32_t state);
const char *stingy_live_words_left(uint32_t why); /* empty if it is not left alone */

/* How events are ordered at a place to wait, and why or how far: "on: at most 16 events begin a turn". Returns text. */
const char *stingy_live_words_order(const struct stingy_live_order *order, char text[STINGY_LIVE_WORDS_TEXT]);

/* Tasks in flight, and the connections that may carry one, of a place to wait; -1: not known. */
int64_t stingy_live_words_tasks(const struct stingy_live_order *order);
int64_t stingy_live_words_connections(const struct stingy_live_order *order);

/* Both for people: "13, on 2500 connections", "13", or "-" if not even the tasks are known. Returns text. */
const char *stingy_live_words_in_flight(const struct stingy_live_order *order, char text[STINGY_LIVE_WORDS_TEXT]);

/* Events in the mean of a turn of the loop; 0 if there was none. In all turns, or in those for what was under way. */
double stingy_live_words_per_turn(const struct stingy_live_order *order, bool is_under_way);

/* The pages of the arenas: the kernel's word where it can be had, else the process's. */
uint32_t stingy_live_words_pages_of(const struct stingy_live_reader *reader);

/* Allocations at managed sites that were served elsewhere, for all reasons. */
uint64_t stingy_live_words_all_fell_back(const struct stingy_live_counters *counters);

/* Allocations in all, wherever they were served. */
uint64_t stingy_live_words_all(const struct stingy_live_counters *counters);

/* How much of all that is, in per cent; 0 if there is nothing. */
double stingy_live_words_share(uint64_t n, uint64_t all);

#endif
