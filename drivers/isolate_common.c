/* SPDX-License-Identifier: MIT */
/*
 * The two devices around IsolateMount: see isolate_common.h.
 *
 * Everything here but the set-up is resident: dispatch routines that touch spin locks, a DPC, and
 * the code that it calls.
 */
#include "isolate_common.h"

static DRIVER_UNLOAD IsolateUnload;
static DRIVER_DISPATCH IsolateOpenClose;
static DRIVER_DISPATCH IsolateReadWrite;
static DRIVER_DISPATCH IsolateDeviceControl;
static DRIVER_DISPATCH IsolateFileSystemControl;
static KDEFERRED_ROUTINE IsolateCompletionDpc;
static NTSTATUS IsolateCreateLower(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *Lower);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, IsolateInitialize)
#pragma alloc_text(INIT, IsolateCreateLower)
#endif

KSPIN_LOCK IsolateDatabaseLock;
static UNICODE_STRING IsolateLinkName; /* points at a literal in .rdata, which stays */
static PDEVICE_OBJECT IsolateUpperDevice;

NTSTATUS IsolateInitialize(PDRIVER_OBJECT DriverObject, PCWSTR DeviceName, PCWSTR LinkName)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Upper;
    PDEVICE_OBJECT Lower;
    struct isolate_extension *Extension;
    NTSTATUS Status;

    KeInitializeSpinLock(&IsolateDatabaseLock);
    RtlInitUnicodeString(&Name, DeviceName);
    RtlInitUnicodeString(&IsolateLinkName, LinkName);

    Status = IoCreateDevice(DriverObject, sizeof(*Extension), &Name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Upper);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IsolateCreateLower(DriverObject, &Lower);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Upper);
        return Status;
    }
    Status = IoCreateSymbolicLink(&IsolateLinkName, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Lower);
        IoDeleteDevice(Upper);
        return Status;
    }

    Extension = Upper->DeviceExtension;
    Extension->Role = IsolateUpper;
    Extension->Lower = Lower;
    Upper->Flags |= DO_BUFFERED_IO;
    IsolateUpperDevice = Upper;

    DriverObject->DriverUnload = IsolateUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = IsolateOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = IsolateOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = IsolateReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = IsolateReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = IsolateDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_FILE_SYSTEM_CONTROL] = IsolateFileSystemControl;
    return STATUS_SUCCESS;
}

/* The device that requests are sent to has no name: only this driver talks to it. */
static NTSTATUS IsolateCreateLower(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *Lower)
{
    struct isolate_extension *Extension;
    NTSTATUS Status;

    Status = IoCreateDevice(DriverObject, sizeof(*Extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            Lower);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Extension = (*Lower)->DeviceExtension;
    Extension->Role = IsolateLower;
    Extension->ReferenceCount = 1;
    KeInitializeSpinLock(&Extension->QueueLock);
    InitializeListHead(&Extension->Queue);
    KeInitializeDpc(&Extension->CompletionDpc, IsolateCompletionDpc, *Lower);
    (*Lower)->Flags |= DO_BUFFERED_IO;
    return STATUS_SUCCESS;
}

static NTSTATUS IsolateComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS IsolateOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return IsolateComplete(Irp, STATUS_SUCCESS);
}

/* Reads give nothing and writes take nothing, successfully: the device is always at its end. */
static NTSTATUS IsolateReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return IsolateComplete(Irp, STATUS_SUCCESS);
}

PDEVICE_OBJECT IsolateReferenceLower(PDEVICE_OBJECT Upper)
{
    struct isolate_extension *Extension = Upper->DeviceExtension;
    PDEVICE_OBJECT Lower;
    KIRQL Irql;

    KeAcquireSpinLock(&IsolateDatabaseLock, &Irql);
    Lower = Extension->Lower;
    if (Lower) {
        struct isolate_extension *LowerExtension = Lower->DeviceExtension;

        LowerExtension->ReferenceCount++;
    }
    KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
    return Lower;
}

/*
 * The driver stops offering its lower device.  Whoever drops the last reference deletes it: this
 * routine, or a mount that is under way.
 */
static VOID IsolateRetireLower(PDEVICE_OBJECT Upper)
{
    struct isolate_extension *Extension = Upper->DeviceExtension;
    PDEVICE_OBJECT Lower;
    BOOLEAN Last = FALSE;
    KIRQL Irql;

    KeAcquireSpinLock(&IsolateDatabaseLock, &Irql);
    Lower = Extension->Lower;
    Extension->Lower = NULL;
    if (Lower) {
        struct isolate_extension *LowerExtension = Lower->DeviceExtension;

        Last = --LowerExtension->ReferenceCount == 0;
    }
    KeReleaseSpinLock(&IsolateDatabaseLock, Irql);
    if (Last) {
        IoDeleteDevice(Lower);
    }
}

static NTSTATUS IsolateDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct isolate_extension *Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PDEVICE_OBJECT Lower;

    if (Extension->Role != IsolateUpper) {
        return IsolateComplete(Irp, STATUS_SUCCESS);
    }
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_ISOLATE_RETIRE) {
        IsolateRetireLower(DeviceObject);
        return IsolateComplete(Irp, STATUS_SUCCESS);
    }
    Lower = IsolateReferenceLower(DeviceObject);
    return IsolateComplete(Irp, Lower ? IsolateMount(Lower) : STATUS_DEVICE_NOT_READY);
}

/* The lower device takes the request, returns STATUS_PENDING and lets its DPC finish it. */
static NTSTATUS IsolateFileSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct isolate_extension *Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    KIRQL Irql;

    if (Extension->Role != IsolateLower || Stack->MinorFunction != IRP_MN_LOAD_FILE_SYSTEM) {
        return IsolateComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Extension->QueueLock, &Irql);
    InsertTailList(&Extension->Queue, &Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Extension->QueueLock, Irql);
    KeInsertQueueDpc(&Extension->CompletionDpc, NULL, NULL);
    return STATUS_PENDING;
}

/* One run of the DPC may stand for several requests: a DPC that is queued already is not queued
 * twice. */
static VOID IsolateCompletionDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    struct isolate_extension *Extension = ((PDEVICE_OBJECT)Context)->DeviceExtension;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    for (;;) {
        PLIST_ENTRY Entry = NULL;

        KeAcquireSpinLockAtDpcLevel(&Extension->QueueLock);
        if (!IsListEmpty(&Extension->Queue)) {
            Entry = RemoveHeadList(&Extension->Queue);
        }
        KeReleaseSpinLockFromDpcLevel(&Extension->QueueLock);
        if (!Entry) {
            return;
        }
        /* Outside of the lock: completing runs other drivers' completion routines. */
        IsolateComplete(CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry), STATUS_SUCCESS);
    }
}

static VOID IsolateUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteSymbolicLink(&IsolateLinkName);
    IsolateRetireLower(IsolateUpperDevice);
    IoDeleteDevice(IsolateUpperDevice);
}
