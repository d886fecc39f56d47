/* SPDX-License-Identifier: MIT */
/* The cases of rules.sys, and its routines that lie in pageable sections (rules_paged.c). */
#ifndef PAGABLE_TESTS_RULES_H
#define PAGABLE_TESTS_RULES_H

#define DBG 1 /* PAGED_CODE and ASSERT do something */
#include <ntddk.h>

/* Since Windows Vista; the headers do not have them. */
typedef LONG EX_SPIN_LOCK;
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockShared(EX_SPIN_LOCK *SpinLock);
NTKERNELAPI VOID NTAPI ExReleaseSpinLockShared(EX_SPIN_LOCK *SpinLock, KIRQL OldIrql);

enum rules_case {
    AcquireInPage,
    AcquireInLockedPage,
    AcquireAtDispatchInPage,
    AcquireExInPage,
    AcquireCancelInPage,
    RaiseToApcInPage,
    RaiseInPage,
    RaiseInLockedPage,
    RaiseAndAcquireInPage,
    WaitTrueInText,
    WaitTrueInPage,
    WaitFalseInPage,
    WaitTrueThenNothing,
    WaitTrueThenAnother,
    DpcInPage,
    DpcInLockedPage,
    TimerDpcInPage,
    WorkRoutineInPage,
    WorkItemInPagedPool,
    EventInPagedPool,
    EventOnStack,
    EventInNonpagedPool,
    EventInPagedData,
    EventInLockedPagedData,
    LockInPagedPool,
    LeaveRaisedInDispatch,
    LeaveRaisedInDpc,
    LeaveRaisedInWorkItem,
    LeaveLoweredInDpc,
    AtDpcLevelBelow,
    ReleaseAtDpcLevelBelow,
    HandleOfNothing,
    PagedCodeAtDispatch,
    PagedCodeAtApc,
    PagedCodeByAssert,
    PagedCodeByInterrupt,
    OtherAssertAtDispatch,
    RunPageAtDispatch,
    RunLockedPageAtDispatch,
    RunPageAtApc,
    ReadPagedDataAtDispatch,
    WritePagedPoolAtDispatch,
    AcquireInPagedDriver,
};

extern KEVENT RulesEvent; /* always set */
extern KSPIN_LOCK RulesLock;
extern EX_SPIN_LOCK RulesExLock;
extern volatile LONG RulesNumber;

/* ---- PAGE: nothing locks it ---- */

VOID PageAcquire(VOID);
VOID PageAcquireEx(VOID);
VOID PageAcquireCancel(VOID);
VOID PageAcquireAtDispatch(VOID);
VOID PageRaise(KIRQL To);
VOID PageRaiseAndAcquire(VOID);
VOID PageSignal(BOOLEAN ThenWait);
VOID PageWork(PVOID Context);
VOID PageDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second);
LONG PageRun(LONG Number);

/* ---- PAGELOCK: locked for the call ---- */

VOID LockedAcquire(VOID);
VOID LockedRaise(VOID);
VOID LockedDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second);
LONG LockedRun(LONG Number);

#endif
