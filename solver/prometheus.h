/*
 * Live statistics of processes in Prometheus's text format (version 0.0.4): what `stingy stat --prometheus` prints.
 *
 * The format wants all samples of a metric in one place, so the processes are gathered first. Counters are those of a
 * process since it began and end with it; sums over processes are the reader's to make. A metric that no process has
 * a sample of is left out. Heap memory, from zeros to fini; one thread.
 */
#ifndef STINGY_PROMETHEUS_H
#define STINGY_PROMETHEUS_H

#include "labels.h"
#include "live-reader.h"

#include <stdio.h>

struct stingy_prometheus_process {
	struct stingy_live_reader reader;
	struct stingy_labels labels;
};

struct stingy_prometheus {
	struct stingy_prometheus_process **process;
	size_t n, room;
};

/* Takes over what the reader holds. */
void stingy_prometheus_add(struct stingy_prometheus *prometheus, const struct stingy_live_reader *reader);
void stingy_prometheus_print(const struct stingy_prometheus *prometheus, FILE *out);
void stingy_prometheus_fini(struct stingy_prometheus *prometheus);

#endif
