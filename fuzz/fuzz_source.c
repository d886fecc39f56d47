/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a source: advice on it, and the rewrite of every routine in it.  What was rewritten
 * can be read again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/host.h"
#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void advise(const char *file, const char *text, size_t size)
{
    struct source_options options = {.rules = RULE_SET_ALL};
    struct advice *advice = NULL;

    PG_ASSERT(source_advise(file, text, size, &options, &advice) == PG_OK);
    advice_close(advice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *file = size > 0 && (data[size - 1] & 1) != 0 ? "f.cpp" : "f.c";
    struct isolate_options options = {0};
    struct isolation *first, *second;
    char *diff;

    advise(file, (const char *)data, size);
    PG_ASSERT(source_isolate(file, (const char *)data, size, &options, &first) == PG_OK);
    PG_ASSERT(first->region_count > 0 || first->bytes == size);
    diff = source_diff(file, (const char *)data, size, first->text, first->bytes);
    PG_ASSERT(diff != NULL);
    host.release(diff);
    if (first->region_count > 0) {
        PG_ASSERT(source_isolate(file, first->text, first->bytes, &options, &second) == PG_OK);
        source_isolation_close(second);
    }
    source_isolation_close(first);
    return 0;
}
