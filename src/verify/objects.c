/* SPDX-License-Identifier: MIT */
/*
 * sync-object-pageable and work-item-pageable: objects that the system uses at DISPATCH_LEVEL, in
 * memory that may be out.
 *
 * One mistake is one finding: an object is reported at its initialization, or at its first use when
 * that is inlined in the driver (spin locks, fast mutexes), and from then on it is known.
 */
#include "verify/private.h"

#include <string.h>

#define FIRST  1u /* argument 0 */
#define SECOND 2u
#define THIRD  4u

static const struct {
    const char *name;
    uint8_t objects;
} users[] = {
    {"ExAcquireFastMutex", FIRST},
    {"ExAcquireFastMutexUnsafe", FIRST},
    {"ExAcquireResourceExclusiveLite", FIRST},
    {"ExAcquireResourceSharedLite", FIRST},
    {"ExAcquireSpinLockExclusive", FIRST},
    {"ExAcquireSpinLockExclusiveAtDpcLevel", FIRST},
    {"ExAcquireSpinLockShared", FIRST},
    {"ExAcquireSpinLockSharedAtDpcLevel", FIRST},
    {"ExEnterCriticalRegionAndAcquireResourceExclusive", FIRST},
    {"ExEnterCriticalRegionAndAcquireResourceShared", FIRST},
    {"ExInitializeLookasideListEx", FIRST},
    {"ExInitializeNPagedLookasideList", FIRST},
    {"ExInitializePagedLookasideList", FIRST},
    {"ExInitializeResourceLite", FIRST},
    {"ExInterlockedAddLargeInteger", THIRD},
    {"ExInterlockedAddUlong", THIRD},
    {"ExInterlockedInsertHeadList", THIRD},
    {"ExInterlockedInsertTailList", THIRD},
    {"ExInterlockedPopEntryList", SECOND},
    {"ExInterlockedPushEntryList", THIRD},
    {"ExInterlockedRemoveHeadList", SECOND},
    {"ExTryToAcquireFastMutex", FIRST},
    {"IoAcquireRemoveLockEx", FIRST},
    {"IoInitializeRemoveLockEx", FIRST},
    {"KeAcquireGuardedMutex", FIRST},
    {"KeAcquireGuardedMutexUnsafe", FIRST},
    {"KeAcquireInStackQueuedSpinLock", FIRST | SECOND},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", FIRST | SECOND},
    {"KeAcquireSpinLockAtDpcLevel", FIRST},
    {"KeAcquireSpinLockForDpc", FIRST},
    {"KeAcquireSpinLockRaiseToDpc", FIRST},
    {"KeInitializeDeviceQueue", FIRST},
    {"KeInitializeDpc", FIRST},
    {"KeInitializeEvent", FIRST},
    {"KeInitializeGuardedMutex", FIRST},
    {"KeInitializeMutex", FIRST},
    {"KeInitializeSemaphore", FIRST},
    {"KeInitializeSpinLock", FIRST},
    {"KeInitializeThreadedDpc", FIRST},
    {"KeInitializeTimer", FIRST},
    {"KeInitializeTimerEx", FIRST},
    {"KeInsertDeviceQueue", FIRST},
    {"KeInsertQueueDpc", FIRST},
    {"KePulseEvent", FIRST},
    {"KeReleaseMutex", FIRST},
    {"KeReleaseSemaphore", FIRST},
    {"KeResetEvent", FIRST},
    {"KeSetEvent", FIRST},
    {"KeSetTimer", FIRST},
    {"KeSetTimerEx", FIRST},
    {"KeTryToAcquireGuardedMutex", FIRST},
    {"KeTryToAcquireSpinLockAtDpcLevel", FIRST},
    {"KeWaitForMutexObject", FIRST},
    {"KeWaitForSingleObject", FIRST},
};

/* Enough for an event, the smallest of those whose second half may be the one that is out. */
#define OBJECT_BYTES 24u

static void object(const char *user, uint64_t address)
{
    char where[80];

    if (!where_pageable_data(address) || machine_suspected(address) >= 0) {
        return;
    }
    where_describe(address, where, sizeof where);
    machine_suspect(machine_finding_about(RULE_SYNC_OBJECT_PAGEABLE, 0, address,
                                          "%s was given an object in %s", user, where),
                    address, OBJECT_BYTES);
}

void objects_check(const struct nt_export *export, const struct row *row, const uint64_t *arguments)
{
    if (!machine_rule_on(RULE_SYNC_OBJECT_PAGEABLE)) {
        return;
    }
    for (unsigned i = 0; row->objects >> i != 0; i++) {
        if (row->objects >> i & 1) {
            object(export->name, arguments[i]);
        }
    }
}

static void waits_for_many(const struct nt_export *export, const uint64_t *arguments)
{
    uint32_t count = (uint32_t)arguments[0];

    if (!machine_rule_on(RULE_SYNC_OBJECT_PAGEABLE)) {
        return;
    }
    for (uint32_t i = 0; i < count && i < 64; i++) {
        uint64_t address;

        if (where_peek(arguments[1] + i * sizeof address, &address, sizeof address)) {
            object(export->name, address);
        }
    }
}

/* ---- work items: the memory; the routine may be pageable ---- */

static void queues(const struct nt_export *export, const uint64_t *arguments)
{
    uint64_t item = arguments[0];
    char where[80];

    if (!machine_rule_on(RULE_WORK_ITEM_PAGEABLE) || !where_pageable_data(item) ||
        machine_suspected(item) >= 0) {
        return;
    }
    where_describe(item, where, sizeof where);
    machine_suspect(machine_finding_about(RULE_WORK_ITEM_PAGEABLE, 0, item,
                                          "%s was given a work item in %s", export->name, where),
                    item, OBJECT_BYTES);
}

void objects_start(void)
{
    static const char *const queuers[] = {"ExQueueWorkItem", "IoQueueWorkItem",
                                          "IoQueueWorkItemEx"};

    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        verify_row_named(users[i].name)->objects = users[i].objects;
    }
    for (size_t i = 0; i < sizeof queuers / sizeof *queuers; i++) {
        verify_add_check(queuers[i], queues);
    }
    verify_add_check("KeWaitForMultipleObjects", waits_for_many);
}
