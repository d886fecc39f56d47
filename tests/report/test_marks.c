/* SPDX-License-Identifier: MIT */
/* The states that a scenario marks: as a table, as JSON, and without memory. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "report/report.h"
#include "support/golden.h"
#include "support/run.h"

static bool nothing_known(void *context, const struct code_place *place, bool returns,
                          struct resolved_place *out)
{
    (void)context, (void)place, (void)returns, (void)out;
    return false;
}

static const struct resolver resolver = {NULL, nothing_known};
static const char *const drivers[] = {"serial.sys"};

static pg_status mark(struct run_report *report, const char *label, uint64_t time)
{
    struct run_mark record = {.time = time};

    (void)snprintf(record.label, sizeof record.label, "%s", label);
    return report_collect(report, RECORD_MARK, &record, sizeof record);
}

static pg_status section(struct run_report *report, const char *name, uint32_t locks,
                         uint32_t pages, uint32_t resident)
{
    struct section_summary record = {
        .lock_count = locks, .pages = pages, .resident_pages = resident};

    (void)snprintf(record.image, sizeof record.image, "serial.sys");
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    return report_collect(report, RECORD_MARK_SECTION, &record, sizeof record);
}

/* Seven marks: more than fit beside each other.  A section appears, another goes. */
static struct run_report marked(void)
{
    static const char *const labels[] = {"idle",     "one open", "all open", "\x1b[31mclosed",
                                         "pressure", "again",    "end"};
    struct run_report report = {.seed = 1, .drivers = drivers, .driver_count = 1};
    struct run_end end = {.outcome = RUN_DONE};

    for (uint32_t i = 0; i < 7; i++) {
        ck_assert_int_eq(mark(&report, labels[i], i * 10000000ull), PG_OK);
        ck_assert_int_eq(section(&report, ".text", 0, 4, 4), PG_OK);
        ck_assert_int_eq(section(&report, ".rdata", 0, 1, 1), PG_OK);
        ck_assert_int_eq(
            section(&report, "PAGESER", i == 1 || i == 2 ? i * i : 0, 3, i == 1 || i == 2 ? 3 : 0),
            PG_OK);
        if (i != 3) {
            ck_assert_int_eq(section(&report, "PAGE", 0, 2, i % 3), PG_OK);
        }
    }
    ck_assert_int_eq(report_collect(&report, RECORD_END, &end, sizeof end), PG_OK);
    return report;
}

START_TEST(golden_marks)
{
    struct run_report report = marked();
    struct report_style style = {.quiet = false};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    report_run_text(out, &report, &resolver, &style);
    (void)fclose(out);
    golden_check("tests/report/golden/marks.txt", text);
    free(text);
    out = open_memstream(&text, &bytes);
    ck_assert_int_eq(report_run_json(out, &report, &resolver), PG_OK);
    (void)fclose(out);
    golden_check("tests/report/golden/marks.json", text);
    free(text);
    report_release(&report);
    ck_assert_uint_eq(report.mark_count, 0);
    ck_assert_ptr_null(report.marks);
}
END_TEST

START_TEST(records_are_not_trusted)
{
    struct run_report report = {.seed = 1};
    struct run_mark record;
    struct section_summary row;

    memset(&record, 'x', sizeof record);
    memset(&row, 'y', sizeof row);
    /* A section before any mark belongs to none. */
    ck_assert_int_eq(report_collect(&report, RECORD_MARK_SECTION, &row, sizeof row), PG_OK);
    ck_assert_uint_eq(report.mark_section_count, 0);
    ck_assert_int_eq(report_collect(&report, RECORD_MARK, &record, sizeof record - 1), PG_E_FORMAT);
    ck_assert_int_eq(report_collect(&report, RECORD_MARK_SECTION, &row, sizeof row + 1),
                     PG_E_FORMAT);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_int_eq(report_collect(&report, RECORD_MARK, &record, sizeof record), PG_OK);
        for (unsigned k = 0; k < 20; k++) {
            ck_assert_int_eq(report_collect(&report, RECORD_MARK_SECTION, &row, sizeof row), PG_OK);
        }
    }
    ck_assert_uint_lt(report.mark_count, 1000);
    ck_assert_uint_lt(report.mark_section_count, 20000);
    ck_assert_uint_eq(strlen(report.marks[0].label), sizeof record.label - 1);
    ck_assert_uint_eq(strlen(report.mark_sections[0].section.name), sizeof row.name - 1);
    report_release(&report);
}
END_TEST

static void *no_memory(size_t bytes)
{
    (void)bytes;
    return NULL;
}

START_TEST(no_memory_is_said)
{
    struct run_report report = {.seed = 1};
    struct host_calls saved = host;

    host.allocate = no_memory;
    ck_assert_int_eq(mark(&report, "a", 0), PG_E_NO_MEMORY);
    host = saved;
    ck_assert_int_eq(mark(&report, "a", 0), PG_OK);
    host.allocate = no_memory;
    ck_assert_int_eq(section(&report, "PAGE", 0, 1, 1), PG_E_NO_MEMORY);
    host = saved;
    report_release(&report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marks");
    TCase *marks = tcase_create("marks");

    tcase_add_test(marks, golden_marks);
    tcase_add_test(marks, records_are_not_trusted);
    tcase_add_test(marks, no_memory_is_said);
    suite_add_tcase(suite, marks);
    return run_suite(suite);
}
