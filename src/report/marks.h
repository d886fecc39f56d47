/* SPDX-License-Identifier: MIT */
/* Private to report/: the marks of a scenario, see marks.c. */
#ifndef PAGABLE_REPORT_MARKS_H
#define PAGABLE_REPORT_MARKS_H

#include "report/json.h"
#include "report/report.h"

/* Records of the channel, of the right size.  PG_E_NO_MEMORY.  What is beyond the limits of a
 * report is left out. */
pg_status marks_add(struct run_report *report, const void *payload);         /* struct run_mark */
pg_status marks_add_section(struct run_report *report, const void *payload); /* section_summary */
void marks_release(struct run_report *report);

void marks_text(FILE *out, const struct run_report *report);
json_t *marks_json(struct json_build *b, const struct run_report *report);
/* run_json.c: one section as it was. */
json_t *section_json(struct json_build *b, const struct section_summary *section);

#endif
