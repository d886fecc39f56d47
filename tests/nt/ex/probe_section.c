/* SPDX-License-Identifier: MIT */
/* Sections of this driver locked, unlocked and paged, rightly and wrongly. */
#include "ex_probe.h"

static probe_routine Pageable, PageableToo, InitCode;
static ULONG Resident = 1; /* .data */

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEPROB, Pageable)
#pragma alloc_text(PAGEPROB, PageableToo)
#pragma alloc_text(INIT, InitCode)
#endif

static __attribute__((noinline)) VOID Pageable(VOID)
{
    Say("  pageable\n");
}

static __attribute__((noinline)) VOID PageableToo(VOID)
{
    Say("  pageable too\n");
}

static __attribute__((noinline)) VOID InitCode(VOID)
{
    Say("  init\n");
}

static VOID CallAtDispatch(probe_routine *Routine)
{
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Routine();
    KeLowerIrql(Irql);
}

VOID ProbeSections(VOID)
{
    PVOID First = MmLockPagableCodeSection((PVOID)Pageable);
    PVOID Second = MmLockPagableCodeSection((PVOID)PageableToo);
    KIRQL Irql;

    Say("one handle %u\n", First == Second);
    MmUnlockPagableImageSection(First);
    CallAtDispatch(Pageable);
    MmUnlockPagableImageSection(Second);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Say("in memory %u\n", MmIsAddressValid((PVOID)Pageable));
    KeLowerIrql(Irql);
    MmLockPagableSectionByHandle(First);
    CallAtDispatch(PageableToo);
    MmUnlockPagableImageSection(First);
}

VOID ProbeEntire(VOID)
{
    PVOID Base = MmPageEntireDriver((PVOID)DbgPrint == NULL ? NULL : (PVOID)ProbeEntire);
    PVOID Handle;

    Say("base %u\n", Base == ProbeDriver->DriverStart);
    Handle = MmLockPagableDataSection(&Resident); /* has an effect now */
    Say("resident %u\n", Resident);
    MmUnlockPagableImageSection(Handle);
    MmResetDriverPaging((PVOID)ProbeEntire);
    MmResetDriverPaging((PVOID)ProbeEntire);
    Say("reset %u\n", Resident);
}

/* ---- mistakes ---- */

VOID MistakeLockNothing(VOID)
{
    MmLockPagableDataSection((PVOID)0xffffa00000001000ull);
}

VOID MistakeLockStack(VOID)
{
    ULONG Local;

    MmLockPagableDataSection(&Local);
}

VOID MistakeUnderflow(VOID)
{
    PVOID Handle = MmLockPagableCodeSection((PVOID)Pageable);

    MmUnlockPagableImageSection(Handle);
    MmUnlockPagableImageSection(Handle);
}

VOID MistakeBadHandle(VOID)
{
    MmLockPagableSectionByHandle((PVOID)0x1234567);
}

VOID MistakeUnlockBadHandle(VOID)
{
    MmUnlockPagableImageSection((PVOID)0x1234567);
}

VOID MistakeEntireNothing(VOID)
{
    MmPageEntireDriver((PVOID)0x10);
}

VOID MistakeResetNothing(VOID)
{
    MmResetDriverPaging((PVOID)0x10);
}

VOID MistakeLockNonpaged(VOID)
{
    MmUnlockPagableImageSection(MmLockPagableDataSection(&Resident));
}

VOID MistakeLockAtDispatch(VOID)
{
    PVOID Handle;
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Handle = MmLockPagableCodeSection((PVOID)Pageable);
    KeLowerIrql(Irql);
    MmUnlockPagableImageSection(Handle);
}

VOID MistakeLockDiscarded(VOID)
{
    MmLockPagableCodeSection((PVOID)InitCode);
}
