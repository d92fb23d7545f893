/*
 * The report: one page of HTML that tells an engineer whether Stingy is worth it for a server, whether it helps, what
 * limits it, and on what grounds: the stages and their costs, the arena's map, what is allocated where, what the solver
 * decided, and what was served in production.
 *
 * Made from a solved model, and from live statistics if there are any. The same input gives the same page. Errors are
 * the stream's.
 */
#ifndef STINGY_REPORT_H
#define STINGY_REPORT_H

#include "live-json.h"
#include "solve.h"

struct stingy_report {
	const struct stingy_solve *solve; /* run with success */
	const char *manifest;             /* text of the manifest that is drawn: whole, and right */
	size_t manifest_size;
	const char *manifest_name;           /* its path; NULL: it is the one that these traces make */
	const struct stingy_graph *graph;    /* of the same traces */
	const struct stingy_live_json *live; /* NULL: there are none */
};

void stingy_report_print(const struct stingy_report *report, FILE *out);

#endif
