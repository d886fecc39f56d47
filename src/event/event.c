/* SPDX-License-Identifier: MIT */
/* Names of events, their values and the counters: read from the tables in event.h. */
#include "event/event.h"

#include <stddef.h>

static const struct event_text texts[EVENT_KIND_COUNT] = {
#define EVENT_ROW(symbol, level, name, a, b, c) [EVENT_##symbol] = {name, {a, b, c}, TRACE_##level},
    EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

const struct event_text *event_text(uint32_t kind)
{
    return kind < EVENT_KIND_COUNT ? &texts[kind] : NULL;
}

bool run_counter_at(const struct run_counters *counters, unsigned index, const char **name,
                    uint64_t *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
#define COUNTER_ROW(counter) {#counter, offsetof(struct run_counters, counter)},
        RUN_COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
    };

    if (index >= sizeof rows / sizeof *rows) {
        return false;
    }
    *name = rows[index].name;
    *value = *(const uint64_t *)((const char *)counters + rows[index].offset);
    return true;
}
