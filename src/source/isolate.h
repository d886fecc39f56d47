/* SPDX-License-Identifier: MIT */
/* Private to source/: one run of the rewrite over a file. */
#ifndef PAGABLE_SOURCE_ISOLATE_H
#define PAGABLE_SOURCE_ISOLATE_H

#include "source/emit.h"

/* The isolation that is handed out, and its memory. */
struct result {
    struct isolation isolation; /* first: what callers hold */
    struct arena arena;
    struct text text;
};

/* Rows that are found one by one, and have no end known before. */
struct list {
    void *rows;
    uint32_t count, capacity;
};

struct session {
    const struct isolate_options *options;
    struct unit unit;
    struct result *result;
    struct edits edits;
    struct list regions, refusals;
    struct list names; /* const char *: of new routines */
    uint8_t *macro_locks,
        *leaves_raised; /* what was asked of each macro and function (isolate.c) */
};

/* The routine's name, in the memory of the result. */
const char *session_name_of(struct session *s, const struct function *f);

/* (surround.c) What changes around the regions of a routine: prototypes and pragmas before it, the
 * new routines behind it, PAGED_CODE, declarations that nobody needs any more.  `pageable`: it is
 * put into a PAGE section now; `all`: none of its regions is left behind. */
void surround(struct session *s, const struct work *w, const struct text *prototypes,
              const struct text *routines, bool pageable, bool all);

#endif
