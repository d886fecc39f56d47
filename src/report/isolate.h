/* SPDX-License-Identifier: MIT */
/* What `pagable isolate` did, printed as JSON (schema pagable.isolate/1). */
#ifndef PAGABLE_REPORT_ISOLATE_H
#define PAGABLE_REPORT_ISOLATE_H

#include <pagable/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A region that was moved into `routine`. */
struct isolate_moved {
    const char *function, *routine, *result; /* result "": none */
    uint32_t line_begin, line_end, parameters, exits;
};

struct isolate_refused {
    const char *function, *reason, *hint;
    uint32_t line;
};

/* One of the two images that a check compares. */
struct isolate_image {
    uint32_t pageable_bytes, resident_bytes; /* of executable sections */
    uint32_t violations;                     /* that the advisor sees */
};

struct isolate_report {
    const char *file;
    const struct isolate_moved *moved;
    uint32_t moved_count;
    const struct isolate_refused *refused;
    uint32_t refused_count;
    const char *diff;
    bool applied;
    bool checked; /* then the images are filled in */
    struct isolate_image before, after;
};

/* PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_isolate_json(FILE *out, const struct isolate_report *report);

#endif
