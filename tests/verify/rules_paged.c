/* SPDX-License-Identifier: MIT */
/* Routines of rules.sys in PAGE, which nothing locks, and in PAGELOCK, which is locked for the
 * call. */
#include "rules.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, PageAcquire)
#pragma alloc_text(PAGE, PageAcquireEx)
#pragma alloc_text(PAGE, PageAcquireCancel)
#pragma alloc_text(PAGE, PageAcquireAtDispatch)
#pragma alloc_text(PAGE, PageRaise)
#pragma alloc_text(PAGE, PageRaiseAndAcquire)
#pragma alloc_text(PAGE, PageSignal)
#pragma alloc_text(PAGE, PageWork)
#pragma alloc_text(PAGE, PageDpc)
#pragma alloc_text(PAGE, PageRun)
#pragma alloc_text(PAGELOCK, LockedAcquire)
#pragma alloc_text(PAGELOCK, LockedRaise)
#pragma alloc_text(PAGELOCK, LockedDpc)
#pragma alloc_text(PAGELOCK, LockedRun)
#endif

VOID PageAcquire(VOID)
{
    KIRQL Irql;

    KeAcquireSpinLock(&RulesLock, &Irql);
    KeReleaseSpinLock(&RulesLock, Irql);
}

VOID PageAcquireEx(VOID)
{
    KIRQL Irql = ExAcquireSpinLockShared(&RulesExLock);

    ExReleaseSpinLockShared(&RulesExLock, Irql);
}

VOID PageAcquireCancel(VOID)
{
    KIRQL Irql;

    IoAcquireCancelSpinLock(&Irql);
    IoReleaseCancelSpinLock(Irql);
}

VOID PageAcquireAtDispatch(VOID)
{
    KeAcquireSpinLockAtDpcLevel(&RulesLock);
    KeReleaseSpinLockFromDpcLevel(&RulesLock);
}

VOID PageRaise(KIRQL To)
{
    KIRQL Irql;

    KeRaiseIrql(To, &Irql);
    KeLowerIrql(Irql);
}

VOID PageRaiseAndAcquire(VOID)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeAcquireSpinLockAtDpcLevel(&RulesLock);
    KeReleaseSpinLockFromDpcLevel(&RulesLock);
    KeLowerIrql(Irql);
}

VOID PageSignal(BOOLEAN ThenWait)
{
    KeSetEvent(&RulesEvent, IO_NO_INCREMENT, ThenWait);
    KeWaitForSingleObject(&RulesEvent, Executive, KernelMode, FALSE, NULL);
}

VOID PageWork(PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

VOID PageDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
}

LONG PageRun(LONG Number)
{
    return RulesNumber * Number;
}

VOID LockedAcquire(VOID)
{
    KIRQL Irql;

    KeAcquireSpinLock(&RulesLock, &Irql);
    KeReleaseSpinLock(&RulesLock, Irql);
}

VOID LockedRaise(VOID)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeLowerIrql(Irql);
}

VOID LockedDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    PageDpc(NULL, Dpc, Context, First == Second ? First : Second);
}

LONG LockedRun(LONG Number)
{
    return RulesNumber * Number;
}
