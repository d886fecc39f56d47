/* SPDX-License-Identifier: MIT */
/*
 * The rules: one table.  The id is what users write and read; it never changes.  Here are the ids,
 * for whoever reports; the texts are in rules.c.
 */
#ifndef PAGABLE_FINDING_RULES_H
#define PAGABLE_FINDING_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum finding_severity { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

/* symbol, id, severity; in the order in which lists show them. */
#define RULES(X)                                                                                   \
    X(PAGEABLE_AT_RAISED_IRQL, "pageable-at-raised-irql", ERROR)                                   \
    X(SPIN_LOCK_IN_PAGEABLE, "spin-lock-in-pageable", ERROR)                                       \
    X(RAISE_IN_PAGEABLE, "raise-in-pageable", ERROR)                                               \
    X(WAIT_TRUE_IN_PAGEABLE, "wait-true-in-pageable", ERROR)                                       \
    X(WAIT_TRUE_WITHOUT_WAIT, "wait-true-without-wait", ERROR)                                     \
    X(MUST_BE_RESIDENT_ROLE, "must-be-resident-role", ERROR)                                       \
    X(PAGING_PATH_PAGEABLE, "paging-path-pageable", ERROR)                                         \
    X(SYNC_OBJECT_PAGEABLE, "sync-object-pageable", ERROR)                                         \
    X(WORK_ITEM_PAGEABLE, "work-item-pageable", ERROR)                                             \
    X(INIT_CALLED_LATE, "init-called-late", ERROR)                                                 \
    X(LOCK_AT_RAISED_IRQL, "lock-at-raised-irql", ERROR)                                           \
    X(UNLOCK_UNDERFLOW, "unlock-underflow", ERROR)                                                 \
    X(LOCK_UNKNOWN_ADDRESS, "lock-unknown-address", ERROR)                                         \
    X(LOCK_NONPAGED, "lock-nonpaged", WARNING)                                                     \
    X(LOCK_LEAK, "lock-leak", ERROR)                                                               \
    X(UNLOCK_WITH_REQUESTS, "unlock-with-requests-outstanding", ERROR)                             \
    X(HANDLE_AFTER_UNLOAD, "handle-after-unload", ERROR)                                           \
    X(PAGE_ENTIRE_WITH_INTERRUPT, "page-entire-with-interrupt", ERROR)                             \
    X(SECTION_FLAGS_DISAGREE, "section-flags-disagree", NOTE)                                      \
    X(IMAGE_NOT_PAGEABLE, "image-not-pageable", WARNING)                                           \
    X(PAGED_CODE_FAILED, "paged-code-failed", ERROR)                                               \
    X(API_IRQL, "api-irql", ERROR)                                                                 \
    X(IRQL_LEFT_RAISED, "irql-left-raised", ERROR)                                                 \
    X(IRP_NOT_CANCELLABLE, "irp-not-cancellable", ERROR)                                           \
    X(UNLOAD_LEFT_BEHIND, "unload-left-behind", ERROR)                                             \
    X(DRIVER_ENTRY_FAILED, "driver-entry-failed", WARNING)                                         \
    X(DEVICE_START_FAILED, "device-start-failed", WARNING)                                         \
    X(THREAD_HANG, "thread-hang", ERROR)                                                           \
    X(BUDGET_EXHAUSTED, "budget-exhausted", ERROR)                                                 \
    X(EXPECTATION_FAILED, "expectation-failed", ERROR)                                             \
    X(COMPUTER_DIED, "computer-died", ERROR)                                                       \
    X(COULD_BE_PAGEABLE, "could-be-pageable", NOTE)                                                \
    X(ISOLATE, "isolate", NOTE)                                                                    \
    X(LAYOUT_SMALL_SECTION, "layout-small-section", NOTE)                                          \
    X(LAYOUT_BELONG_TOGETHER, "layout-belong-together", NOTE)                                      \
    X(LAYOUT_CODE_AND_DATA, "layout-code-and-data", NOTE)                                          \
    X(LAYOUT_MIXED_LOCKING, "layout-mixed-locking", NOTE)                                          \
    X(PAGED_CODE_MISSING, "paged-code-missing", WARNING)                                           \
    X(PAGED_CODE_IN_RESIDENT, "paged-code-in-resident", WARNING)                                   \
    X(PAGED_CODE_TWICE, "paged-code-twice", WARNING)                                               \
    X(ALLOC_TEXT_LINKAGE, "alloc-text-linkage", ERROR)                                             \
    X(ALLOC_TEXT_ORDER, "alloc-text-order", ERROR)                                                 \
    X(SECTION_NAME, "section-name", WARNING)

enum rule {
#define RULE_ENUM(symbol, id, severity) RULE_##symbol,
    RULES(RULE_ENUM)
#undef RULE_ENUM
        RULE_COUNT
};

/* What `pagable explain` prints; reports show title and fix. */
struct rule_text {
    const char *id;
    enum finding_severity severity;
    const char *title;    /* what is wrong, in a few words */
    const char *document; /* where Windows' documents say so, in our words */
    const char *cause;    /* why it is wrong and how it comes about */
    const char *fix;      /* what to do, one line */
    const char *wrong;    /* a fragment of C (or Lua, or a command) that breaks the rule */
    const char *right;    /* the same, mended */
};

/* Text of a rule; static storage.  Asserts that the rule exists. */
const struct rule_text *rule_text(enum rule rule);

/* Rule with this id; false when there is none. */
bool rule_by_id(const char *id, enum rule *out);

/* Rules whose ids are most like a word that is none, best first; as many as are near, at most
 * `max`.  Returns how many. */
size_t rule_nearest(const char *word, enum rule *out, size_t max);

const char *finding_severity_name(enum finding_severity severity);

/* Set of rules as a bit mask. */
typedef uint64_t rule_set;
#define RULE_SET_ALL   ((rule_set)~0ull)
#define RULE_SET_NONE  ((rule_set)0)
#define RULE_BIT(rule) ((rule_set)1 << (rule))

/* Not checks but ends of the run: these are reported whatever rules were chosen. */
#define RULE_SET_ALWAYS                                                                            \
    (RULE_BIT(RULE_DRIVER_ENTRY_FAILED) | RULE_BIT(RULE_DEVICE_START_FAILED) |                     \
     RULE_BIT(RULE_THREAD_HANG) | RULE_BIT(RULE_BUDGET_EXHAUSTED) |                                \
     RULE_BIT(RULE_EXPECTATION_FAILED) | RULE_BIT(RULE_COMPUTER_DIED))

/*
 * Rule ids with commas between them, or "all" or "none" -> the set, RULE_SET_ALWAYS included. "all"
 * may be followed by ids to leave out: "all,-lock-leak".  On failure false, and *bad / *bad_length
 * name the word that is no rule.
 */
bool rule_set_parse(const char *text, rule_set *out, const char **bad, int *bad_length);

#endif
