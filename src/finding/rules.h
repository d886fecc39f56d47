/* SPDX-License-Identifier: MIT */
/*
 * The rules: one table.  The id is what users write and read; it never changes.
 */
#ifndef PAGABLE_FINDING_RULES_H
#define PAGABLE_FINDING_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum finding_severity { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

/* symbol, id, severity, title, what to do */
#define RULES(X)                                                                                   \
    X(PAGEABLE_AT_RAISED_IRQL, "pageable-at-raised-irql", ERROR,                                   \
      "pageable code or data used at DISPATCH_LEVEL or above",                                     \
      "lock the section first (MmLockPagableCodeSection), or move the routine or datum out of it") \
    X(INIT_CALLED_LATE, "init-called-late", ERROR, "INIT section used after initialization",       \
      "move the routine or datum out of INIT, or drop the pointer to it before DriverEntry "       \
      "returns")                                                                                   \
    X(LOCK_AT_RAISED_IRQL, "lock-at-raised-irql", ERROR,                                           \
      "section locked or unlocked above APC_LEVEL",                                                \
      "call the Mm section routines at IRQL <= APC_LEVEL, before taking a spin lock")              \
    X(UNLOCK_UNDERFLOW, "unlock-underflow", ERROR, "section unlocked more often than locked",      \
      "pair each lock with exactly one unlock")                                                    \
    X(LOCK_UNKNOWN_ADDRESS, "lock-unknown-address", ERROR,                                         \
      "lock of an address that lies in no driver",                                                 \
      "pass the address of a routine or variable of a loaded driver")                              \
    X(LOCK_NONPAGED, "lock-nonpaged", WARNING, "lock of a section that is not pageable",           \
      "name the section PAGExxxx, or drop the lock: it has no effect")                             \
    X(LOCK_LEAK, "lock-leak", ERROR, "section still locked when its driver unloaded",              \
      "unlock every handle before the unload routine returns")                                     \
    X(SECTION_FLAGS_DISAGREE, "section-flags-disagree", NOTE,                                      \
      "section flags and section name say different things about paging",                          \
      "the name decides; make the flags agree")                                                    \
    X(API_IRQL, "api-irql", ERROR, "routine called above its highest IRQL",                        \
      "call it at or below the documented IRQL")                                                   \
    X(IRP_NOT_CANCELLABLE, "irp-not-cancellable", ERROR,                                           \
      "pending request that is neither completed nor can be cancelled",                            \
      "set a cancel routine (IoSetCancelRoutine) before the request is left pending")              \
    X(IMAGE_NOT_PAGEABLE, "image-not-pageable", WARNING,                                           \
      "section alignment below a page: nothing of the image can be paged",                         \
      "link with the default section alignment of 4096")                                           \
    X(DRIVER_ENTRY_FAILED, "driver-entry-failed", WARNING,                                         \
      "DriverEntry failed: nothing beyond it was checked",                                         \
      "give the driver what it looks for, or read the status")                                     \
    X(THREAD_HANG, "thread-hang", ERROR, "a thread waits for ever",                                \
      "signal the object, or wait with a timeout")                                                 \
    X(BUDGET_EXHAUSTED, "budget-exhausted", ERROR, "the run used up its processor time",           \
      "look for a loop without end at the place named, or raise --budget")                         \
    X(UNLOAD_LEFT_BEHIND, "unload-left-behind", ERROR,                                             \
      "driver unloaded while a timer, DPC, thread or device of it was still there",                \
      "cancel timers, flush DPCs, end threads and delete devices before the unload routine "       \
      "returns")                                                                                   \
    X(EXPECTATION_FAILED, "expectation-failed", ERROR, "the scenario expected something else",     \
      "read the line of the scenario that is named")                                               \
    X(COMPUTER_DIED, "computer-died", ERROR, "the driver destroyed the computer that it ran on",   \
      "look for wild writes and calls after the last thing reported; run with --trace to see it")

enum rule {
#define RULE_ENUM(symbol, id, severity, title, fix) RULE_##symbol,
    RULES(RULE_ENUM)
#undef RULE_ENUM
        RULE_COUNT
};

struct rule_text {
    const char *id, *title, *fix;
    enum finding_severity severity;
};

/* Text of a rule; static storage.  Asserts that the rule exists. */
const struct rule_text *rule_text(enum rule rule);

/* Rule with this id; false when there is none. */
bool rule_by_id(const char *id, enum rule *out);

const char *finding_severity_name(enum finding_severity severity);

/* Set of rules as a bit mask. */
typedef uint64_t rule_set;
#define RULE_SET_ALL   ((rule_set)~0ull)
#define RULE_SET_NONE  ((rule_set)0)
#define RULE_BIT(rule) ((rule_set)1 << (rule))

/* Not checks but ends of the run: these are reported whatever rules were chosen. */
#define RULE_SET_ALWAYS                                                                            \
    (RULE_BIT(RULE_DRIVER_ENTRY_FAILED) | RULE_BIT(RULE_THREAD_HANG) |                             \
     RULE_BIT(RULE_BUDGET_EXHAUSTED) | RULE_BIT(RULE_EXPECTATION_FAILED) |                         \
     RULE_BIT(RULE_COMPUTER_DIED))

/*
 * "all", "none" or rule ids with commas between them -> the set, RULE_SET_ALWAYS included.  On
 * failure false, and *bad / *bad_length name the word that is no rule.
 */
bool rule_set_parse(const char *text, rule_set *out, const char **bad, int *bad_length);

#endif
