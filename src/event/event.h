/* SPDX-License-Identifier: MIT */
/*
 * The event stream: what happened in the computer, in virtual time.  Plain data that crosses the
 * channel; `pagable run --trace` writes it as JSON lines.
 */
#ifndef PAGABLE_EVENT_EVENT_H
#define PAGABLE_EVENT_EVENT_H

#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How much of it is sent.  TRACE_PAGING is what a picture of the run is drawn from: some events per
 * change of residency.  TRACE_ALL adds what the processor does: several per call of an export.
 */
enum trace_level { TRACE_OFF, TRACE_PAGING, TRACE_ALL };

/*
 * symbol, level, name, names of the three values (NULL: unused).  docs/trace.md says what they
 * mean. A section is a number: the sections of all drivers counted in the order of loading.
 */
#define EVENTS(X)                                                                                  \
    X(CHOICE, ALL, "choice", "choice_kind", "alternatives", "chosen")                              \
    X(IRQL, ALL, "irql", "old", "new", NULL)                                                       \
    X(THREAD_SWITCH, ALL, "thread-switch", "thread", NULL, NULL)                                   \
    X(CALL, ALL, "call", "export_rva", "return_address", NULL)                                     \
    X(PAGE_IN, PAGING, "page-in", "section", "page", "pages")                                      \
    X(PAGE_KEEP, PAGING, "page-keep", "section", "page", "pages")                                  \
    X(PAGE_OUT, PAGING, "page-out", "section", "page", "pages")                                    \
    X(TRIM, PAGING, "trim", "pages", "asked", NULL)                                                \
    X(LOCK, PAGING, "lock", "section", "count", "caller")                                          \
    X(LOCK_HANDLE, PAGING, "lock-by-handle", "section", "count", "caller")                         \
    X(UNLOCK, PAGING, "unlock", "section", "count", "caller")                                      \
    X(DISCARD, PAGING, "discard", "section", NULL, NULL)                                           \
    X(PAGE_ENTIRE, PAGING, "page-entire", "module", "caller", NULL)                                \
    X(RESET_PAGING, PAGING, "reset-paging", "module", "caller", NULL)                              \
    X(UNLOAD, PAGING, "unload", "module", NULL, NULL)                                              \
    X(OPEN, PAGING, "open", "device", NULL, NULL)                                                  \
    X(CLOSE, PAGING, "close", "device", NULL, NULL)                                                \
    X(INTERRUPT, PAGING, "interrupt", "line", "claimed", NULL)

enum event_kind {
#define EVENT_ENUM(symbol, level, name, a, b, c) EVENT_##symbol,
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
    enum trace_level level; /* from which on it is sent */
};
const struct event_text *event_text(uint32_t kind);

struct section_summary {
    char image[MODULE_NAME_BYTES];
    char name[9];
    uint32_t lock_count, pages, resident_pages;
};

/* A moment that a scenario named. */
struct run_mark {
    char label[32];
    uint64_t time;
};

struct module_summary {
    char name[MODULE_NAME_BYTES];
    uint64_t base, bytes;
};

/* What the numbers in events stand for; each is sent before its first use, with a trace only. */
struct module_layout {
    uint64_t time;
    uint64_t base, bytes;
    uint32_t module;
    char name[MODULE_NAME_BYTES];
};

struct section_layout {
    uint32_t section, module;
    uint32_t rva, bytes, pages; /* bytes: as the image says, not rounded */
    uint32_t class;             /* enum pg_class */
    char name[9];
};

struct device_layout {
    uint32_t device;
    char name[100]; /* "\\Device\\Serial0", "" when it has none */
    char driver[32];
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
    X(interrupts)                                                                                  \
    X(port_accesses)                                                                               \
    X(register_accesses)                                                                           \
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
    char module[MODULE_NAME_BYTES]; /* the place that the reason is about; "" when there is none */
    uint64_t rva;
};

#endif
