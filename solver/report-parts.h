/*
 * The parts of the report (report.h), a section of the page each, in the order of the page. For report.c only.
 */
#ifndef STINGY_REPORT_PARTS_H
#define STINGY_REPORT_PARTS_H

#include "report.h"
#include "worth.h"

/* The process that allocated most; there are live statistics. */
const struct stingy_live_json_process *stingy_report_busiest(const struct stingy_report *report);

void stingy_report_live(const struct stingy_report *report, FILE *out);
void stingy_report_loads(const struct stingy_account *account, FILE *out);
void stingy_report_stages(const struct stingy_report *report, const struct stingy_account *account, FILE *out);
void stingy_report_graph(const struct stingy_report *report, FILE *out);
void stingy_report_kinds(const struct stingy_account *account, FILE *out);
void stingy_report_sites(const struct stingy_account *account, FILE *out);

#endif
