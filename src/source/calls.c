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

static const char *const low_irql_only[] = {"KeWaitForSingleObject",
                                            "KeWaitForMultipleObjects",
                                            "KeWaitForMutexObject",
                                            "KeDelayExecutionThread",
                                            "KeEnterCriticalRegion",
                                            "KeFlushQueuedDpcs",
                                            "KeAcquireGuardedMutex",
                                            "KeReleaseGuardedMutex",
                                            "KeSetSystemAffinityThread",
                                            "ExAcquireFastMutex",
                                            "ExReleaseFastMutex",
                                            "ExTryToAcquireFastMutex",
                                            "ExAcquireResourceExclusiveLite",
                                            "ExAcquireResourceSharedLite",
                                            "ExInitializeResourceLite",
                                            "ExDeleteResourceLite",
                                            "ExReleaseResourceLite",
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
                                            "IoAttachDeviceToDeviceStack",
                                            "IoAttachDeviceToDeviceStackSafe",
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
                                            "IoStartTimer",
                                            "IoStopTimer",
                                            "IoReportDeviceUsage",
                                            "IoCreateFile",
                                            "IoUnregisterShutdownNotification",
                                            "IoRegisterShutdownNotification",
                                            "IoRegisterPlugPlayNotification",
                                            "IoUnregisterPlugPlayNotification",
                                            "IoAllocateDriverObjectExtension",
                                            "MmLockPagableCodeSection",
                                            "MmLockPagableDataSection",
                                            "MmLockPagableSectionByHandle",
                                            "MmUnlockPagableImageSection",
                                            "MmPageEntireDriver",
                                            "MmResetDriverPaging",
                                            "MmProbeAndLockPages",
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
                                            "RtlAppendUnicodeToString",
                                            "RtlAppendUnicodeStringToString",
                                            "RtlStringFromGUID",
                                            "RtlGUIDFromString",
                                            "RtlUpcaseUnicodeString",
                                            "RtlFreeUnicodeString",
                                            "RtlFreeAnsiString",
                                            "SeAccessCheck",
                                            "WdfWaitLockRelease",
                                            "WdfDeviceCreate",
                                            "WdfIoQueuePurgeSynchronously",
                                            "WdfIoQueueStopSynchronously",
                                            "WdfRegistryQueryValue",
                                            "WdfIoTargetOpen",
                                            "PAGED_CODE",
                                            NULL};

bool call_needs_low_irql(const struct unit *unit, struct range name)
{
    static const char *const not_zw[] = {"NtCurrentProcess", "NtCurrentThread", "ZwCurrentProcess",
                                         "ZwCurrentThread", NULL};

    if (range_length(name) > 2 &&
        (range_begins(unit, name, "Zw") || range_begins(unit, name, "Nt")) &&
        unit->text[name.begin + 2] >= 'A' && unit->text[name.begin + 2] <= 'Z') {
        return !range_in(unit, name, not_zw);
    }
    return range_in(unit, name, low_irql_only);
}

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
