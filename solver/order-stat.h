/*
 * What `stingy stat` says of the order of events in a process: for each of its epoll instances what the shim does with
 * it and why, and what that has brought. Prints to stdout, whose errors are main's to find (stingy.c).
 */
#ifndef STINGY_ORDER_STAT_H
#define STINGY_ORDER_STAT_H

#include "../manifests/live.h"

#include <stdbool.h>

/* Whether the figures can be a process's own: what is not so must not be printed. Any thread. */
bool stingy_order_stat_is_plausible(const struct stingy_live *live);

/* Lines for people; none if the process has no such instance. */
void stingy_order_stat_print(const struct stingy_live *live);

/* The JSON member "order", an array, without what separates it from others. */
void stingy_order_stat_json(const struct stingy_live *live);

#endif
