/* SPDX-License-Identifier: MIT */
/* Streams for tests: see making.h. */
#include "making.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- a resolver that knows one driver ---- */

static bool fake_place(void *context, const struct code_place *place, bool returns,
                       struct resolved_place *out)
{
    (void)context;
    if (strcmp(place->module, "port.sys") != 0) {
        return false;
    }
    *out = (struct resolved_place){.function = "PortOpen",
                                   .offset = (uint32_t)place->rva - 0x1000,
                                   .file = "src/port.c",
                                   .line = returns ? 41 : 42,
                                   .section = "PAGE"};
    return true;
}

const struct resolver making_resolver = {NULL, fake_place};
const char *const making_drivers[1] = {"port.sys"};
const struct stream_header making_header = {
    .version = "pagable 1.2.3",
    .seed = 7,
    .trim = "irql",
    .frames = 9,
    .scenario = "port.lua",
    .drivers = making_drivers,
    .driver_count = 1,
};

/* ---- a stream being made ---- */

void making_begin(struct making *m)
{
    memset(m, 0, sizeof *m);
    m->report = (struct run_report){.seed = 7, .drivers = making_drivers, .driver_count = 1};
    m->lines = open_memstream(&m->text, &m->bytes);
    ck_assert_ptr_nonnull(m->lines);
    ck_assert_int_eq(stream_open(&making_header, m->lines, &m->stream), PG_OK);
}

void making_give(struct making *m, enum record_kind kind, const void *payload, size_t bytes)
{
    stream_take(m->stream, &making_resolver, kind, payload, (uint32_t)bytes);
    ck_assert_int_eq(report_collect(&m->report, kind, payload, (uint32_t)bytes), PG_OK);
}

void making_event(struct making *m, uint64_t time, enum event_kind kind, uint64_t a, uint64_t b,
                  uint64_t c)
{
    struct event e = {.time = time, .kind = kind, .value = {a, b, c}};

    making_give(m, RECORD_EVENT, &e, sizeof e);
}

void making_module(struct making *m, const char *name)
{
    struct module_layout layout = {.base = 0x200200000000, .bytes = 0x10000};

    (void)snprintf(layout.name, sizeof layout.name, "%s", name);
    making_give(m, RECORD_MODULE_LAYOUT, &layout, sizeof layout);
}

void making_section(struct making *m, uint32_t number, const char *name, enum pg_class class,
                    uint32_t pages)
{
    struct section_layout layout = {.section = number,
                                    .rva = 0x1000 * (number + 1),
                                    .bytes = pages * 4096 - 100,
                                    .pages = pages,
                                    .class = class};

    (void)snprintf(layout.name, sizeof layout.name, "%s", name);
    making_give(m, RECORD_SECTION_LAYOUT, &layout, sizeof layout);
}

void making_device(struct making *m, uint32_t number, const char *name)
{
    struct device_layout layout = {.device = number, .driver = "port.sys"};

    (void)snprintf(layout.name, sizeof layout.name, "%s", name);
    making_give(m, RECORD_DEVICE_LAYOUT, &layout, sizeof layout);
}

void making_mark(struct making *m, uint64_t time, const char *label)
{
    struct run_mark named = {.time = time};

    (void)snprintf(named.label, sizeof named.label, "%s", label);
    making_give(m, RECORD_MARK, &named, sizeof named);
}

/* The last record and the last line; the text stays until `end`. */
const struct picture *making_finish(struct making *m, uint64_t time)
{
    struct run_counters counters = {.trims = 3, .virtual_time = time};
    struct run_end ending = {.outcome = m->report.has_bugcheck ? RUN_BUGCHECK : RUN_DONE};

    making_give(m, RECORD_COUNTERS, &counters, sizeof counters);
    making_give(m, RECORD_END, &ending, sizeof ending);
    ck_assert_int_eq(stream_finish(m->stream, &m->report, &making_resolver), PG_OK);
    ck_assert_int_eq(fflush(m->lines), 0);
    return stream_picture(m->stream);
}

void making_end(struct making *m)
{
    stream_close(m->stream);
    report_release(&m->report);
    (void)fclose(m->lines);
    free(m->text);
}

/* ---- what is drawn, as a string of the caller's ---- */

char *drawn(pg_status (*draw)(FILE *out, const struct picture *picture),
            const struct picture *picture)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(draw(out, picture), PG_OK);
    (void)fclose(out);
    ck_assert_uint_eq(strlen(text), bytes);
    return text;
}

pg_status read_text(const char *text, size_t bytes, struct picture **picture,
                    struct stream_error *error)
{
    FILE *in = fmemopen((void *)text, bytes, "r");
    pg_status status;

    ck_assert_ptr_nonnull(in);
    status = picture_read(in, picture, error);
    (void)fclose(in);
    return status;
}

/* What the lines give is what the run gave. */
void making_check(const struct making *m, const struct picture *picture)
{
    pg_status (*const draws[])(FILE * out, const struct picture *picture) = {
        picture_html, picture_figure, picture_text};
    struct picture *again = NULL;
    struct stream_error error;

    ck_assert_int_eq(read_text(m->text, m->bytes, &again, &error), PG_OK);
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        char *a = drawn(draws[i], picture), *b = drawn(draws[i], again);

        ck_assert_str_eq(a, b);
        free(a);
        free(b);
    }
    picture_free(again);
}

/* ---- samples ---- */

/* A port is opened, locks what it needs, works, is closed; memory pressure takes the rest. */
void making_play(struct making *m)
{
    making_module(m, "port.sys");
    making_section(m, 0, ".text", PG_RESIDENT, 2);
    making_section(m, 1, "PAGEPORT", PG_PAGEABLE, 3);
    making_section(m, 2, "PAGE", PG_PAGEABLE, 1);
    making_section(m, 3, "INIT", PG_DISCARDABLE, 1);
    making_event(m, 0, EVENT_PAGE_KEEP, 0, 0, 2);
    making_event(m, 0, EVENT_PAGE_KEEP, 3, 0, 1);
    making_event(m, 20, EVENT_DISCARD, 3, 0, 0);
    making_event(m, 20, EVENT_PAGE_OUT, 3, 0, 1);
    making_mark(m, 30, "idle");
    making_device(m, 0, "\\Device\\Port0");
    making_event(m, 6 * 3600ull * SECOND, EVENT_PAGE_IN, 2, 0, 1);
    making_event(m, 6 * 3600ull * SECOND + 5, EVENT_PAGE_KEEP, 1, 0, 3);
    making_event(m, 6 * 3600ull * SECOND + 5, EVENT_LOCK, 1, 1, 0x200200001040);
    making_event(m, 6 * 3600ull * SECOND + 9, EVENT_OPEN, 0, 0, 0);
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t t = 6 * 3600ull * SECOND + 1000 + 400 * i;

        making_event(m, t, EVENT_INTERRUPT, 4, 1, 0);
        if (i % 8 == 0) {
            making_event(m, t + 50, EVENT_PAGE_OUT, 2, 0, 1);
            making_event(m, t + 50, EVENT_TRIM, 1, 0, 0);
            making_event(m, t + 90, EVENT_PAGE_IN, 2, 0, 1);
        }
    }
    making_event(m, 6 * 3600ull * SECOND + 20000, EVENT_LOCK_HANDLE, 1, 2, 0x200200001080);
    making_mark(m, 6 * 3600ull * SECOND + 20001, "open twice");
    making_event(m, 6 * 3600ull * SECOND + 30000, EVENT_UNLOCK, 1, 1, 0x2002000010c0);
    making_event(m, 6 * 3600ull * SECOND + 40000, EVENT_UNLOCK, 1, 0, 0x2002000010c0);
    making_event(m, 6 * 3600ull * SECOND + 40008, EVENT_CLOSE, 0, 0, 0);
    making_event(m, 7 * 3600ull * SECOND, EVENT_PAGE_OUT, 1, 0, 3);
    making_event(m, 7 * 3600ull * SECOND, EVENT_PAGE_OUT, 2, 0, 1);
    making_event(m, 7 * 3600ull * SECOND, EVENT_TRIM, 4, 1, 0);
    making_mark(m, 7 * 3600ull * SECOND, "closed, under pressure");
}

struct finding making_finding(uint64_t time)
{
    struct finding finding = {.rule = RULE_PAGEABLE_AT_RAISED_IRQL,
                              .severity = FINDING_ERROR,
                              .section = "PAGE",
                              .irql = 2,
                              .time = time,
                              .message = "section PAGE was run at IRQL 2 while it was out",
                              .frame_count = 1};

    (void)snprintf(finding.place.module, sizeof finding.place.module, "port.sys");
    finding.place.rva = 0x1010;
    finding.frames[0] = finding.place;
    return finding;
}
