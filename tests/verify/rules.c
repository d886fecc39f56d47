/* SPDX-License-Identifier: MIT */
/*
 * What the rules about paging forbid, and the nearest thing that they allow, one per control code.
 * test_rules.py knows which is which.
 */
#include "rules.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD RulesUnload;
static DRIVER_DISPATCH RulesOpenClose;
static DRIVER_DISPATCH RulesControl;

#define RULES_TAG 'luR '

static PDEVICE_OBJECT RulesDevice;
KEVENT RulesEvent;
KSPIN_LOCK RulesLock;
EX_SPIN_LOCK RulesExLock;
static KDPC RulesDpc;
static KTIMER RulesTimer;
static KIRQL RulesIrql;
volatile LONG RulesNumber = 1;

/* Never all zero, so that they have pages of their own in the file. */
static volatile LONG RulesPagedNumber __attribute__((section("PAGEDATA"))) = 42;
static KEVENT RulesPagedEvent __attribute__((section("PAGEDATA"))) = {.Header = {.Type = 1}};

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static NTSTATUS Wait(VOID)
{
    return KeWaitForSingleObject(&RulesEvent, Executive, KernelMode, FALSE, NULL);
}

/* ---- cases of .text ---- */

static VOID TextDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    if ((ULONG_PTR)Context == LeaveRaisedInDpc) {
        KeRaiseIrql(DISPATCH_LEVEL + 1, &RulesIrql);
    } else {
        KeLowerIrql(PASSIVE_LEVEL);
    }
}

static VOID TextWork(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeRaiseIrql(DISPATCH_LEVEL, &RulesIrql);
}

static VOID Queue(PKDEFERRED_ROUTINE Routine, ULONG_PTR Context)
{
    KeInitializeDpc(&RulesDpc, Routine, (PVOID)Context);
    KeInsertQueueDpc(&RulesDpc, NULL, NULL);
}

static VOID SetTimer(PKDEFERRED_ROUTINE Routine)
{
    LARGE_INTEGER Due;

    Due.QuadPart = -1000;
    KeInitializeDpc(&RulesDpc, Routine, NULL);
    KeSetTimer(&RulesTimer, Due, &RulesDpc);
    KeCancelTimer(&RulesTimer);
}

static VOID RunWork(PWORKER_THREAD_ROUTINE Routine, POOL_TYPE Type)
{
    PWORK_QUEUE_ITEM Item = ExAllocatePoolWithTag(Type, sizeof *Item, RULES_TAG);
    KEVENT Done;

    if (Item) {
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        ExInitializeWorkItem(Item, Routine, &Done);
        ExQueueWorkItem(Item, DelayedWorkQueue);
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        ExFreePoolWithTag(Item, RULES_TAG);
    }
}

static VOID UseEvent(PKEVENT Event)
{
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);
}

static VOID UseEventIn(POOL_TYPE Type)
{
    PKEVENT Event = ExAllocatePoolWithTag(Type, sizeof *Event, RULES_TAG);

    if (Event) {
        UseEvent(Event);
        ExFreePoolWithTag(Event, RULES_TAG);
    }
}

static VOID UseLockInPagedPool(VOID)
{
    PKSPIN_LOCK Lock = ExAllocatePoolWithTag(PagedPool, sizeof *Lock, RULES_TAG);
    KIRQL Irql;

    if (Lock) {
        *Lock = 0; /* what an inlined KeInitializeSpinLock does */
        KeAcquireSpinLock(Lock, &Irql);
        KeReleaseSpinLock(Lock, Irql);
        ExFreePoolWithTag(Lock, RULES_TAG);
    }
}

static DECLSPEC_NOINLINE VOID CheckedRoutine(VOID)
{
    PAGED_CODE();
}

static DECLSPEC_NOINLINE VOID CheckedByAssert(VOID)
{
    ASSERT(KeGetCurrentIrql() <= APC_LEVEL);
}

static DECLSPEC_NOINLINE VOID CheckedByInterrupt(VOID)
{
    NT_ASSERT(KeGetCurrentIrql() <= APC_LEVEL);
}

static DECLSPEC_NOINLINE VOID OtherAssert(volatile LONG *Number)
{
    ASSERT(*Number == 0);
}

/* With DISPATCH_LEVEL held around it. */
static DECLSPEC_NOINLINE LONG AtDispatch(enum rules_case Which, PULONG Paged)
{
    KIRQL Irql;
    LONG Result = 0;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    switch (Which) {
    case AcquireAtDispatchInPage:
        PageAcquireAtDispatch();
        break;
    case PagedCodeAtDispatch:
        CheckedRoutine();
        break;
    case PagedCodeByAssert:
        CheckedByAssert();
        break;
    case PagedCodeByInterrupt:
        CheckedByInterrupt();
        break;
    case OtherAssertAtDispatch:
        OtherAssert(&RulesNumber);
        break;
    case RunPageAtDispatch:
        Result = PageRun(1) + PageRun(2);
        break;
    case RunLockedPageAtDispatch:
        Result = LockedRun(1);
        break;
    case ReadPagedDataAtDispatch:
        Result = RulesPagedNumber;
        break;
    case WritePagedPoolAtDispatch:
        *Paged = 7;
        break;
    default:
        break;
    }
    KeLowerIrql(Irql);
    return Result;
}

static VOID AtApc(enum rules_case Which)
{
    KIRQL Irql;

    KeRaiseIrql(APC_LEVEL, &Irql);
    if (Which == PagedCodeAtApc) {
        CheckedRoutine();
    } else {
        PageRun(1);
    }
    KeLowerIrql(Irql);
}

static VOID WithPagedPool(enum rules_case Which)
{
    PULONG Paged = ExAllocatePoolWithTag(PagedPool, 64, RULES_TAG);

    if (Paged) {
        *Paged = 1;
        AtDispatch(Which, Paged);
        ExFreePoolWithTag(Paged, RULES_TAG);
    }
}

/* The section is in memory when it is used, by luck.  The signal and the wait raise the IRQL inside
 * of the system, which is no history of the driver's. */
static DECLSPEC_NOINLINE VOID AfterTouching(enum rules_case Which)
{
    KeSetEvent(&RulesEvent, IO_NO_INCREMENT, FALSE);
    Wait();
    PageRun(RulesPagedNumber);
    AtDispatch(Which, NULL);
}

static DECLSPEC_NOINLINE VOID WithSectionLocked(enum rules_case Which)
{
    PVOID Section = MmLockPagableCodeSection(LockedRun);
    PVOID Data = MmLockPagableDataSection((PVOID)&RulesPagedEvent);

    switch (Which) {
    case AcquireInLockedPage:
        LockedAcquire();
        break;
    case RaiseInLockedPage:
        LockedRaise();
        break;
    case DpcInLockedPage:
        Queue(LockedDpc, 0);
        break;
    case EventInLockedPagedData:
        UseEvent(&RulesPagedEvent);
        break;
    default:
        AtDispatch(Which, NULL);
        break;
    }
    KeFlushQueuedDpcs();
    MmUnlockPagableImageSection(Data);
    MmUnlockPagableImageSection(Section);
}

static DECLSPEC_NOINLINE VOID SignalAndForget(BOOLEAN CallAnother)
{
    KeSetEvent(&RulesEvent, IO_NO_INCREMENT, TRUE);
    if (CallAnother) {
        KeReadStateEvent(&RulesEvent);
        Wait();
    }
}

static DECLSPEC_NOINLINE VOID BelowItsLevel(enum rules_case Which)
{
    KIRQL Irql;

    if (Which == AtDpcLevelBelow) {
        KeAcquireSpinLockAtDpcLevel(&RulesLock);
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        KeReleaseSpinLockFromDpcLevel(&RulesLock);
    } else {
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        KeAcquireSpinLockAtDpcLevel(&RulesLock);
        KeLowerIrql(Irql);
        KeReleaseSpinLockFromDpcLevel(&RulesLock);
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    }
    KeLowerIrql(Irql);
}

static DECLSPEC_NOINLINE VOID InPagedDriver(VOID)
{
    KSPIN_LOCK Lock = 0; /* on the stack: those of .data are pageable, too */
    KIRQL Irql;

    MmPageEntireDriver(DriverEntry);
    KeAcquireSpinLock(&Lock, &Irql);
    KeReleaseSpinLock(&Lock, Irql);
    MmResetDriverPaging(DriverEntry);
}

static VOID RunLocksAndLevels(enum rules_case Which)
{
    switch (Which) {
    case AcquireInPage:
        PageAcquire();
        break;
    case AcquireExInPage:
        PageAcquireEx();
        break;
    case AcquireCancelInPage:
        PageAcquireCancel();
        break;
    case RaiseToApcInPage:
        PageRaise(APC_LEVEL);
        break;
    case RaiseInPage:
        PageRaise(DISPATCH_LEVEL);
        break;
    case RaiseAndAcquireInPage:
        PageRaiseAndAcquire();
        break;
    case WaitTrueInText:
        KeSetEvent(&RulesEvent, IO_NO_INCREMENT, TRUE);
        Wait();
        break;
    case WaitTrueInPage:
    case WaitFalseInPage:
        PageSignal(Which == WaitTrueInPage);
        break;
    case WaitTrueThenNothing:
    case WaitTrueThenAnother:
        SignalAndForget(Which == WaitTrueThenAnother);
        break;
    case LeaveRaisedInDispatch:
        KeRaiseIrql(DISPATCH_LEVEL, &RulesIrql);
        break;
    case AtDpcLevelBelow:
    case ReleaseAtDpcLevelBelow:
        BelowItsLevel(Which);
        break;
    case HandleOfNothing:
        MmLockPagableSectionByHandle((PVOID)(ULONG_PTR)0x12345);
        break;
    case AcquireInPagedDriver:
        InPagedDriver();
        break;
    default:
        break;
    }
}

static VOID RunObjects(enum rules_case Which)
{
    KEVENT Event;

    switch (Which) {
    case DpcInPage:
        Queue(PageDpc, 0);
        break;
    case TimerDpcInPage:
        SetTimer(PageDpc);
        break;
    case LeaveRaisedInDpc:
    case LeaveLoweredInDpc:
        Queue(TextDpc, Which);
        break;
    case WorkRoutineInPage:
        RunWork(PageWork, NonPagedPool);
        break;
    case WorkItemInPagedPool:
        RunWork(PageWork, PagedPool);
        break;
    case LeaveRaisedInWorkItem:
        RunWork(TextWork, NonPagedPool);
        break;
    case EventInPagedPool:
        UseEventIn(PagedPool);
        break;
    case EventOnStack:
        UseEvent(&Event);
        break;
    case EventInNonpagedPool:
        UseEventIn(NonPagedPool);
        break;
    case EventInPagedData:
        UseEvent(&RulesPagedEvent);
        break;
    case LockInPagedPool:
        UseLockInPagedPool();
        break;
    default:
        break;
    }
}

static VOID RunCase(enum rules_case Which)
{
    switch (Which) {
    case AcquireInLockedPage:
    case RaiseInLockedPage:
    case DpcInLockedPage:
    case EventInLockedPagedData:
    case RunLockedPageAtDispatch:
        WithSectionLocked(Which);
        break;
    case AcquireAtDispatchInPage:
    case RunPageAtDispatch:
    case ReadPagedDataAtDispatch:
    case OtherAssertAtDispatch:
        AfterTouching(Which);
        break;
    case PagedCodeAtDispatch:
    case PagedCodeByAssert:
    case PagedCodeByInterrupt:
        AtDispatch(Which, NULL);
        break;
    case PagedCodeAtApc:
    case RunPageAtApc:
        AtApc(Which);
        break;
    case WritePagedPoolAtDispatch:
        WithPagedPool(Which);
        break;
    default:
        RunLocksAndLevels(Which);
        RunObjects(Which);
        break;
    }
}

static NTSTATUS RulesControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Which = (Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0x7f;
    BOOLEAN Meant = Stack->Parameters.DeviceIoControl.InputBufferLength == 4;

    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    if (Meant) {
        RunCase(Which);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS RulesOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID RulesUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(RulesDevice);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, L"\\Device\\Rules");
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &RulesDevice);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&RulesEvent, NotificationEvent, TRUE);
    KeInitializeSpinLock(&RulesLock);
    KeInitializeTimer(&RulesTimer);
    DriverObject->DriverUnload = RulesUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = RulesOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RulesOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = RulesControl;
    return STATUS_SUCCESS;
}
