/* SPDX-License-Identifier: MIT */
/* What routines of the system do to the IRQL, as source calls them: see calls.h.  Levels and
 * effects are facts of Microsoft's reference of each routine. */
#include "source/calls.h"

#include <string.h>

#define ACQUIRE CALL_ACQUIRE
#define RELEASE CALL_RELEASE

static const struct call_row rows[] = {
    {"KeAcquireSpinLock", ACQUIRE, KEEPER_POINTER, 1, 0, false},
    {"KeAcquireSpinLockRaiseToDpc", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"KeAcquireSpinLockRaiseToSynch", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"KeAcquireSpinLockForDpc", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"KeReleaseSpinLock", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"KeReleaseSpinLockForDpc", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"KeAcquireInStackQueuedSpinLock", ACQUIRE, KEEPER_OBJECT, 1, 0, false},
    {"KeReleaseInStackQueuedSpinLock", RELEASE, KEEPER_OBJECT, 0, 0, false},
    {"KeAcquireInStackQueuedSpinLockForDpc", ACQUIRE, KEEPER_OBJECT, 1, 0, false},
    {"KeReleaseInStackQueuedSpinLockForDpc", RELEASE, KEEPER_OBJECT, 0, 0, false},
    {"KeAcquireInStackQueuedSpinLockRaiseToSynch", ACQUIRE, KEEPER_OBJECT, 1, 0, false},
    {"KfAcquireSpinLock", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"KfReleaseSpinLock", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"ExAcquireSpinLock", ACQUIRE, KEEPER_POINTER, 1, 0, false},
    {"ExReleaseSpinLock", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"KeAcquireInterruptSpinLock", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"KeReleaseInterruptSpinLock", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"ExAcquireSpinLockExclusive", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"ExReleaseSpinLockExclusive", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"ExAcquireSpinLockShared", ACQUIRE, KEEPER_RESULT, 0, 0, false},
    {"ExReleaseSpinLockShared", RELEASE, KEEPER_VALUE, 1, 0, false},
    {"IoAcquireCancelSpinLock", ACQUIRE, KEEPER_POINTER, 0, 0, false},
    {"IoReleaseCancelSpinLock", RELEASE, KEEPER_VALUE, 0, 0, false},
    {"IoAcquireVpbSpinLock", ACQUIRE, KEEPER_POINTER, 0, 0, false},
    {"IoReleaseVpbSpinLock", RELEASE, KEEPER_VALUE, 0, 0, false},
    {"KeRaiseIrql", ACQUIRE, KEEPER_POINTER, 1, 0, true},
    {"KfRaiseIrql", ACQUIRE, KEEPER_RESULT, 0, 0, true},
    {"KeRaiseIrqlToDpcLevel", ACQUIRE, KEEPER_RESULT, 0, 0, true},
    {"KeRaiseIrqlToSynchLevel", ACQUIRE, KEEPER_RESULT, 0, 0, true},
    {"KeLowerIrql", RELEASE, KEEPER_VALUE, 0, 0, true},
    {"KfLowerIrql", RELEASE, KEEPER_VALUE, 0, 0, true},
    {"NdisAcquireSpinLock", ACQUIRE, KEEPER_OBJECT, 0, 0, false},
    {"NdisReleaseSpinLock", RELEASE, KEEPER_OBJECT, 0, 0, false},
    {"NdisAcquireRWLockRead", ACQUIRE, KEEPER_OBJECT, 1, 0, false},
    {"NdisAcquireRWLockWrite", ACQUIRE, KEEPER_OBJECT, 1, 0, false},
    {"NdisReleaseRWLock", RELEASE, KEEPER_OBJECT, 1, 0, false},
    {"WdfSpinLockAcquire", ACQUIRE, KEEPER_OBJECT, 0, 0, false},
    {"WdfSpinLockRelease", RELEASE, KEEPER_OBJECT, 0, 0, false},
    {"KeSetEvent", CALL_WAIT_TRUE, 0, 0, 2, false},
    {"KePulseEvent", CALL_WAIT_TRUE, 0, 0, 2, false},
    {"KeReleaseMutex", CALL_WAIT_TRUE, 0, 0, 1, false},
    {"KeReleaseSemaphore", CALL_WAIT_TRUE, 0, 0, 3, false},
};

const struct call_row *call_named(const struct unit *unit, struct range name)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (range_is(unit, name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const char *const low_irql_only[] = {"KeDelayExecutionThread",
                                            "KeEnterCriticalRegion",
                                            "KeFlushQueuedDpcs",
                                            "KeAcquireGuardedMutex",
                                            "KeReleaseGuardedMutex",
                                            "ExAcquireFastMutex",
                                            "ExReleaseFastMutex",
                                            "ExTryToAcquireFastMutex",
                                            "ExAcquireResourceExclusiveLite",
                                            "ExAcquireResourceSharedLite",
                                            "ExDeleteResourceLite",
                                            "ExAcquirePushLockExclusive",
                                            "ExAcquirePushLockShared",
                                            "ExWaitForRundownProtectionRelease",
                                            "ExAllocateFromPagedLookasideList",
                                            "ExFreeToPagedLookasideList",
                                            "ExInitializePagedLookasideList",
                                            "ExCreateCallback",
                                            "ExRegisterCallback",
                                            "IoCreateDevice",
                                            "IoCreateDeviceSecure",
                                            "IoDeleteDevice",
                                            "IoAttachDevice",
                                            "IoDetachDevice",
                                            "IoCreateSymbolicLink",
                                            "IoDeleteSymbolicLink",
                                            "IoGetDeviceObjectPointer",
                                            "IoBuildDeviceIoControlRequest",
                                            "IoBuildSynchronousFsdRequest",
                                            "IoConnectInterrupt",
                                            "IoConnectInterruptEx",
                                            "IoDisconnectInterrupt",
                                            "IoDisconnectInterruptEx",
                                            "IoOpenDeviceRegistryKey",
                                            "IoOpenDeviceInterfaceRegistryKey",
                                            "IoGetDeviceProperty",
                                            "IoRegisterDeviceInterface",
                                            "IoSetDeviceInterfaceState",
                                            "IoReleaseRemoveLockAndWait",
                                            "IoReportDeviceUsage",
                                            "IoCreateFile",
                                            "IoUnregisterShutdownNotification",
                                            "IoRegisterShutdownNotification",
                                            "IoRegisterPlugPlayNotification",
                                            "IoUnregisterPlugPlayNotification",
                                            "MmLockPagableCodeSection",
                                            "MmLockPagableDataSection",
                                            "MmLockPagableSectionByHandle",
                                            "MmUnlockPagableImageSection",
                                            "MmPageEntireDriver",
                                            "MmResetDriverPaging",
                                            "MmGetSystemRoutineAddress",
                                            "ObReferenceObjectByHandle",
                                            "ObOpenObjectByPointer",
                                            "PoRegisterDeviceForIdleDetection",
                                            "PsCreateSystemThread",
                                            "PsTerminateSystemThread",
                                            "PsSetCreateProcessNotifyRoutine",
                                            "RtlQueryRegistryValues",
                                            "RtlWriteRegistryValue",
                                            "RtlDeleteRegistryValue",
                                            "RtlCheckRegistryKey",
                                            "RtlCreateRegistryKey",
                                            "RtlAnsiStringToUnicodeString",
                                            "RtlUnicodeStringToAnsiString",
                                            "RtlUnicodeStringToInteger",
                                            "RtlIntegerToUnicodeString",
                                            "RtlStringFromGUID",
                                            "RtlGUIDFromString",
                                            "RtlUpcaseUnicodeString",
                                            "RtlFreeUnicodeString",
                                            "RtlFreeAnsiString",
                                            "SeAccessCheck",
                                            "WdfDeviceCreate",
                                            "WdfIoQueuePurgeSynchronously",
                                            "WdfIoQueueStopSynchronously",
                                            "WdfRegistryQueryValue",
                                            "WdfIoTargetOpen",
                                            "PAGED_CODE",
                                            NULL};

bool call_ends(const struct unit *unit, struct range name)
{
    static const char *const names[] = {
        "KeBugCheck",     "KeBugCheckEx", "ExRaiseStatus", "ExRaiseAccessViolation",
        "RtlRaiseStatus", "__fastfail",   "RtlFailFast",   NULL};

    return range_in(unit, name, names);
}

bool call_argument(const struct unit *unit, uint32_t open, unsigned number, uint32_t *first,
                   uint32_t *end)
{
    uint32_t close = unit->match[open], at = open + 1;

    if (close == NONE || close < open) {
        return false;
    }
    *first = at;
    for (; at < close; at++) {
        if (code_punct(unit, at, PUNCT(','))) {
            if (number == 0) {
                break;
            }
            number--;
            *first = at + 1;
        } else if (unit->match[at] != NONE && unit->match[at] > at) {
            at = unit->match[at];
        }
    }
    *end = at;
    return number == 0 && *first < at;
}

/* They wait, which needs a low IRQL, unless they are given a timeout of zero. */
static const struct wait_row {
    const char *name;
    unsigned timeout; /* number of the argument */
} waits[] = {
    {"KeWaitForSingleObject", 4},
    {"KeWaitForMutexObject", 4},
    {"KeWaitForMultipleObjects", 6},
};

/* The call whose name is at `at` surely waits: it has no timeout. */
static bool waits_for_ever(const struct unit *unit, uint32_t at)
{
    static const char *const nothing[] = {"NULL", "nullptr", "0", NULL};
    uint32_t first, end;

    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (code_is(unit, at, waits[i].name)) {
            return call_argument(unit, at + 1, waits[i].timeout, &first, &end) &&
                   end == first + 1 && range_in(unit, token_range(&unit->code[first]), nothing);
        }
    }
    return false;
}

bool call_needs_low_irql(const struct unit *unit, uint32_t at)
{
    static const char *const not_zw[] = {"NtCurrentProcess", "NtCurrentThread", "ZwCurrentProcess",
                                         "ZwCurrentThread", NULL};
    struct range name = token_range(&unit->code[at]);

    if (range_length(name) > 2 &&
        (range_begins(unit, name, "Zw") || range_begins(unit, name, "Nt")) &&
        unit->text[name.begin + 2] >= 'A' && unit->text[name.begin + 2] <= 'Z') {
        return !range_in(unit, name, not_zw);
    }
    return range_in(unit, name, low_irql_only) || waits_for_ever(unit, at);
}
