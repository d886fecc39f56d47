/* SPDX-License-Identifier: MIT */
/*
 * api-irql: a routine called above its highest IRQL.
 *
 * For most routines that is one number, in the export table.  For some it depends on arguments:
 *
 *   KeWaitFor...           DISPATCH_LEVEL with a timeout of zero, else APC_LEVEL
 *   Ke... with Wait TRUE   APC_LEVEL for events, PASSIVE_LEVEL for semaphores
 *   pool                   APC_LEVEL for paged pool, DISPATCH_LEVEL for the other
 *
 * After a call with Wait TRUE the thread is at DISPATCH_LEVEL on purpose, and the wait that must
 * follow may have any timeout: it gives the old IRQL back.  Only that thread can run in between.
 *
 * The Mm section routines have a rule of their own (lock-at-raised-irql).
 */
#include <string.h>

#include "verify/verify.h"

enum kind {
    BY_ROW, /* the table's number and nothing else */
    WAIT,   /* `argument`: index of the pointer to the timeout */
    SIGNAL, /* `argument`: index of Wait; `limit`: with Wait TRUE */
    POOL_TYPE,
    POOL_FLAGS,
    POOL_FREE,
    OWN_RULE,
};

struct condition {
    const char *name;
    enum kind kind;
    uint8_t argument;
    uint8_t limit;
};

static const struct condition conditions[] = {
    {"KeWaitForSingleObject", WAIT, 4, APC_LEVEL},
    {"KeWaitForMutexObject", WAIT, 4, APC_LEVEL},
    {"KeWaitForMultipleObjects", WAIT, 6, APC_LEVEL},
    {"KeSetEvent", SIGNAL, 2, APC_LEVEL},
    {"KePulseEvent", SIGNAL, 2, APC_LEVEL},
    {"KeReleaseSemaphore", SIGNAL, 3, PASSIVE_LEVEL},
    {"KeReleaseMutex", SIGNAL, 1, DISPATCH_LEVEL},
    {"ExAllocatePool", POOL_TYPE, 0, APC_LEVEL},
    {"ExAllocatePoolWithTag", POOL_TYPE, 0, APC_LEVEL},
    {"ExAllocatePoolWithQuota", POOL_TYPE, 0, APC_LEVEL},
    {"ExAllocatePoolWithQuotaTag", POOL_TYPE, 0, APC_LEVEL},
    {"ExAllocatePoolWithTagPriority", POOL_TYPE, 0, APC_LEVEL},
    {"ExAllocatePool2", POOL_FLAGS, 0, APC_LEVEL},
    {"ExAllocatePool3", POOL_FLAGS, 0, APC_LEVEL},
    {"ExFreePool", POOL_FREE, 0, APC_LEVEL},
    {"ExFreePoolWithTag", POOL_FREE, 0, APC_LEVEL},
    {"MmLockPagableDataSection", OWN_RULE, 0, 0},
    {"MmLockPagableCodeSection", OWN_RULE, 0, 0},
    {"MmLockPagableSectionByHandle", OWN_RULE, 0, 0},
    {"MmUnlockPagableImageSection", OWN_RULE, 0, 0},
    {"MmPageEntireDriver", OWN_RULE, 0, 0},
    {"MmResetDriverPaging", OWN_RULE, 0, 0},
};

#define POOL_TYPE_PAGED 1u     /* bit 0 of POOL_TYPE */
#define POOL_FLAG_PAGED 0x100u /* of ExAllocatePool2 */

/* The condition of each row of the export table, 1-based; 0: none. */
static uint8_t *condition_of;
static uint32_t row_count;

/* Thread that called something with Wait TRUE and must wait next; 0: none. */
static uint32_t *must_wait;

void verify_start(void)
{
    row_count = nt_export_count();
    condition_of = machine_allocate(row_count);
    must_wait = machine_allocate(sizeof *must_wait);
    for (uint32_t i = 0; i < row_count; i++) {
        for (size_t j = 0; j < sizeof conditions / sizeof *conditions; j++) {
            if (strcmp(nt_export_at(i)->name, conditions[j].name) == 0) {
                condition_of[i] = (uint8_t)(j + 1);
            }
        }
    }
}

/* Routines are the first rows, and one array. */
static const struct condition *find_condition(const struct nt_export *export)
{
    uint32_t row = (uint32_t)(export - nt_export_at(0));

    return row < row_count && condition_of[row] != 0 ? &conditions[condition_of[row] - 1] : NULL;
}

static const char *level_name(unsigned irql)
{
    return irql == PASSIVE_LEVEL    ? "PASSIVE_LEVEL"
           : irql == APC_LEVEL      ? "APC_LEVEL"
           : irql == DISPATCH_LEVEL ? "DISPATCH_LEVEL"
           : irql == HIGH_LEVEL     ? "HIGH_LEVEL"
                                    : "a device's level";
}

/* Reading the timeout is what the routine itself does next, with the same consequences. */
static bool timeout_is_zero(uint64_t pointer)
{
    int64_t timeout;

    if (pointer == 0) {
        return false;
    }
    machine_touch(pointer, sizeof timeout, PAGER_READ);
    memcpy(&timeout, machine_pointer(pointer), sizeof timeout);
    return timeout == 0;
}

/* Whether the condition's own limit holds for this call; *because says why. */
static bool applies(const struct condition *condition, const uint64_t *arguments,
                    const char **because)
{
    uint64_t argument = arguments[condition->argument];
    enum nt_pool pool;
    uint32_t tag;

    switch (condition->kind) {
    case WAIT:
        *because = "with a timeout that is not zero";
        return !timeout_is_zero(argument);
    case SIGNAL:
        *because = "with Wait TRUE";
        return (uint8_t)argument != 0;
    case POOL_TYPE:
        *because = "for paged pool";
        return (argument & POOL_TYPE_PAGED) != 0;
    case POOL_FLAGS:
        *because = "for paged pool";
        return (argument & POOL_FLAG_PAGED) != 0;
    case POOL_FREE:
        *because = "for paged pool";
        return ex_pool_block(argument, &pool, &tag) != 0 && pool == POOL_PAGED;
    case BY_ROW:
    case OWN_RULE:
        break;
    }
    return false;
}

static bool waits_as_it_must(const struct condition *condition, uint32_t thread)
{
    bool due = *must_wait != 0 && *must_wait == thread;

    *must_wait = 0;
    return due && condition != NULL && condition->kind == WAIT;
}

void verify_before_call(const struct nt_export *export, const uint64_t *arguments)
{
    const struct condition *condition = find_condition(export);
    const struct thread *thread = machine_thread();
    uint32_t id = thread != NULL ? thread->id : 0;
    uint8_t irql = machine_irql(), limit = export->irql_max;
    const char *because = "", *reason;

    if (waits_as_it_must(condition, id)) {
        return;
    }
    if (condition != NULL && condition->kind == SIGNAL &&
        (uint8_t)arguments[condition->argument] != 0) {
        *must_wait = id;
    }
    if (irql == PASSIVE_LEVEL || (condition != NULL && condition->kind == OWN_RULE) ||
        !machine_rule_on(RULE_API_IRQL)) {
        return;
    }
    if (condition != NULL && irql > condition->limit && condition->limit < limit &&
        applies(condition, arguments, &reason)) {
        limit = condition->limit;
        because = reason;
    }
    if (irql > limit) {
        machine_finding(RULE_API_IRQL, 0, "%s was called at IRQL %u (%s); its limit%s%s is %s",
                        export->name, irql, level_name(irql), because[0] != '\0' ? " " : "",
                        because, level_name(limit));
    }
}
