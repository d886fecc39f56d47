/* SPDX-License-Identifier: MIT */
/* The verdict on a run. */
#include "report/report.h"

enum run_result report_result(const struct run_report *report)
{
    if (report->has_end &&
        (report->end.outcome == RUN_UNSUPPORTED || report->end.outcome == RUN_BAD_SCRIPT)) {
        return RESULT_INCOMPLETE;
    }
    if (report->has_bugcheck) {
        return RESULT_BUGCHECK;
    }
    for (uint32_t i = 0; i < report->finding_count; i++) {
        if (report->findings[i].severity >= FINDING_WARNING) {
            return RESULT_FINDINGS;
        }
    }
    /* Whoever ended the run otherwise must have said why by a finding; without one, no verdict. */
    return report->has_end && report->end.outcome == RUN_DONE ? RESULT_CLEAN : RESULT_INCOMPLETE;
}

const char *report_result_name(enum run_result result)
{
    switch (result) {
    case RESULT_CLEAN:
        return "clean";
    case RESULT_FINDINGS:
        return "findings";
    case RESULT_BUGCHECK:
        return "bugcheck";
    case RESULT_INCOMPLETE:
        break;
    }
    return "incomplete";
}
