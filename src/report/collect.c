/* SPDX-License-Identifier: MIT */
/*
 * Records of the channel -> a run_report.  A driver can overwrite the ring, so a record is made
 * safe before it is kept: everything after this file may trust lengths, counts and enumerations.
 */
#include <string.h>

#include "base/host.h"
#include "report/marks.h"
#include "report/report.h"

/* More than any driver needs; what a driver gone wild reports beyond it is only counted. */
#define FINDINGS_MAX 4096u
#define SECTIONS_MAX 4096u

/* Room for one more in an array that doubles; false when out of memory. */
static bool make_room(void **array, size_t item, uint32_t count, uint32_t *room)
{
    uint32_t wanted = *room != 0 ? *room * 2 : 16;
    void *bigger;

    if (count < *room) {
        return true;
    }
    bigger = host.allocate(item * wanted);
    if (bigger == NULL) {
        return false;
    }
    if (count != 0) {
        memcpy(bigger, *array, item * count);
    }
    host.release(*array);
    *array = bigger;
    *room = wanted;
    return true;
}

#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

static void make_places_safe(struct code_place *places, uint32_t *count)
{
    if (*count > FINDING_FRAMES) {
        *count = FINDING_FRAMES;
    }
    for (uint32_t i = 0; i < *count; i++) {
        TERMINATE(places[i].module);
    }
}

static void make_histories_safe(struct finding *finding)
{
    TERMINATE(finding->locked_module);
    TERMINATE(finding->locked_section);
    if (finding->irql_count > FINDING_IRQLS) {
        finding->irql_count = FINDING_IRQLS;
    }
    for (uint32_t i = 0; i < finding->irql_count; i++) {
        TERMINATE(finding->irqls[i].place.module);
    }
    if (finding->lock_count > FINDING_LOCKS) {
        finding->lock_count = FINDING_LOCKS;
    }
    for (uint32_t i = 0; i < finding->lock_count; i++) {
        TERMINATE(finding->locks[i].place.module);
    }
}

pg_status report_add_finding(struct run_report *report, const struct finding *finding)
{
    struct finding *kept;

    if (report->finding_count == FINDINGS_MAX) {
        report->findings_dropped++;
        return PG_OK;
    }
    if (!make_room((void **)&report->findings, sizeof *finding, report->finding_count,
                   &report->finding_room)) {
        return PG_E_NO_MEMORY;
    }
    kept = &report->findings[report->finding_count++];
    *kept = *finding;
    TERMINATE(kept->place.module);
    TERMINATE(kept->section);
    TERMINATE(kept->message);
    make_places_safe(kept->frames, &kept->frame_count);
    make_histories_safe(kept);
    return PG_OK;
}

static pg_status add_finding_record(struct run_report *report, const void *payload)
{
    struct finding finding;

    memcpy(&finding, payload, sizeof finding);
    if ((unsigned)finding.rule >= RULE_COUNT || (unsigned)finding.severity > FINDING_ERROR) {
        return PG_E_FORMAT;
    }
    return report_add_finding(report, &finding);
}

static void take_bugcheck(struct run_report *report, const void *payload)
{
    struct bugcheck_report *bugcheck = &report->bugcheck;

    memcpy(bugcheck, payload, sizeof *bugcheck);
    TERMINATE(bugcheck->place.module);
    TERMINATE(bugcheck->section);
    TERMINATE(bugcheck->message);
    make_places_safe(bugcheck->frames, &bugcheck->frame_count);
    report->has_bugcheck = true;
}

/* The last word about a section counts: it may be reported at unload and again at the end. */
static pg_status add_section(struct run_report *report, const void *payload)
{
    struct section_summary section;
    uint32_t i;

    memcpy(&section, payload, sizeof section);
    TERMINATE(section.image);
    TERMINATE(section.name);
    for (i = 0; i < report->section_count; i++) {
        if (strcmp(report->sections[i].image, section.image) == 0 &&
            strcmp(report->sections[i].name, section.name) == 0) {
            report->sections[i] = section;
            return PG_OK;
        }
    }
    if (report->section_count == SECTIONS_MAX) {
        return PG_OK;
    }
    if (!make_room((void **)&report->sections, sizeof section, report->section_count,
                   &report->section_room)) {
        return PG_E_NO_MEMORY;
    }
    report->sections[report->section_count++] = section;
    return PG_OK;
}

static void take_end(struct run_report *report, const void *payload)
{
    memcpy(&report->end, payload, sizeof report->end);
    TERMINATE(report->end.reason);
    TERMINATE(report->end.module);
    if (report->end.outcome > RUN_STOPPED) {
        report->end.outcome = RUN_STOPPED;
    }
    report->has_end = true;
}

pg_status report_collect(struct run_report *report, enum record_kind kind, const void *payload,
                         uint32_t bytes)
{
    switch (kind) {
    case RECORD_FINDING:
        return bytes == sizeof(struct finding) ? add_finding_record(report, payload) : PG_E_FORMAT;
    case RECORD_SECTION:
        return bytes == sizeof(struct section_summary) ? add_section(report, payload) : PG_E_FORMAT;
    case RECORD_MARK:
        return bytes == sizeof(struct run_mark) ? marks_add(report, payload) : PG_E_FORMAT;
    case RECORD_MARK_SECTION:
        return bytes == sizeof(struct section_summary) ? marks_add_section(report, payload)
                                                       : PG_E_FORMAT;
    case RECORD_BUGCHECK:
        if (bytes != sizeof report->bugcheck) {
            return PG_E_FORMAT;
        }
        take_bugcheck(report, payload);
        return PG_OK;
    case RECORD_COUNTERS:
        if (bytes != sizeof report->counters) {
            return PG_E_FORMAT;
        }
        memcpy(&report->counters, payload, sizeof report->counters);
        report->has_counters = true;
        return PG_OK;
    case RECORD_END:
        if (bytes != sizeof report->end) {
            return PG_E_FORMAT;
        }
        take_end(report, payload);
        return PG_OK;
    case RECORD_TEXT:
    case RECORD_NOTICE:
    case RECORD_EVENT:
    case RECORD_MODULE:
    case RECORD_MODULE_LAYOUT:
    case RECORD_SECTION_LAYOUT:
    case RECORD_DEVICE_LAYOUT:
    case RECORD_KIND_COUNT:
        break;
    }
    return PG_OK;
}

void report_release(struct run_report *report)
{
    host.release(report->findings);
    host.release(report->sections);
    marks_release(report);
    report->findings = NULL;
    report->sections = NULL;
    report->finding_count = report->finding_room = 0;
    report->section_count = report->section_room = 0;
}
