/* SPDX-License-Identifier: MIT */
/*
 * The event stream: what happened in the computer, in virtual time.  Plain data that crosses the
 * channel; `pagable run --trace` writes it as JSON lines.
 */
#ifndef PAGABLE_EVENT_EVENT_H
#define PAGABLE_EVENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* symbol, name, names of the three values (NULL: unused) */
#define EVENTS(X)                                                                                  \
    X(CHOICE, "choice", "choice_kind", "alternatives", "chosen")                                   \
    X(IRQL, "irql", "old", "new", NULL)                                                            \
    X(PAGE_IN, "page-in", "address", "pages", NULL)                                                \
    X(TRIM, "trim", "pages", NULL, NULL)                                                           \
    X(LOCK, "lock", "handle", "count", "address")                                                  \
    X(UNLOCK, "unlock", "handle", "count", NULL)                                                   \
    X(DISCARD, "discard", "address", "pages", NULL)                                                \
    X(THREAD_SWITCH, "thread-switch", "thread", NULL, NULL)                                        \
    X(CALL, "call", "export_rva", "return_address", NULL)

enum event_kind {
#define EVENT_ENUM(symbol, name, a, b, c) EVENT_##symbol,
    EVENTS(EVENT_ENUM)
#undef EVENT_ENUM
        EVENT_KIND_COUNT
};

struct event {
    uint64_t time; /* virtual, 100 ns units */
    uint64_t value[3];
    uint32_t kind;
    uint32_t irql;
};

/* Name of a kind of event and of its values (NULL: unused); NULL for a kind that does not exist. */
struct event_text {
    const char *name;
    const char *values[3];
};
const struct event_text *event_text(uint32_t kind);

struct section_summary {
    char image[32];
    char name[9];
    uint32_t lock_count, pages, resident_pages;
};

struct module_summary {
    char name[32];
    uint64_t base, bytes;
};

/* symbol; the JSON key is the same word.  Order is the order of printing. */
#define RUN_COUNTERS(X)                                                                            \
    X(irql_raises)                                                                                 \
    X(spin_locks_acquired)                                                                         \
    X(executions_synchronized)                                                                     \
    X(trims)                                                                                       \
    X(pool_allocations_attempted)                                                                  \
    X(pool_allocations_succeeded)                                                                  \
    X(pages_trimmed)                                                                               \
    X(page_ins)                                                                                    \
    X(page_outs)                                                                                   \
    X(write_backs)                                                                                 \
    X(evictions)                                                                                   \
    X(section_locks_by_address)                                                                    \
    X(section_locks_by_handle)                                                                     \
    X(section_unlocks)                                                                             \
    X(export_calls)                                                                                \
    X(trapped_instructions)                                                                        \
    X(dpcs)                                                                                        \
    X(thread_switches)                                                                             \
    X(choices)                                                                                     \
    X(irps)                                                                                        \
    X(virtual_time)

struct run_counters {
#define RUN_COUNTER_FIELD(name) uint64_t name;
    RUN_COUNTERS(RUN_COUNTER_FIELD)
#undef RUN_COUNTER_FIELD
};

/* The counters in the order of printing, index 0, 1, ...; false beyond the last. */
bool run_counter_at(const struct run_counters *counters, unsigned index, const char **name,
                    uint64_t *value);

enum run_outcome {
    RUN_DONE,        /* ran to its end */
    RUN_BUGCHECK,    /* the driver brought the computer down */
    RUN_UNSUPPORTED, /* the driver needs something that pagable does not have; reason says what */
    RUN_BAD_SCRIPT,  /* the scenario is wrong; reason says where */
    RUN_ASSERTION,   /* a scenario's assertion about the driver failed; reason says which */
    RUN_STOPPED,     /* ended by a finding after which nothing can go on (hang, budget) */
};

struct run_end {
    uint32_t outcome; /* enum run_outcome */
    char reason[240];
    char module[32]; /* the place that the reason is about; "" when there is none */
    uint64_t rva;
};

#endif
