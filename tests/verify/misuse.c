/* SPDX-License-Identifier: MIT */
/*
 * Calls of routines at IRQLs that they allow and that they do not, one per control code.
 * test_verify.py knows which is which.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD MisuseUnload;
static DRIVER_DISPATCH MisuseOpenClose;
static DRIVER_DISPATCH MisuseControl;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#define MISUSE_TAG 'suM '

enum misuse {
    WaitForeverAtDispatch,
    WaitZeroAtDispatch,
    WaitSecondsAtDispatch,
    WaitManyForeverAtDispatch,
    WaitManyZeroAtDispatch,
    WaitAtApc,
    SignalThenWait,
    PulseThenWait,
    SignalWithWaitAtDispatch,
    SignalAtDispatch,
    SemaphoreWithWaitAtApc,
    SemaphoreThenWait,
    MutexThenWait,
    PagedPoolAtDispatch,
    PagedPoolAtApc,
    NonpagedPoolAtDispatch,
    NonpagedPoolAboveDispatch,
    PagedFreeAtDispatch,
    NonpagedFreeAtDispatch,
    PassiveRoutineAtApc,
    PassiveRoutineAtPassive,
};

static PDEVICE_OBJECT MisuseDevice;
static KEVENT MisuseEvent, MisuseOther; /* always set */
static KSEMAPHORE MisuseSemaphore;
static KMUTEX MisuseMutex;

static VOID Wait(PLARGE_INTEGER Timeout)
{
    KeWaitForSingleObject(&MisuseEvent, Executive, KernelMode, FALSE, Timeout);
}

static VOID WaitMany(PLARGE_INTEGER Timeout)
{
    PVOID Objects[] = {&MisuseEvent, &MisuseOther};

    KeWaitForMultipleObjects(2, Objects, WaitAll, Executive, KernelMode, FALSE, Timeout, NULL);
}

static VOID AllocateAndFree(POOL_TYPE Type, KIRQL AllocateAt, KIRQL FreeAt)
{
    KIRQL Irql;
    PVOID Block;

    KeRaiseIrql(AllocateAt, &Irql);
    Block = ExAllocatePoolWithTag(Type, 64, MISUSE_TAG);
    KeLowerIrql(Irql);
    if (Block) {
        KeRaiseIrql(FreeAt, &Irql);
        ExFreePoolWithTag(Block, MISUSE_TAG);
        KeLowerIrql(Irql);
    }
}

static VOID AtDispatch(ULONG Which)
{
    LARGE_INTEGER Zero = {{0}}, Second;

    Second.QuadPart = -10000000;
    switch (Which) {
    case WaitForeverAtDispatch:
        Wait(NULL);
        break;
    case WaitZeroAtDispatch:
        Wait(&Zero);
        break;
    case WaitSecondsAtDispatch:
        Wait(&Second);
        break;
    case WaitManyForeverAtDispatch:
        WaitMany(NULL);
        break;
    case WaitManyZeroAtDispatch:
        WaitMany(&Zero);
        break;
    case SignalAtDispatch:
        KeSetEvent(&MisuseEvent, IO_NO_INCREMENT, FALSE);
        break;
    case SignalWithWaitAtDispatch:
        KeSetEvent(&MisuseEvent, IO_NO_INCREMENT, TRUE);
        Wait(&Zero);
        break;
    }
}

static VOID AtApc(ULONG Which)
{
    UNICODE_STRING Link;

    switch (Which) {
    case WaitAtApc:
        Wait(NULL);
        break;
    case SemaphoreWithWaitAtApc:
        KeReleaseSemaphore(&MisuseSemaphore, IO_NO_INCREMENT, 1, TRUE);
        Wait(NULL);
        break;
    case PassiveRoutineAtApc:
        RtlInitUnicodeString(&Link, L"\\DosDevices\\MisuseNothing");
        IoDeleteSymbolicLink(&Link);
        break;
    }
}

static VOID AtPassive(ULONG Which)
{
    UNICODE_STRING Link;

    switch (Which) {
    case SignalThenWait:
        KeSetEvent(&MisuseEvent, IO_NO_INCREMENT, TRUE);
        Wait(NULL);
        break;
    case PulseThenWait:
        KePulseEvent(&MisuseOther, IO_NO_INCREMENT, TRUE);
        Wait(NULL);
        KeSetEvent(&MisuseOther, IO_NO_INCREMENT, FALSE);
        break;
    case SemaphoreThenWait:
        KeReleaseSemaphore(&MisuseSemaphore, IO_NO_INCREMENT, 1, TRUE);
        Wait(NULL);
        break;
    case MutexThenWait:
        KeWaitForSingleObject(&MisuseMutex, Executive, KernelMode, FALSE, NULL);
        KeReleaseMutex(&MisuseMutex, TRUE);
        Wait(NULL);
        break;
    case PagedPoolAtDispatch:
        AllocateAndFree(PagedPool, DISPATCH_LEVEL, PASSIVE_LEVEL);
        break;
    case PagedPoolAtApc:
        AllocateAndFree(PagedPool, APC_LEVEL, APC_LEVEL);
        break;
    case NonpagedPoolAtDispatch:
        AllocateAndFree(NonPagedPool, DISPATCH_LEVEL, PASSIVE_LEVEL);
        break;
    case NonpagedPoolAboveDispatch:
        AllocateAndFree(NonPagedPool, DISPATCH_LEVEL + 1, PASSIVE_LEVEL);
        break;
    case PagedFreeAtDispatch:
        AllocateAndFree(PagedPool, PASSIVE_LEVEL, DISPATCH_LEVEL);
        break;
    case NonpagedFreeAtDispatch:
        AllocateAndFree(NonPagedPool, PASSIVE_LEVEL, DISPATCH_LEVEL);
        break;
    case PassiveRoutineAtPassive:
        RtlInitUnicodeString(&Link, L"\\DosDevices\\MisuseNothing");
        IoDeleteSymbolicLink(&Link);
        break;
    }
}

static NTSTATUS MisuseControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Which = (Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0x7f;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Stack->Parameters.DeviceIoControl.InputBufferLength == 4) {
        AtPassive(Which);
        KeRaiseIrql(APC_LEVEL, &Irql);
        AtApc(Which);
        KeLowerIrql(Irql);
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        AtDispatch(Which);
        KeLowerIrql(Irql);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS MisuseOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID MisuseUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(MisuseDevice);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, L"\\Device\\Misuse");
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &MisuseDevice);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&MisuseEvent, NotificationEvent, TRUE);
    KeInitializeEvent(&MisuseOther, NotificationEvent, TRUE);
    KeInitializeSemaphore(&MisuseSemaphore, 0, 1000);
    KeInitializeMutex(&MisuseMutex, 0);
    DriverObject->DriverUnload = MisuseUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MisuseOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MisuseOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MisuseControl;
    return STATUS_SUCCESS;
}
