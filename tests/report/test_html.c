/* SPDX-License-Identifier: MIT */
/* Pages: golden ones of a small hand-made stream, empty ones, names of strangers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "making.h"
#include "support/golden.h"
#include "support/run.h"

/* ---- golden ---- */

static void check_golden(const struct making *m, const struct picture *picture, const char *name)
{
    char file[128];
    char *html = drawn(picture_html, picture);
    char *text = drawn(picture_text, picture);

    (void)snprintf(file, sizeof file, "tests/report/golden/%s.html", name);
    golden_check(file, html);
    (void)snprintf(file, sizeof file, "tests/report/golden/%s-picture.txt", name);
    golden_check(file, text);
    (void)snprintf(file, sizeof file, "tests/report/golden/%s.jsonl", name);
    golden_check(file, m->text);
    free(html);
    free(text);
}

START_TEST(golden_day)
{
    struct making m;
    const struct picture *picture;
    char *svg;

    making_begin(&m);
    making_play(&m);
    picture = making_finish(&m, 8 * 3600ull * SECOND);
    check_golden(&m, picture, "day");
    svg = drawn(picture_figure, picture);
    golden_check("tests/report/golden/day.svg", svg);
    free(svg);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

START_TEST(golden_run_that_ended_in_a_bug_check)
{
    struct making m;
    const struct picture *picture;
    struct finding finding = making_finding(500);
    struct bugcheck_report bugcheck = {.code = 0xD1,
                                       .parameters = {0x200200003000, 2, 8, 0x200200003000},
                                       .irql = 2,
                                       .time = 500,
                                       .message = "the computer went down",
                                       .finding = 0};

    making_begin(&m);
    making_module(&m, "port.sys");
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 1);
    making_event(&m, 100, EVENT_PAGE_IN, 0, 0, 1);
    making_event(&m, 400, EVENT_PAGE_OUT, 0, 0, 1);
    making_give(&m, RECORD_FINDING, &finding, sizeof finding);
    making_give(&m, RECORD_BUGCHECK, &bugcheck, sizeof bugcheck);
    picture = making_finish(&m, 500);
    check_golden(&m, picture, "crash");
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

START_TEST(empty_run)
{
    struct making m;
    const struct picture *picture;
    char *html;

    making_begin(&m);
    picture = making_finish(&m, 0);
    html = drawn(picture_html, picture);
    ck_assert_ptr_nonnull(strstr(html, "data-figure=\"timeline\""));
    ck_assert_ptr_null(strstr(html, "data-figure=\"locks\""));
    ck_assert_ptr_null(strstr(html, "data-figure=\"memory\""));
    ck_assert_ptr_null(strstr(html, "nan"));
    free(html);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

/* ---- strangers' names ---- */

static unsigned occurrences(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static const char *const evils[] = {
    "</script><b>&\"'", "<!--]]>", "\xff\xfe\x80 \xc0\xaf", "\x01\x1b[31m\x7f", "a\\\"};alert(1)//",
};

START_TEST(hostile_names_are_text)
{
    const char *evil = evils[_i];
    struct making m;
    const struct picture *picture;
    struct finding finding = making_finding(3);
    char *html, *svg;

    making_begin(&m);
    making_module(&m, evil);
    making_section(&m, 0, evil, PG_PAGEABLE, 1);
    making_device(&m, 0, evil);
    making_event(&m, 1, EVENT_OPEN, 0, 0, 0);
    making_event(&m, 2, EVENT_LOCK, 0, 1, 0x1040);
    making_mark(&m, 2, evil);
    (void)snprintf(finding.message, sizeof finding.message, "%s", evil);
    making_give(&m, RECORD_FINDING, &finding, sizeof finding);
    picture = making_finish(&m, 10);
    html = drawn(picture_html, picture);
    svg = drawn(picture_figure, picture);
    /* What the page itself has, and nothing else. */
    ck_assert_uint_eq(occurrences(html, "<script"), 2);
    ck_assert_uint_eq(occurrences(html, "</script"), 2);
    ck_assert_uint_eq(occurrences(html, "<!--"), 0);
    ck_assert_uint_eq(occurrences(html, "<b>"), 0);
    ck_assert_uint_eq(occurrences(svg, "<b>"), 0);
    for (const char *c = html; *c != '\0'; c++) {
        ck_assert_msg((unsigned char)*c >= 0x20 || *c == '\n', "control character %d", *c);
    }
    ck_assert_ptr_null(strstr(html, "\xff"));
    ck_assert_ptr_null(strstr(html, "\xc0"));
    free(html);
    free(svg);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

START_TEST(records_that_make_no_sense_are_passed_over)
{
    struct making m;
    const struct picture *picture;
    struct finding finding = making_finding(5);
    struct event e = {.kind = EVENT_KIND_COUNT};
    size_t before;

    making_begin(&m);
    making_event(&m, 0, EVENT_PAGE_IN, 0, 0, 1); /* of a section that nobody told of */
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 1);
    making_module(&m, "port.sys");
    making_section(&m, 1, "PAGE", PG_PAGEABLE, 1);
    making_section(&m, 0, "PAGE", (enum pg_class)9, 1);
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 0);
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 2);
    (void)fflush(m.lines);
    before = m.bytes;
    making_device(&m, 1, "later");
    making_event(&m, 9, EVENT_OPEN, 0, 0, 0);
    making_event(&m, 9, EVENT_UNLOAD, 1, 0, 0);
    making_event(&m, 9, EVENT_PAGE_IN, 0, 1, 2);
    making_event(&m, 9, EVENT_PAGE_IN, 0, UINT64_MAX, 2);
    making_event(&m, 9, EVENT_PAGE_IN, 0, 1, UINT64_MAX);
    making_event(&m, 9, EVENT_PAGE_IN, UINT64_MAX, 0, 1);
    making_event(&m, 9, EVENT_LOCK, 0, UINT64_MAX, 0);
    making_event(&m, UINT64_MAX, EVENT_TRIM, 0, 1, 0);
    making_give(&m, RECORD_EVENT, &e, sizeof e);
    stream_take(m.stream, &making_resolver, RECORD_EVENT, &e, sizeof e - 1);
    finding.rule = RULE_COUNT;
    stream_take(m.stream, &making_resolver, RECORD_FINDING, &finding, sizeof finding);
    (void)fflush(m.lines);
    /* The place of the lock was named before its count was looked at. */
    ck_assert_uint_eq(occurrences(&m.text[before], "\n"), 1);
    ck_assert_ptr_nonnull(strstr(&m.text[before], "\"place\""));
    making_event(&m, 10, EVENT_TRIM, 0, 1, 0);
    making_event(&m, 9, EVENT_TRIM, 0, 1, 0); /* back in time */
    picture = making_finish(&m, 20);
    ck_assert_uint_eq(picture->events, 1);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

START_TEST(times_are_short)
{
    static const struct {
        uint64_t time;
        const char *text;
    } rows[] = {
        {0, "0"},
        {9, "0.9 \xc2\xb5s"},
        {9999, "999.9 \xc2\xb5s"},
        {10000, "1.000 ms"},
        {12345678, "1.234 s"},
        {119 * SECOND, "119.000 s"},
        {120 * SECOND, "0:02:00"},
        {(6 * 3600 + 15 * 60 + 1) * (uint64_t)SECOND, "6:15:01"},
    };
    char text[48];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(picture_time(text, sizeof text, rows[i].time), rows[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *pages = tcase_create("pages");

    tcase_add_test(pages, golden_day);
    tcase_add_test(pages, golden_run_that_ended_in_a_bug_check);
    tcase_add_test(pages, empty_run);
    tcase_add_loop_test(pages, hostile_names_are_text, 0, sizeof evils / sizeof *evils);
    tcase_add_test(pages, records_that_make_no_sense_are_passed_over);
    tcase_add_test(pages, times_are_short);
    suite_add_tcase(suite, pages);
    return run_suite(suite);
}
