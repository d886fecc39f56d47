/* SPDX-License-Identifier: MIT */
/*
 * Work that may crash, hang or eat memory, done in a child of its own.
 *
 * The child has limits on processor time and memory, no output but its pipe, no core file, and ends
 * with its parent.
 */
#ifndef PAGABLE_SYMBOLS_CHILD_H
#define PAGABLE_SYMBOLS_CHILD_H

#include "symbols/bytes.h"

#define CHILD_SECONDS    5u
#define CHILD_MAX_OUTPUT (512u << 20)

struct child_result {
    struct bytes output; /* memory of `host`; the caller releases output.at */
    bool no_memory;      /* here, not in the child */
    char problem[80];    /* why there is no output, or not all of it; empty: it ended well */
};

/* Runs in the child; whatever it writes is the output. */
typedef void child_work(void *context, int output);

void child_run(child_work *work, void *context, struct child_result *result);

/* Write all of it (in the child); false when the parent is gone. */
bool child_write(int output, const void *data, size_t size);

#endif
