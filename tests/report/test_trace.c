/* SPDX-License-Identifier: MIT */
/*
 * Traces: files that are cut off, damaged or hostile, long streams against a plain model, and a
 * host that fails.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "making.h"
#include "support/run.h"

/* ---- files ---- */

#define HEADER "{\"schema\":\"pagable.trace/1\",\"making_drivers\":[\"a.sys\"],\"seed\":1}\n"
#define MODULE                                                                                     \
    "{\"time\":0,\"event\":\"module\",\"module\":0,\"name\":\"a\",\"base\":\"0x1000\",\"bytes\":"  \
    "1}\n"
#define SECTION                                                                                    \
    "{\"event\":\"section\",\"section\":0,\"module\":0,\"name\":\"PAGE\",\"class\":\"pageable\","  \
    "\"rva\":0,\"bytes\":1,\"pages\":2}\n"
#define RESULT                                                                                     \
    "{\"event\":\"result\",\"run\":{\"schema\":\"pagable.run/1\",\"result\":\"clean\"}}\n"

static const struct {
    const char *text;
    uint64_t line;
    const char *says;
} bad_files[] = {
    {"", 1, "the file is empty"},
    {"\n", 1, "no JSON"},
    {"MZ\x90", 1, "cut off"},
    {"MZ\x90\n", 1, "no JSON"},
    {"[]\n", 1, "no JSON object"},
    {"{}\n", 1, "no trace of schema"},
    {"{\"schema\":\"pagable.trace/2\"}\n", 1, "no trace of schema"},
    {HEADER, 2, "ends without a result"},
    {HEADER "{}\n", 2, "the line is no event"},
    {HEADER "{\"event\":\"dance\"}\n", 2, "there is no such event"},
    {HEADER "{\"event\":\"trim\",\"event\":\"trim\"}\n", 2, "duplicate"},
    {HEADER "{\"event\":\"trim\",\"time\":1,\"irql\":0,\"pages\":1}\n", 2, "missing"},
    {HEADER "{\"event\":\"trim\",\"time\":-1,\"irql\":0,\"pages\":1,\"asked\":0}\n", 2, "missing"},
    {HEADER "{\"event\":\"trim\",\"time\":\"0x\",\"irql\":0,\"pages\":1,\"asked\":0}\n", 2,
     "missing"},
    {HEADER "{\"event\":\"trim\",\"time\":\"0x1g\",\"irql\":0,\"pages\":1,\"asked\":0}\n", 2,
     "missing"},
    {HEADER "{\"event\":\"trim\",\"time\":\"0xfffffffffffffffff\",\"irql\":0,\"pages\":1,"
            "\"asked\":0}\n",
     2, "missing"},
    {HEADER "{\"event\":\"trim\",\"time\":\"0xffffffffffffffff\",\"irql\":0,\"pages\":1,"
            "\"asked\":0}\n",
     2, "beyond 2^53"},
    {HEADER "{\"event\":\"trim\",\"time\":9,\"irql\":0,\"pages\":1,\"asked\":0}\n"
            "{\"event\":\"trim\",\"time\":8,\"irql\":0,\"pages\":1,\"asked\":0}\n",
     3, "before that of the line before"},
    {HEADER "{\"event\":\"open\",\"time\":9,\"irql\":0,\"device\":0}\n", 2, "no such device"},
    {HEADER "{\"event\":\"unload\",\"time\":9,\"irql\":0,\"module\":0}\n", 2, "no such module"},
    {HEADER "{\"event\":\"discard\",\"time\":9,\"irql\":0,\"section\":0}\n", 2, "no such section"},
    {HEADER SECTION, 2, "below their module"},
    {HEADER MODULE MODULE, 3, "not counted"},
    {HEADER MODULE SECTION SECTION, 4, "not counted"},
    {HEADER MODULE SECTION
     "{\"event\":\"page-in\",\"time\":9,\"irql\":0,\"section\":0,\"page\":1,\"pages\":2}\n",
     4, "no such pages"},
    {HEADER "{\"event\":\"place\",\"caller\":1,\"symbol\":\"a\",\"file\":null}\n"
            "{\"event\":\"place\",\"caller\":1,\"symbol\":\"a\",\"file\":null}\n",
     3, "twice"},
    {HEADER "{\"event\":\"device\",\"device\":1,\"name\":\"\",\"driver\":\"\"}\n", 2,
     "not counted"},
    {HEADER "{\"event\":\"mark\",\"time\":1,\"label\":7}\n", 2, "missing"},
    {HEADER "{\"event\":\"finding\",\"time\":1,\"finding\":-1,\"rule\":\"x\"}\n", 2, "missing"},
    {HEADER "{\"event\":\"result\",\"run\":{}}\n", 2, "pagable.run/1"},
    {HEADER RESULT RESULT, 3, "after the result"},
    {HEADER RESULT MODULE, 3, "after the result"},
    {HEADER RESULT "x", 3, "cut off"},
};

START_TEST(bad_files_are_told_with_line_and_reason)
{
    struct picture *picture = NULL;
    struct stream_error error;
    FILE *in = tmpfile();

    ck_assert_ptr_nonnull(in);
    ck_assert_int_ge(fputs(bad_files[_i].text, in), 0);
    rewind(in);
    ck_assert_int_eq(picture_read(in, &picture, &error), PG_E_FORMAT);
    ck_assert_ptr_null(picture);
    ck_assert_uint_eq(error.line, bad_files[_i].line);
    ck_assert_msg(strstr(error.reason, bad_files[_i].says) != NULL, "'%s' lacks '%s'", error.reason,
                  bad_files[_i].says);
    (void)fclose(in);
}
END_TEST

START_TEST(unknown_keys_are_ignored)
{
    static const char text[] = HEADER MODULE SECTION
        "{\"event\":\"page-in\",\"time\":9,\"irql\":0,\"section\":0,\"page\":1,\"pages\":1,"
        "\"colour\":[1]}\n" RESULT;
    struct picture *picture = NULL;
    struct stream_error error;

    ck_assert_int_eq(read_text(text, sizeof text - 1, &picture, &error), PG_OK);
    ck_assert_uint_eq(picture->sections[0].faults, 1);
    picture_free(picture);
}
END_TEST

/* Wherever a file is cut, that is noticed, unless nothing is missing. */
START_TEST(cut_files_are_noticed)
{
    struct making m;

    making_begin(&m);
    making_play(&m);
    (void)making_finish(&m, 8 * 3600ull * SECOND);
    for (size_t bytes = 1; bytes < m.bytes; bytes++) {
        struct picture *picture = NULL;
        struct stream_error error;

        ck_assert_int_eq(read_text(m.text, bytes, &picture, &error), PG_E_FORMAT);
        ck_assert_uint_gt(error.line, 0);
        ck_assert_uint_gt(strlen(error.reason), 0);
    }
    making_end(&m);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Damaged files are refused, or drawn; nothing else. */
START_TEST(damaged_files_do_no_harm)
{
    static const char letters[] = "0123456789abcxn{}[]\",:-\\\n \xff";
    struct making m;
    uint32_t state = 12345, drawn_count = 0;

    making_begin(&m);
    making_play(&m);
    (void)making_finish(&m, 8 * 3600ull * SECOND);
    for (unsigned round = 0; round < 3000; round++) {
        char *copy = malloc(m.bytes);
        struct picture *picture = NULL;
        struct stream_error error;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, m.text, m.bytes);
        for (uint32_t i = next_random(&state) % 3 + 1; i > 0; i--) {
            copy[next_random(&state) % m.bytes] =
                letters[next_random(&state) % (sizeof letters - 1)];
        }
        if (read_text(copy, m.bytes, &picture, &error) == PG_OK) {
            free(drawn(picture_html, picture));
            free(drawn(picture_text, picture));
            picture_free(picture);
            drawn_count++;
        }
        free(copy);
    }
    ck_assert_uint_gt(drawn_count, 100);
    making_end(&m);
}
END_TEST

/* ---- long streams against a plain model ---- */

#define STEPS 60000u

struct step {
    uint64_t time;
    uint32_t resident, locks;
};

/* Extremes of the model in [from, to). */
static struct track extremes(const struct step *steps, uint64_t from, uint64_t to, bool locks)
{
    struct track track = {UINT32_MAX, 0, 0};

    for (uint32_t i = 0; i < STEPS && steps[i].time < to; i++) {
        uint64_t until = i + 1 < STEPS ? steps[i + 1].time : UINT64_MAX;
        uint32_t value = locks ? steps[i].locks : steps[i].resident;

        if (until > from) {
            track.low = value < track.low ? value : track.low;
            track.high = value > track.high ? value : track.high;
            track.last = value;
        }
    }
    return track;
}

static void random_step(struct making *m, struct step *step, bool *in, uint32_t *state)
{
    uint32_t page = next_random(state) % 8;

    switch (next_random(state) % 8) {
    case 0:
        step->locks++;
        making_event(m, step->time, EVENT_LOCK_HANDLE, 0, step->locks, 0x200200001040);
        break;
    case 1:
        step->locks -= step->locks > 0;
        making_event(m, step->time, EVENT_UNLOCK, 0, step->locks, 0x200200001040);
        break;
    default:
        making_event(m, step->time, in[page] ? EVENT_PAGE_OUT : EVENT_PAGE_IN, 0, page, 1);
        in[page] = !in[page];
        step->resident += in[page] ? 1u : -1u;
        break;
    }
}

START_TEST(long_streams_keep_their_extremes)
{
    static struct step steps[STEPS];
    struct making m;
    const struct picture *picture;
    const struct picture_section *drawn_section;
    bool in[8] = {false};
    uint32_t state = 99;
    uint64_t faults = 0;

    making_begin(&m);
    making_module(&m, "port.sys");
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 8);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i > 0) {
            steps[i] = steps[i - 1];
        }
        steps[i].time += 1 + (next_random(&state) % 100 == 0 ? next_random(&state) : 0);
        random_step(&m, &steps[i], in, &state);
    }
    picture = making_finish(&m, steps[STEPS - 1].time + 5);
    drawn_section = &picture->sections[0];
    ck_assert_uint_le(picture->column_count, COLUMNS_MAX);
    ck_assert_uint_gt(picture->column_count, COLUMNS_MAX / 8);
    for (uint32_t c = 1; c < picture->column_count; c++) { /* the first is of the loading */
        uint64_t from = picture->columns[c].time;
        uint64_t to = c + 1 < picture->column_count ? picture->columns[c + 1].time : UINT64_MAX;
        struct track pages = extremes(steps, from, to, false);
        struct track locks = extremes(steps, from, to, true);

        ck_assert_mem_eq(&pages, &drawn_section->resident_track[c], sizeof pages);
        ck_assert_mem_eq(&locks, &drawn_section->lock_track[c], sizeof locks);
    }
    for (uint32_t c = 0; c < picture->column_count; c++) {
        faults += drawn_section->fault_track[c];
    }
    ck_assert_uint_eq(faults, drawn_section->faults);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

/* The axis keeps the order and reaches its end, whatever happened. */
START_TEST(the_axis_is_monotone)
{
    struct making m;
    const struct picture *picture;
    double x[COLUMNS_MAX + 1];
    struct plot *plot = host.allocate(sizeof *plot);

    making_begin(&m);
    making_play(&m);
    picture = making_finish(&m, TIME_MAX);
    columns_place(picture, FIGURE_PLOT, x);
    ck_assert(x[0] == 0);
    for (uint32_t i = 0; i < picture->column_count; i++) {
        ck_assert(x[i + 1] > x[i]);
    }
    ck_assert(x[picture->column_count] == FIGURE_PLOT);
    plot_make(plot, picture, FIGURE_PLOT);
    for (uint32_t i = 0; i < FIGURE_PLOT; i++) {
        ck_assert_uint_lt(plot->first[i], plot->end[i]);
        ck_assert_uint_le(plot->end[i], picture->column_count);
    }
    host.release(plot);
    making_end(&m);
}
END_TEST

/* More of everything than there is room for. */
START_TEST(beyond_the_limits_things_are_counted)
{
    struct making m;
    const struct picture *picture;
    char *html;

    making_begin(&m);
    making_module(&m, "port.sys");
    for (uint32_t i = 0; i < PICTURE_SECTIONS_MAX + 10; i++) {
        making_section(&m, i, "PAGEMANY", PG_PAGEABLE, i == 3 ? 1u << 20 : 20);
    }
    making_device(&m, 0, "\\Device\\Port0");
    making_event(&m, 1, EVENT_PAGE_IN, PICTURE_SECTIONS_MAX + 9, 0, 1);
    making_event(&m, 1, EVENT_PAGE_KEEP, 3, 0, 1u << 20); /* too many to be kept one by one */
    for (uint32_t i = 0; i < 5 * MOMENTS_MAX; i++) {
        making_event(&m, 2 + 2 * i, EVENT_OPEN, 0, 0, 0);
        making_event(&m, 3 + 2 * i, EVENT_CLOSE, 0, 0, 0);
    }
    making_mark(&m, 4000, "late");
    picture = making_finish(&m, 5000);
    ck_assert_uint_eq(picture->sections_told, PICTURE_SECTIONS_MAX + 10);
    ck_assert_uint_eq(picture->sections[3].resident, 1u << 20);
    ck_assert_uint_gt(picture->moments_left_out, 0);
    html = drawn(picture_html, picture);
    ck_assert_ptr_nonnull(strstr(html, "10 more sections are left out"));
    ck_assert_ptr_nonnull(strstr(html, "later moments are left out"));
    free(html);
    making_check(&m, picture);
    making_end(&m);
}
END_TEST

/* A million events: memory stays what it was after some thousand. */
START_TEST(a_million_events)
{
    struct making m;
    const struct picture *picture;

    memset(&m, 0, sizeof m);
    m.report = (struct run_report){.seed = 7, .drivers = making_drivers, .driver_count = 1};
    m.lines = open_memstream(&m.text, &m.bytes);
    ck_assert_int_eq(stream_open(&making_header, NULL, &m.stream), PG_OK);
    making_module(&m, "port.sys");
    making_section(&m, 0, "PAGE", PG_PAGEABLE, 4);
    for (uint64_t i = 0; i < 1000000; i++) {
        making_event(&m, 10 * i, i % 2 == 0 ? EVENT_PAGE_IN : EVENT_PAGE_OUT, 0, i / 2 % 4, 1);
    }
    picture = making_finish(&m, 10000000);
    ck_assert_uint_eq(picture->sections[0].faults, 500000);
    ck_assert_uint_le(picture->column_count, COLUMNS_MAX);
    free(drawn(picture_html, picture));
    making_end(&m);
}
END_TEST

/* ---- failures of the host ---- */

static void make_and_read(const struct making *m, unsigned nth, bool *hit)
{
    struct picture *picture = NULL;
    struct stream_error error;
    pg_status status;

    host_fail_nth(nth);
    status = read_text(m->text, m->bytes, &picture, &error);
    if (status == PG_OK) {
        FILE *out = fopen("/dev/null", "w");

        status = picture_html(out, picture);
        (void)fclose(out);
        picture_free(picture);
    }
    *hit = host_fail_hit() != 0;
    host_fail_nth(0);
    ck_assert_int_eq(status, *hit ? PG_E_NO_MEMORY : PG_OK);
}

START_TEST(running_out_of_memory_is_said)
{
    struct making m;
    bool hit = true;
    unsigned nth;

    making_begin(&m);
    making_play(&m);
    (void)making_finish(&m, 8 * 3600ull * SECOND);
    for (nth = 1; hit; nth++) {
        make_and_read(&m, nth, &hit);
    }
    ck_assert_uint_gt(nth, 20);
    making_end(&m);
}
END_TEST

START_TEST(running_out_of_memory_in_a_run_is_said)
{
    for (unsigned nth = 1; nth < 12; nth++) {
        struct making m;

        making_begin(&m);
        host_fail_nth(nth);
        making_play(&m);
        ck_assert_int_eq(stream_finish(m.stream, &m.report, &making_resolver),
                         host_fail_hit() ? PG_E_NO_MEMORY : PG_OK);
        host_fail_nth(0);
        making_end(&m);
    }
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    struct making m;
    const struct picture *picture;
    FILE *full = fopen("/dev/full", "w");

    making_begin(&m);
    making_play(&m);
    picture = making_finish(&m, 8 * 3600ull * SECOND);
    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(picture_html(full, picture), PG_E_IO);
    ck_assert_int_eq(picture_figure(full, picture), PG_E_IO);
    ck_assert_int_eq(picture_text(full, picture), PG_E_IO);
    (void)fclose(full);
    making_end(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *files = tcase_create("files");
    TCase *large = tcase_create("large");
    TCase *failures = tcase_create("failures");

    tcase_set_timeout(files, 120);
    tcase_set_timeout(large, 300);
    tcase_set_timeout(failures, 120);
    tcase_add_loop_test(files, bad_files_are_told_with_line_and_reason, 0,
                        sizeof bad_files / sizeof *bad_files);
    tcase_add_test(files, unknown_keys_are_ignored);
    tcase_add_test(files, cut_files_are_noticed);
    tcase_add_test(files, damaged_files_do_no_harm);
    tcase_add_test(large, long_streams_keep_their_extremes);
    tcase_add_test(large, the_axis_is_monotone);
    tcase_add_test(large, beyond_the_limits_things_are_counted);
    tcase_add_test(large, a_million_events);
    tcase_add_test(failures, running_out_of_memory_is_said);
    tcase_add_test(failures, running_out_of_memory_in_a_run_is_said);
    tcase_add_test(failures, a_full_disk_is_an_error);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, large);
    suite_add_tcase(suite, failures);
    return run_suite(suite);
}
