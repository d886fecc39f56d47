/* SPDX-License-Identifier: MIT */
/*
 * Streams for tests: records are given to a stream and to a run's report at once, as a run does it,
 * and what is drawn is compared with what is drawn from the lines that were written.
 */
#ifndef PAGABLE_TESTS_REPORT_MAKING_H
#define PAGABLE_TESTS_REPORT_MAKING_H

#include "report/figure.h"

#define SECOND 10000000u

struct making {
    struct stream *stream;
    struct run_report report;
    FILE *lines;
    char *text; /* the lines so far, after fflush */
    size_t bytes;
};

extern const struct resolver making_resolver; /* knows port.sys */
extern const char *const making_drivers[1];
extern const struct stream_header making_header;

void making_begin(struct making *m);
void making_give(struct making *m, enum record_kind kind, const void *payload, size_t bytes);
void making_event(struct making *m, uint64_t time, enum event_kind kind, uint64_t a, uint64_t b,
                  uint64_t c);
void making_module(struct making *m, const char *name);
void making_section(struct making *m, uint32_t number, const char *name, enum pg_class class,
                    uint32_t pages);
void making_device(struct making *m, uint32_t number, const char *name);
void making_mark(struct making *m, uint64_t time, const char *label);
struct finding making_finding(uint64_t time);
/* A port is opened, locks what it needs, works, is closed; memory pressure takes the rest. */
void making_play(struct making *m);
/* The last record and the last line; everything stays until making_end. */
const struct picture *making_finish(struct making *m, uint64_t time);
void making_end(struct making *m);

/* What is drawn, as a string of the caller's. */
char *drawn(pg_status (*draw)(FILE *out, const struct picture *picture),
            const struct picture *picture);
pg_status read_text(const char *text, size_t bytes, struct picture **picture,
                    struct stream_error *error);
/* What the lines give is what the run gave. */
void making_check(const struct making *m, const struct picture *picture);

#endif
