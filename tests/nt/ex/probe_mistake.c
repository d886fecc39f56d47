/* SPDX-License-Identifier: MIT */
/* What brings a computer down. */
#include "ex_probe.h"

NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockShared(volatile LONG *Lock);
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockExclusive(volatile LONG *Lock);
NTKERNELAPI VOID NTAPI ExReleaseSpinLockShared(volatile LONG *Lock, KIRQL OldIrql);
NTSYSAPI VOID NTAPI RtlAssert(PVOID Expression, PVOID File, ULONG Line, PCHAR Message);

static ERESOURCE Resource;
static KEVENT Never;

VOID MistakeReleaseUnowned(VOID)
{
    ExInitializeResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
}

VOID MistakeConvertUnowned(VOID)
{
    ExInitializeResourceLite(&Resource);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExConvertExclusiveToSharedLite(&Resource);
}

VOID MistakeOwnerPointer(VOID)
{
    ExInitializeResourceLite(&Resource);
    ExAcquireResourceSharedLite(&Resource, TRUE);
    ExSetResourceOwnerPointer(&Resource, (PVOID)0x1000);
}

static WORK_QUEUE_ITEM Item;

static VOID NTAPI RaisingWork(PVOID Context)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
}

VOID MistakeWorkItemIrql(VOID)
{
    ExInitializeWorkItem(&Item, RaisingWork, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    ProbeSleep(10);
}

VOID MistakeQueueTwice(VOID)
{
    KIRQL Irql;

    ExInitializeWorkItem(&Item, RaisingWork, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
}

static VOID NTAPI RaisedThread(PVOID Context)
{
    KIRQL Irql;

    if (Context != NULL) {
        KeRaiseIrql(APC_LEVEL, &Irql);
    } else {
        KeEnterCriticalRegion();
    }
}

VOID MistakeThreadIrql(VOID)
{
    ProbeInThread(RaisedThread, (PVOID)1);
}

VOID MistakeThreadRegion(VOID)
{
    ProbeInThread(RaisedThread, NULL);
}

VOID MistakeBreak(VOID)
{
    DbgBreakPoint();
}

VOID MistakeAssert(VOID)
{
    RtlAssert("Count == 0", "mistake.c", 42, NULL);
}

VOID MistakeRaise(VOID)
{
    ExRaiseStatus(STATUS_DEVICE_NOT_READY);
}

VOID MistakeProbeRead(VOID)
{
    ProbeForRead(&Resource, sizeof(Resource), 1);
}

VOID MistakeProbeAlign(VOID)
{
    ProbeForRead((PVOID)0x10001, 4, 4);
}

static volatile LONG Lock;

VOID MistakeReaderLock(VOID)
{
    ExAcquireSpinLockShared(&Lock);
    ExAcquireSpinLockExclusive(&Lock);
}

VOID MistakeReleaseReader(VOID)
{
    ExReleaseSpinLockShared(&Lock, PASSIVE_LEVEL);
}

static FAST_MUTEX Mutex;

static VOID NTAPI WaitingDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
}

static VOID NTAPI OwnerThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
}

VOID MistakeWaitInDpc(VOID)
{
    static KDPC Dpc;

    ExInitializeFastMutex(&Mutex);
    ExInitializeResourceLite(&Resource);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    ProbeStart(OwnerThread, NULL);
    ProbeSleep(1);
    KeInitializeDpc(&Dpc, WaitingDpc, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    ProbeSleep(1);
}

VOID MistakeUnregister(VOID)
{
    ExUnregisterCallback(&Resource);
}
