/* SPDX-License-Identifier: MIT */
/*
 * api-irql: a routine called above its highest IRQL, or below its lowest.
 *
 * For most routines that is one number, in the export table.  For some it depends on arguments:
 *
 *   KeWaitFor...           DISPATCH_LEVEL with a timeout of zero, else APC_LEVEL
 *   Ke... with Wait TRUE   APC_LEVEL for events, PASSIVE_LEVEL for semaphores
 *   pool                   APC_LEVEL for paged pool, DISPATCH_LEVEL for the other
 *
 * Few have a lowest one: those that count on being at DISPATCH_LEVEL already, or on the IRQL that
 * their counterpart left.
 *
 * The Mm section routines have a rule of their own (lock-at-raised-irql).
 */
#include "verify/private.h"

#include <string.h>

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

/* From the documented IRQLs of these routines, where the lowest is not PASSIVE_LEVEL. */
static const struct {
    const char *name;
    uint8_t lowest;
} lowest_irqls[] = {
    {"ExAcquireSpinLockExclusiveAtDpcLevel", DISPATCH_LEVEL},
    {"ExAcquireSpinLockSharedAtDpcLevel", DISPATCH_LEVEL},
    {"ExReleaseFastMutex", APC_LEVEL},
    {"ExReleaseSpinLockExclusive", DISPATCH_LEVEL},
    {"ExReleaseSpinLockExclusiveFromDpcLevel", DISPATCH_LEVEL},
    {"ExReleaseSpinLockShared", DISPATCH_LEVEL},
    {"ExReleaseSpinLockSharedFromDpcLevel", DISPATCH_LEVEL},
    {"ExTryConvertSharedSpinLockExclusive", DISPATCH_LEVEL},
    {"IoReleaseCancelSpinLock", DISPATCH_LEVEL},
    {"IoStartNextPacket", DISPATCH_LEVEL},
    {"IoStartNextPacketByKey", DISPATCH_LEVEL},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", DISPATCH_LEVEL},
    {"KeAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL},
    {"KeInsertByKeyDeviceQueue", DISPATCH_LEVEL},
    {"KeInsertDeviceQueue", DISPATCH_LEVEL},
    {"KeReleaseInStackQueuedSpinLock", DISPATCH_LEVEL},
    {"KeReleaseInStackQueuedSpinLockFromDpcLevel", DISPATCH_LEVEL},
    {"KeReleaseSpinLock", DISPATCH_LEVEL},
    {"KeReleaseSpinLockFromDpcLevel", DISPATCH_LEVEL},
    {"KeRemoveByKeyDeviceQueue", DISPATCH_LEVEL},
    {"KeRemoveDeviceQueue", DISPATCH_LEVEL},
    {"KeTryToAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL},
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

void api_irql_start(void)
{
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        verify_row_named(conditions[i].name)->condition = (uint8_t)(i + 1);
    }
    for (size_t i = 0; i < sizeof lowest_irqls / sizeof *lowest_irqls; i++) {
        verify_row_named(lowest_irqls[i].name)->lowest = lowest_irqls[i].lowest;
    }
}

const char *api_irql_level_name(unsigned irql)
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

static void too_high(const struct nt_export *export, const struct condition *condition,
                     const uint64_t *arguments)
{
    uint8_t irql = machine_irql(), limit = export->irql_max;
    const char *because = "", *reason;

    if (condition != NULL && irql > condition->limit && condition->limit < limit &&
        applies(condition, arguments, &reason)) {
        limit = condition->limit;
        because = reason;
    }
    if (irql > limit) {
        machine_finding(RULE_API_IRQL, 0, "%s was called at IRQL %u (%s); its limit%s%s is %s",
                        export->name, irql, api_irql_level_name(irql),
                        because[0] != '\0' ? " " : "", because, api_irql_level_name(limit));
    }
}

/* Nearly all of these act on what their first argument points to: what was acquired too low is
 * released too low, and that is one mistake. */
static void too_low(const struct nt_export *export, uint8_t lowest, uint64_t object)
{
    uint8_t irql = machine_irql();
    int finding;

    if (machine_suspected(object) >= 0) {
        return;
    }
    finding =
        machine_finding(RULE_API_IRQL, 0, "%s was called at IRQL %u (%s); it needs %s",
                        export->name, irql, api_irql_level_name(irql), api_irql_level_name(lowest));
    if (machine_is_guest_memory(object, sizeof(uint64_t))) {
        machine_suspect(finding, object, sizeof(uint64_t));
    }
}

void api_irql_check(const struct nt_export *export, const struct row *row,
                    const uint64_t *arguments)
{
    const struct condition *condition =
        row->condition != 0 ? &conditions[row->condition - 1] : NULL;
    uint8_t irql = machine_irql();

    if (irql < row->lowest) {
        too_low(export, row->lowest, arguments[0]);
        return;
    }
    if (irql == PASSIVE_LEVEL || (condition != NULL && condition->kind == OWN_RULE) ||
        !machine_rule_on(RULE_API_IRQL) || machine_irql_suspected()) {
        return;
    }
    too_high(export, condition, arguments);
}
