/* SPDX-License-Identifier: MIT */
/*
 * Resident routines of which every known caller is at <= APC_LEVEL.  Whether they may be offered
 * depends on who else may call them; test_rules.c has the list.  Never run: only looked at.
 */
#include <ntddk.h>

#define NOINLINE __attribute__((noinline))

static volatile ULONG Count;
static KDPC Dpc;
static WORK_QUEUE_ITEM Item;
static NTSTATUS PagedControl(PDEVICE_OBJECT Device, PIRP Irp);
DRIVER_INITIALIZE DriverEntry;
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PagedControl)

static VOID (*volatile Later)(PVOID);
typedef VOID ROUTINE(PVOID);
static ROUTINE Known, Twice, InTable;
static ROUTINE *const Table[] = {InTable, InTable, Twice};

/* A work item, and nothing else. */
static VOID Known(PVOID Context)
{
    Count += *(volatile ULONG *)Context * 3;
    Count ^= *(volatile ULONG *)Context;
}

/* A work item that a DPC also calls, through memory. */
static VOID Twice(PVOID Context)
{
    Count += *(volatile ULONG *)Context * 5;
    Count ^= *(volatile ULONG *)Context;
}

/* The same, through a table that never changes. */
static VOID InTable(PVOID Context)
{
    Count += *(volatile ULONG *)Context * 7;
    Count ^= *(volatile ULONG *)Context;
}

static VOID Fired(PKDPC Which, PVOID Context, PVOID One, PVOID Two)
{
    UNREFERENCED_PARAMETER(Which);
    UNREFERENCED_PARAMETER(One);
    UNREFERENCED_PARAMETER(Two);
    Later(Context);
    Table[Count % RTL_NUMBER_OF(Table)](Context);
}

/* Called by a transfer routine, which a driver on the paging path gets raised. */
static NOINLINE VOID ForTransfers(PIRP Irp)
{
    Irp->IoStatus.Information = Count * 9;
    Irp->IoStatus.Status = STATUS_SUCCESS;
}

static NOINLINE VOID ForPaged(PIRP Irp)
{
    Irp->IoStatus.Information = Count * 11;
    Irp->IoStatus.Status = STATUS_SUCCESS;
}

/* ---- not all that looks wrong is: rules ---- */

static KSPIN_LOCK Lock;

/* What control flow guard leaves in an image, called as it is when its pointer is in a register. */
__attribute__((naked)) static VOID Guard(VOID)
{
    __asm__("jmp *%rax");
}
static VOID (*const GuardPointer)(VOID) = Guard;

__attribute__((naked, used)) static VOID GiveBack(PKSPIN_LOCK Which, KIRQL Old)
{
    __asm__("movq __imp_KeReleaseSpinLock(%%rip), %%rax\n"
            "movq %0, %%r8\n"
            "jmp *%%r8" ::"m"(GuardPointer));
}

static NOINLINE VOID Locked(VOID)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    Count++;
    GiveBack(&Lock, irql);
}

/* Lock routines in registers around a loop, which the way out of it gives back. */
__attribute__((naked, used)) static VOID InLoop(ULONG Times)
{
    __asm__("pushq %rbx\n"
            "pushq %rsi\n"
            "pushq %rdi\n"
            "subq $0x20, %rsp\n"
            "movl %ecx, %ebx\n"
            "movq __imp_KeAcquireSpinLockRaiseToDpc(%rip), %rsi\n"
            "movq __imp_KeReleaseSpinLock(%rip), %rdi\n"
            "jmp 2f\n"
            "1: leaq Lock(%rip), %rcx\n"
            "movl %eax, %edx\n"
            "callq *%rdi\n"
            "2: subl $1, %ebx\n"
            "jb 3f\n"
            "leaq Lock(%rip), %rcx\n"
            "callq *%rsi\n"
            "jmp 1b\n"
            "3: addq $0x20, %rsp\n"
            "popq %rdi\n"
            "popq %rsi\n"
            "popq %rbx\n"
            "retq");
}

/* May be called at <= DISPATCH_LEVEL; its caller says whether it is there. */
static VOID ToldWhere(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context,
                      PIO_STATUS_BLOCK Status)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Minor);
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(Context);
    if (State.DeviceState == PowerDeviceD0) {
        KeAcquireSpinLockAtDpcLevel(&Lock);
        Count += 3;
        KeReleaseSpinLockFromDpcLevel(&Lock);
    } else {
        KeAcquireSpinLock(&Lock, &irql);
        Count++;
        KeReleaseSpinLock(&Lock, irql);
    }
}

/* The same, and it believes that it always is. */
static VOID NotTold(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context,
                    PIO_STATUS_BLOCK Status)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(State);
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(Context);
    if (Minor != 0) {
        Count++;
    }
    KeAcquireSpinLockAtDpcLevel(&Lock);
    Count += 3;
    KeReleaseSpinLockFromDpcLevel(&Lock);
}

static NTSTATUS Complete(PIRP Irp)
{
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS Read(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    ForTransfers(Irp);
    return Complete(Irp);
}

static NTSTATUS Power(PDEVICE_OBJECT Device, PIRP Irp)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD0};

    Locked();
    PoRequestPowerIrp(Device, IRP_MN_SET_POWER, state, ToldWhere, NULL, NULL);
    PoRequestPowerIrp(Device, IRP_MN_SET_POWER, state, NotTold, NULL, NULL);
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    return Complete(Irp);
}

/* Of PAGE: what it calls raised would be called wrongly already. */
static NTSTATUS PagedControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    ForPaged(Irp);
    InLoop(3);
    return Complete(Irp);
}

/* Called with the cancel spin lock. */
static VOID Keeps(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    if (Irp->Flags == 0) {
        return;
    }
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Complete(Irp);
}

static VOID GivesBack(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (Device->CurrentIrp == Irp) {
        IoReleaseCancelSpinLock(Irp->CancelIrql);
        Count++;
    } else {
        IoReleaseCancelSpinLock(Irp->CancelIrql);
    }
    Complete(Irp);
}

static NTSTATUS Create(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    ExInitializeWorkItem(&Item, Known, &Item);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    IoSetCancelRoutine(Irp, Keeps);
    IoSetCancelRoutine(Irp, GivesBack);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return Complete(Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    static WORK_QUEUE_ITEM Second, Third;

    UNREFERENCED_PARAMETER(Path);
    KeInitializeDpc(&Dpc, Fired, &Dpc);
    Later = Twice;
    ExInitializeWorkItem(&Second, Twice, &Second);
    ExQueueWorkItem(&Second, DelayedWorkQueue);
    ExInitializeWorkItem(&Third, InTable, &Third);
    ExQueueWorkItem(&Third, DelayedWorkQueue);
    Driver->MajorFunction[IRP_MJ_CREATE] = Create;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_POWER] = Power;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PagedControl;
    return STATUS_SUCCESS;
}
